import { createHash } from 'node:crypto'
import type { Queryable } from '../../database/transaction.ts'
import { FileInterruptedError, FileTooLargeError } from '../books/errors.ts'
import type { TaskRef } from '../books/task-ref.ts'

/**
 * The file of an upload, exactly as it came, from its arrival until the upload has ended. It is kept in pieces, so
 * that nobody ever holds more of it in memory than one, and in the database, so that any worker can read it.
 */

const pieceBytes = 2 ** 20

// How much is read of a piece at once: by what has been read of a file, people see how far its upload is.
const slice = 2 ** 16

// Well before housekeeping takes a file without a task for one that nobody will finish.
const maxArrivalMs = 12 * 60 * 60 * 1_000

// A piece lies in some five hundred rows inside the database.
const piecesAtOnce = 32

/**
 * Stores a file as it comes. Each piece is a statement of its own: nothing is held open while a slow client sends.
 * Rejects with a FileTooLargeError, with a FileInterruptedError, or with whatever `bytes` rejects with; what has been
 * stored by then is for the caller to remove.
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
  let gathered: Uint8Array[] = []
  let gatheredBytes = 0
  const store = async () => {
    await insertPiece(books, upload, pieces, Buffer.concat(gathered))
    pieces += 1
    gathered = []
    gatheredBytes = 0
  }
  for await (const chunk of bytes) {
    size += chunk.byteLength
    if (size > maxBytes) throw new FileTooLargeError(maxBytes)
    if (Date.now() > latest) throw new FileInterruptedError('The file took more than 12 hours to arrive.')
    hash.update(chunk)
    gathered.push(chunk)
    gatheredBytes += chunk.byteLength
    if (gatheredBytes >= pieceBytes) await store()
  }
  if (gatheredBytes > 0) await store()
  return { size, sha256: hash.digest('hex') }
}

async function insertPiece(books: Queryable, upload: TaskRef, number: number, bytes: Buffer): Promise<void> {
  await books.rows({
    name: 'insert-upload-piece',
    text: 'INSERT INTO upload_piece (account_id, task_id, number, bytes) VALUES ($1, $2, $3, $4)',
    values: [upload.accountId, upload.taskId, number, bytes],
  })
}

/** The bytes of a file, from its beginning to its end: rejects when they are not `size` bytes, all that came. */
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
    for (let from = 0; from < piece.bytes.length; from += slice)
      yield piece.bytes.subarray(from, from + slice)
  }
  if (left < 0n) throw new Error(`The file of upload ${upload.taskId} is longer than it was when it came.`)
}

/** Removes a file, or what there is of it. */
export async function removeFile(books: Queryable, upload: TaskRef): Promise<void> {
  for (;;) {
    const removed = await books.rows({
      name: 'remove-upload-pieces',
      text: `
        DELETE FROM upload_piece WHERE account_id = $1 AND task_id = $2 AND number IN (
          SELECT number FROM upload_piece WHERE account_id = $1 AND task_id = $2 ORDER BY number DESC LIMIT $3
        ) RETURNING 1`,
      values: [upload.accountId, upload.taskId, piecesAtOnce],
    })
    if (removed.length < piecesAtOnce) return
  }
}

/**
 * Removes pieces of files that began to arrive before `time` and never became an upload, because the process that
 * received them was killed: `piecesAtOnce` at most. Resolves to whether there may be more.
 */
export async function removeOrphans(books: Queryable, time: Date): Promise<boolean> {
  const removed = await books.rows({
    // Beside others that do the same, each takes what nobody else has taken.
    text: `
      DELETE FROM upload_piece WHERE (account_id, task_id, number) IN (
        SELECT account_id, task_id, number FROM upload_piece AS piece
        WHERE task_id < $1 AND NOT EXISTS (
          SELECT FROM task WHERE task.account_id = piece.account_id AND task.id = piece.task_id
        )
        LIMIT $2 FOR UPDATE SKIP LOCKED
      ) RETURNING 1`,
    values: [firstIdOf(time), piecesAtOnce],
  })
  return removed.length === piecesAtOnce
}

/** Ids begin with the time at which they were made, in milliseconds: the smallest of this one. (UUID v7, RFC 9562.) */
function firstIdOf(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
