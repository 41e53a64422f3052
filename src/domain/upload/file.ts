import { createHash } from 'node:crypto'
import { inBlocks } from '../../async/blocks.ts'
import type { Queryable } from '../../database/transaction.ts'
import { dayMs, hourMs } from '../../dates.ts'
import type { BookTransaction } from '../books/books.ts'
import { FileInterruptedError, FileTooLargeError } from '../books/errors.ts'
import type { TaskRef } from '../books/task-ref.ts'

/**
 * The file of an upload, exactly as it was sent, is kept in the database until the upload has ended, so that any worker
 * can read it. It is kept in pieces, so that only one has to be in memory at a time.
 */

const pieceBytes = 2 ** 20

// The progress of an upload advances in these steps.
const sliceBytes = 2 ** 16

// Well below the age at which housekeeping removes files without a task.
const maxArrivalMs = 12 * hourMs

// PostgreSQL stores a piece in some five hundred rows.
const maxPiecesRemoved = 32

/**
 * Stores a file as it arrives, one statement for each piece, so that no transaction waits for a slow client. Rejects with
 * a FileTooLargeError, a FileInterruptedError, or an error of `bytes`; then the caller must call `removeFile`.
 */
export async function storeFile(
  books: Queryable,
  upload: TaskRef,
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<{ size: number; sha256: string }> {
  const latest = Date.now() + maxArrivalMs
  const hash = createHash('sha256')
  let size = 0
  let pieces = 0
  const received = async function* () {
    for await (const chunk of bytes) {
      size += chunk.byteLength
      if (size > maxBytes) throw new FileTooLargeError(maxBytes)
      if (Date.now() > latest) throw new FileInterruptedError('The file took more than 12 hours to arrive.')
      hash.update(chunk)
      yield chunk
    }
  }
  for await (const { bytes: piece } of inBlocks(received(), pieceBytes)) {
    if (piece.length === 0) break
    await books.rows({
      name: 'insert-upload-piece',
      text: 'INSERT INTO upload_piece (account_id, task_id, number, bytes) VALUES ($1, $2, $3, $4)',
      values: [upload.accountId, upload.taskId, pieces, piece],
    })
    pieces += 1
  }
  return { size, sha256: hash.digest('hex') }
}

/** The bytes of a file. Rejects if the file does not have exactly `size` of them. */
export async function* readFile(
  books: Queryable,
  upload: TaskRef,
  size: bigint,
): AsyncGenerator<Uint8Array, void> {
  let left = size
  for (let number = 0; left > 0n; number++) {
    const [piece] = await books.rows<{ bytes: Buffer }>({
      name: 'read-upload-piece',
      text: 'SELECT bytes FROM upload_piece WHERE account_id = $1 AND task_id = $2 AND number = $3',
      values: [upload.accountId, upload.taskId, number],
    })
    if (piece === undefined) throw new Error(`The file of upload ${upload.taskId} has no piece ${number}.`)
    left -= BigInt(piece.bytes.length)
    for (let from = 0; from < piece.bytes.length; from += sliceBytes)
      yield piece.bytes.subarray(from, from + sliceBytes)
  }
  if (left < 0n) throw new Error(`The file of upload ${upload.taskId} is larger than when it was stored.`)
}

/** Removes a file, or the part of it that exists. */
export async function removeFile(books: Queryable, upload: TaskRef): Promise<void> {
  for (;;) {
    const removed = await books.rows({
      // Not prepared, as a plan made while the table was nearly empty would compare all pieces with each of these.
      text: `
        DELETE FROM upload_piece WHERE account_id = $1 AND task_id = $2 AND number IN (
          SELECT number FROM upload_piece WHERE account_id = $1 AND task_id = $2 ORDER BY number DESC LIMIT $3
        ) RETURNING 1`,
      values: [upload.accountId, upload.taskId, maxPiecesRemoved],
    })
    if (removed.length < maxPiecesRemoved) return
  }
}

/** After how long a file that has not become an upload is removed. None takes that long to be received. */
export const orphansAreKeptMs = dayMs

/**
 * Removes some pieces of the account's files that began to arrive before `time` and never became an upload, because their
 * process was killed. Resolves to whether there may be more.
 */
export async function removeOrphans(tx: BookTransaction, time: Date): Promise<boolean> {
  const removed = await tx.execute({
    // Not prepared, as above.
    text: `
      DELETE FROM upload_piece WHERE account_id = $1 AND (task_id, number) IN (
        SELECT task_id, number FROM upload_piece AS piece
        WHERE account_id = $1 AND task_id < $2
          AND NOT EXISTS (SELECT FROM task WHERE account_id = $1 AND id = piece.task_id)
        ORDER BY account_id, task_id, number LIMIT $3
      )`,
    values: [tx.accountId, firstIdOf(time), maxPiecesRemoved],
  })
  return removed === maxPiecesRemoved
}

/** The smallest id of this time: ids are UUID v7 (RFC 9562), which begin with the time in milliseconds. */
function firstIdOf(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
