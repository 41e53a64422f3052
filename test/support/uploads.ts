import { randomUUID } from 'node:crypto'
import { v7 as newId } from 'uuid'
import { insertUploadTask, markRunning } from '../../src/domain/generation/task.ts'
import { lockPool } from '../../src/domain/pool/pool.ts'
import { addChunk } from '../../src/domain/upload/add-chunk.ts'
import { clearUpload } from '../../src/domain/upload/clear.ts'
import type { Chunk } from '../../src/domain/upload/decide-chunk.ts'
import { completeUpload } from '../../src/domain/upload/finish.ts'
import type { Place } from './books.ts'

export interface UploadOptions {
  dryRun?: boolean
  caseSensitive?: boolean
  /** How many rows are added with one chunk. */
  chunk?: number
}

/** Resolves to the id of a new RUNNING upload. */
export async function startUpload(
  { books, accountId }: Place,
  poolId: string,
  { dryRun = false, caseSensitive = false }: UploadOptions = {},
): Promise<string> {
  const id = newId()
  await books.write(accountId, async (tx) => {
    await lockPool(tx, poolId)
    const input = { column: undefined, dryRun, caseSensitive, bytes: 1_000_000n }
    await insertUploadTask(tx, { id, poolId, ...input })
    await markRunning(tx, id)
  })
  return id
}

/** A chunk with these rows, after `from` others of the file. */
export function chunkOf(
  codes: readonly string[],
  from: bigint,
  rejected: readonly { text: string; reason: string }[] = [],
): Chunk {
  return {
    rows: codes.map((code, at) => ({ number: Number(from) + at + 1, code })),
    rejected: rejected.map((row, at) => ({ number: Number(from) + codes.length + at + 1, ...row })),
    rowsRead: from + BigInt(codes.length + rejected.length),
    bytesRead: from + BigInt(codes.length + rejected.length),
  }
}

/** Adds codes to an upload, after `from` other rows of its file. */
export async function addCodes(
  { books, accountId }: Place,
  taskId: string,
  codes: readonly string[],
  { chunk = 10_000, from = 0n }: UploadOptions & { from?: bigint } = {},
): Promise<void> {
  for (let at = 0; at < codes.length; at += chunk) {
    const start = from + BigInt(at)
    const part = chunkOf(codes.slice(at, at + chunk), start)
    if (!(await addChunk(books, { accountId, taskId }, start, part)))
      throw new Error('The upload has been read to another row.')
  }
}

/** Uploads codes to a pool, up to the completed task, whose id it resolves to. */
export async function upload(
  place: Place,
  poolId: string,
  codes: readonly string[],
  options: UploadOptions = {},
): Promise<string> {
  const taskId = await startUpload(place, poolId, options)
  await addCodes(place, taskId, codes, options)
  const { books, accountId } = place
  if (!(await completeUpload(books, { accountId, taskId }))) throw new Error('The upload was not RUNNING.')
  return taskId
}

/** Clears away all that an upload has left behind. */
export async function clearAway({ books, accountId }: Place, taskId: string, limit = 1_000): Promise<void> {
  while (await clearUpload(books, { accountId, taskId }, limit));
}

/** Codes that belong to no format. */
export function newCodes(count: number): string[] {
  const prefix = randomUUID()
  return Array.from({ length: count }, (_, at) => `${prefix}-${at}`)
}
