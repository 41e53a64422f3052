import { execFile } from 'node:child_process'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

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

/** Copies a folder to a path that does not exist, with the owners and modes of its files, on which PostgreSQL insists. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to])
}
