import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { errorCode } from '../database/embedded/files.ts'

/**
 * Fills a new folder and puts it in the place of another, so that nobody sees half of it. Several processes can do this at
 * once: what one of them has made remains.
 */
export async function replaceFolder(path: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const id = randomUUID()
  const [next, previous] = [`${path}-${id}-next`, `${path}-${id}-previous`]
  await mkdir(next, { recursive: true })
  try {
    await fill(next)
    await move(path, previous)
    await move(next, path)
  } finally {
    for (const folder of [next, previous]) await rm(folder, { recursive: true, force: true })
  }
}

/** Renames a folder, if it exists and the other does not. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    // Another process has moved it, or has put its own there.
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error
  }
}
