import { retry } from '../../async/retry.ts'
import { facts } from '../../telemetry/facts.ts'
import { inSpan } from '../../telemetry/spans.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { holdCatalog, lockCatalog } from '../books/catalog.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { availableForGeneration, lockFormat, readFormat } from '../format/format.ts'
import { identityOf } from '../format/identity.ts'
import { countDryRun, type FormatCodes, findTwins, groupCodes, readTaken } from '../format/taken-indices.ts'
import { readUploaded } from '../format/uploaded-codes.ts'
import { readTask, type Task } from '../generation/task.ts'
import { encodeBeginning } from './beginning.ts'
import {
  type Chunk,
  type ChunkDecision,
  type ChunkFormat,
  decideChunk,
  type GeneratedTwin,
  type KnownCode,
} from './decide-chunk.ts'
import { CodeExistsError, insertCodes, insertDryRunCodes, insertRejectedRows } from './insert-rows.ts'
import { checkHeldCodes, findUploaded, readTwins } from './known-codes.ts'

/** How many rows to add at a time. Larger chunks save nothing, and block claims that refill from the formats longer. */
export const maxChunkRows = 10_000

// More than there can be uploads of one account at the same time.
const maxAttempts = 20

/**
 * Adds the rows of a chunk to the account in one transaction: inserts the codes that can be added, counts the rows by
 * outcome, and stores the rejected ones with their reasons. `from`: how many rows of the file were read before. The
 * codes are in no pool until the upload is completed. PostgreSQL must be able to store them.
 *
 * Changes nothing and resolves to false if the upload is not RUNNING or has not been read up to `from`: it was cancelled,
 * or another worker is reading it. With `waits`, changes nothing and rejects with a HeldByEndedUploadError while the
 * outcome of a row depends on ended uploads that have not been cleared away. Without, their codes count like any others.
 */
export async function addChunk(
  books: Books,
  upload: TaskRef,
  from: bigint,
  chunk: Chunk,
  { waits = false } = {},
): Promise<boolean> {
  if (chunk.rowsRead - from !== BigInt(chunk.rows.length + chunk.rejected.length))
    throw new RangeError('The number of rows in the chunk is not the number of rows read.')
  // Most files have no duplicates, and looking up each code is much of the work. So the first attempt relies on the unique
  // index uploaded_code_identity_key.
  const add = (attempt: number) =>
    books.write(upload.accountId, (tx) =>
      addInTransaction(books, tx, upload.taskId, from, chunk, { looks: attempt > 1, waits }),
    )
  // A code exists already, or another transaction has added it since the lookup, and has ended by now. The next attempt finds
  // it.
  const isDuplicate = (error: unknown) => error instanceof CodeExistsError
  try {
    const attributes = { 'promo_codes.rows': chunk.rows.length + chunk.rejected.length }
    return await inSpan('add chunk', attributes, () => retry(maxAttempts, add, isDuplicate))
  } catch (error) {
    if (error instanceof UploadMovedError) return false
    throw error
  }
}

/** The upload is not RUNNING, or was read up to another row. Thrown to roll back. */
class UploadMovedError extends Error {}

