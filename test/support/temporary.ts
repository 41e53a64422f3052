import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const memory = '/dev/shm'
const neededBytes = 2 ** 30

/** A new folder, in memory if the system has a file system there, where databases are fast. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(await parent(), 'promo-codes-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}

async function parent(): Promise<string> {
  if (process.platform !== 'linux') return tmpdir()
  try {
    const { bavail, bsize } = await statfs(memory)
    return bavail * bsize > neededBytes ? memory : tmpdir()
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return tmpdir()
    throw error
  }
}