async function addInTransaction(
  books: Books,
  tx: BookTransaction,
  taskId: string,
  from: bigint,
  chunk: Chunk,
  { looks, waits }: { looks: boolean; waits: boolean },
): Promise<boolean> {
  const upload = await readTask(tx, tx.accountId, taskId)
  if (upload?.kind !== 'UPLOAD' || upload.status !== 'RUNNING' || upload.rowsRead !== from)
    throw new UploadMovedError()
  const { dryRun, caseSensitive } = upload
  // A file that has had duplicates so far is likely to have more.
  const hasDuplicates = upload.duplicatesInFile + upload.duplicatesInAccount > 0n
  const [hasTwins, known] = await Promise.all([
    caseSensitive && !dryRun ? lockCatalog(tx) : holdCatalog(tx),
    books.knownFormats.readAll(tx, tx.accountId),
  ])
  const identities = new Map<string, string>()
  for (const { code } of chunk.rows) identities.set(code, identityOf(code, caseSensitive))
  // Sorted, so that index neighbours are searched and inserted together, and transactions with the same codes rarely
  // deadlock.
  const codes = [...identities.keys()].sort()
  // The unique index covers no dry runs, and does not compare codes of case-sensitive uploads with those of others.
  const uploaded =
    looks || hasDuplicates || dryRun || caseSensitive || hasTwins
      ? await findUploaded(tx, taskId, codes, { dryRun, caseSensitive, hasTwins })
      : new Map<string, KnownCode>()
  const unknown = uploaded.size === 0 ? codes : codes.filter((code) => !uploaded.has(code))
  const ofFormats = await groupCodes(tx, known, unknown)
  const own = new Set(ofFormats.flatMap((one) => one.codes))
  const ofNone = own.size === 0 ? unknown : unknown.filter((code) => !own.has(code))
  const twins = caseSensitive
    ? new Map<string, GeneratedTwin>()
    : await readTwins(tx, await findTwins(tx, known, ofNone, identities))
  // Claims that refill from these formats wait from here until the transaction ends.
  const formats: ChunkFormat[] = []
  for (const some of ofFormats) formats.push(await lockFormatOf(books, tx, upload, some))
  const decision = decideChunk(chunk, (code) => identities.get(code) as string, { uploaded, twins }, formats)
  if (waits) await checkHeldCodes(tx, codes, decision, chunk)
  const added = unknown
    .filter((code) => decision.accepted.has(code))
    .map((code) => ({ code, identity: identities.get(code) as string }))
  await Promise.all([
    // First, as it fails if another worker has just added the same rows.
    advance(tx, taskId, from, chunk, decision),
    dryRun ? insertDryRunCodes(tx, taskId, added) : insertCodes(tx, taskId, added, upload.accepted, decision),
    caseSensitive && !dryRun && !hasTwins && added.length > 0 ? noteTwins(tx) : undefined,
    insertRejectedRows(tx, taskId, decision.rejected),
  ])
  tx.tellOnCommit(facts.rows, { ...decision, accepted: decision.accepted.size })
  return true
}

/** From now on, every code that is uploaded to the account must be looked up: the unique index does not find twins. */
async function noteTwins(tx: BookTransaction): Promise<void> {
  await tx.execute({
    name: 'note-case-sensitive',
    text: 'UPDATE catalog SET case_sensitive = true WHERE account_id = $1',
    values: [tx.accountId],
  })
}

/** Locks the format of these codes, and reads what the decision needs of it. A dry run does not lock. */
async function lockFormatOf(
  books: Books,
  tx: BookTransaction,
  { id: taskId, dryRun, accepted }: Task,
  { formatId, codes, indices }: FormatCodes,
): Promise<ChunkFormat> {
  const [format, taken] = await Promise.all([
    dryRun ? readFormat(tx, tx.accountId, formatId) : lockFormat(tx, formatId),
    readTaken(tx, tx.accountId, formatId, indices),
  ])
  if (format === undefined) throw new Error(`The format ${formatId} is gone.`)
  const { name, next, takenTo } = format
  // Earlier uploaded codes that the backfill has not reached yet are taken as well.
  if (takenTo !== undefined) {
    const uploaded = await readUploaded(tx, tx.accountId, codes)
    for (const [at, index] of indices.entries()) if (uploaded.has(codes[at] as string)) taken.add(index)
  }
  let available = availableForGeneration(format)
  // The codes it has accepted so far would be taken by now. They are counted only if they could use up what is available.
  if (dryRun && available <= accepted + BigInt(codes.length)) {
    const space = await books.codeSpaces.get(tx, tx.accountId, formatId)
    available -= await countDryRun(tx, taskId, { space, next })
  }
  return {
    id: formatId,
    name,
    next,
    available,
    taken,
    indices: new Map(codes.map((code, at) => [code, indices[at] as bigint])),
  }
}

/** Counts the rows of a chunk and moves the checkpoint past it. UploadMovedError if the checkpoint is not at `from`. */
async function advance(
  tx: BookTransaction,
  taskId: string,
  from: bigint,
  chunk: Chunk,
  decision: ChunkDecision,
): Promise<void> {
  const advanced = await tx.execute({
    name: 'advance-upload',
    text: `
      UPDATE task SET rows_read = $4, bytes_read = $5, accepted = accepted + $6,
        duplicates_in_file = duplicates_in_file + $7, duplicates_in_account = duplicates_in_account + $8,
        refused = refused + $9, layout = coalesce($10::jsonb, layout), beginning = coalesce($11::jsonb, beginning),
        waits_for_clearing = false
      WHERE account_id = $1 AND id = $2 AND status = 'RUNNING' AND rows_read = $3`,
    values: [
      tx.accountId,
      taskId,
      from,
      chunk.rowsRead,
      chunk.bytesRead,
      decision.accepted.size,
      decision.duplicatesInFile,
      decision.duplicatesInAccount,
      decision.refused,
      chunk.layout === undefined ? null : JSON.stringify(chunk.layout),
      chunk.beginning === undefined ? null : encodeBeginning(chunk.beginning),
    ],
  })
  if (advanced === 0) throw new UploadMovedError()
}
