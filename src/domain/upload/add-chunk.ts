import { maxShownBytes } from '../../codefile/byte-string.ts'
import { looseKey } from '../../codespace/loose-form.ts'
import { typedKey } from '../../codespace/typed-form.ts'
import { violatedConstraint } from '../../database/errors.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { holdCatalog, lockCatalog } from '../books/catalog-lock.ts'
import type { TaskRef } from '../books/task-ref.ts'
import { behindPlain, identities, identityOf } from '../code/identity.ts'
import { availableForGeneration, lockFormat, readFormat } from '../format/format.ts'
import {
  countDryRun,
  type FormatShare,
  type FormatTwins,
  findShares,
  findTwins,
  readTaken,
  readUploaded,
  take,
} from '../format/taken-indices.ts'
import {
  type Chunk,
  type ChunkDecision,
  type ChunkFormat,
  decideChunk,
  type GeneratedTwin,
  type Known,
  type RejectedRow,
} from './decide-chunk.ts'

export type { Chunk, RejectedRow } from './decide-chunk.ts'
export { clearUpload, completeUpload, undoUpload } from './finish.ts'

/**
 * How many rows of a file to give to `addChunk` at once. More make neither the commits nor the index any cheaper, and
 * hold the locks of formats, and with them claims that refill from these, for longer.
 */
export const rowsAtOnce = 10_000

/**
 * Adds the codes of a chunk of a file to the account, in one transaction, as far as they can be added, counts the
 * rows by what became of them, and keeps those that were not added with the reason. `from` is how many rows of the
 * file were read before. The codes are in no pool until the upload is completed, and nobody else can have them.
 *
 * Resolves to false, and has changed nothing, when the upload is not RUNNING or was read to another place than `from`:
 * it was cancelled, or another worker is at it. With `waits` it rejects with a HeldByEndedUploadError, and has changed
 * nothing, while what becomes of a row depends on codes of uploads that have ended without them; otherwise these count
 * like any others. Of the codes it is expected that PostgreSQL can store them.
 */
export async function addChunk(
  books: Books,
  upload: TaskRef,
  from: bigint,
  chunk: Chunk,
  { waits = false } = {},
): Promise<boolean> {
  if (chunk.rowsRead - from !== BigInt(chunk.rows.length + chunk.refused.length))
    throw new RangeError('A chunk does not have the rows that were read.')
  for (let attempt = 1; ; attempt++) {
    // Most files have no duplicates, and to look for each code is a good part of the work: at first only what the
    // constraint finds is looked for.
    const looks = attempt > 1
    try {
      return await books.write(upload.accountId, (tx) =>
        readChunk(books, tx, upload.taskId, from, chunk, { looks, waits }),
      )
    } catch (error) {
      if (error instanceof UploadMovedError) return false
      // One of the codes is there already, or another transaction has added it, or this very chunk, since this one
      // looked for it. That one has ended by now, so this time it is found.
      if (violatedConstraint(error) === undefined || attempt === attempts) throw error
    }
  }
}

// More than there can be uploads of one account at the same moment.
const attempts = 20

/** Codes of these uploads, which have been undone, cancelled or have failed, are to be cleared away first. */
export class HeldByEndedUploadError extends Error {
  override name = 'HeldByEndedUploadError'
  readonly taskIds: readonly string[]

  constructor(taskIds: readonly string[]) {
    super(`Codes of ${taskIds.length} uploads that have ended are still to be cleared away.`)
    this.taskIds = taskIds
  }
}

/** The upload is not where a chunk goes on. Thrown to roll back what was done for it. */
class UploadMovedError extends Error {}

interface Progress {
  dryRun: boolean
  caseSensitive: boolean
  accepted: bigint
  /** Whether there were any so far: where there are some, there are more. */
  duplicates: boolean
}

async function readChunk(
  books: Books,
  tx: BookTransaction,
  taskId: string,
  from: bigint,
  chunk: Chunk,
  { looks, waits }: { looks: boolean; waits: boolean },
): Promise<boolean> {
  const progress = await readProgress(tx, taskId, from)
  const { dryRun, caseSensitive } = progress
  const [hasTwins, catalog] = await Promise.all([
    caseSensitive && !dryRun ? lockCatalog(tx) : holdCatalog(tx),
    books.catalogs.readAll(tx, tx.accountId),
  ])
  const identities = new Map<string, string>()
  for (const { code } of chunk.rows) identities.set(code, identityOf(code, caseSensitive))
  // Sorted, neighbours in an index are sought and inserted together, and of two transactions with the same codes one
  // waits for the other and seldom both.
  const codes = [...identities.keys()].sort()
  // What a dry run comes by is held against no constraint, nor are all codes where some differ in case alone.
  const uploaded =
    looks || progress.duplicates || dryRun || caseSensitive || hasTwins
      ? await findUploaded(tx, taskId, codes, { ...progress, hasTwins })
      : new Map<string, Known>()
  const unknown = uploaded.size === 0 ? codes : codes.filter((code) => !uploaded.has(code))
  const shares = await findShares(tx, catalog, unknown)
  const own = new Set(shares.flatMap((share) => share.codes))
  const ofNone = own.size === 0 ? unknown : unknown.filter((code) => !own.has(code))
  const twins = caseSensitive
    ? new Map<string, GeneratedTwin>()
    : await readTwins(tx, await findTwins(tx, catalog, ofNone, identities))
  // From here to the end of the transaction claims that refill from these formats wait.
  const formats: ChunkFormat[] = []
  for (const share of shares) formats.push(await enter(books, tx, taskId, progress, share))
  const decision = decideChunk(chunk, (code) => identities.get(code) as string, { uploaded, twins }, formats)
  if (waits) await checkHeldCodes(tx, codes, decision, chunk)
  const added = unknown
    .filter((code) => decision.accepted.has(code))
    .map((code) => ({ code, identity: identities.get(code) as string }))
  await Promise.all([
    dryRun
      ? insertDryRunCodes(tx, taskId, added)
      : insertCodes(tx, taskId, added, progress.accepted, decision),
    caseSensitive && !dryRun && !hasTwins && added.length > 0 ? noteTwins(tx) : undefined,
    insertRejectedRows(tx, taskId, decision.rejected),
    advance(tx, taskId, from, chunk, decision),
  ])
  return true
}

/** A case-sensitive upload has brought codes: from now on all that are uploaded are looked for. */
async function noteTwins(tx: BookTransaction): Promise<void> {
  await tx.execute({
    name: 'note-case-sensitive',
    text: 'UPDATE account SET case_sensitive = true WHERE id = $1',
    values: [tx.accountId],
  })
}

async function readProgress(tx: BookTransaction, taskId: string, from: bigint): Promise<Progress> {
  const [row] = await tx.rows<{
    dry_run: boolean
    case_sensitive: boolean
    accepted: string
    duplicates: boolean
  }>({
    name: 'read-upload-progress',
    text: `
      SELECT dry_run, case_sensitive, accepted, duplicates_in_file + duplicates_in_account > 0 AS duplicates
      FROM task WHERE account_id = $1 AND id = $2 AND status = 'RUNNING' AND rows_read = $3 AND kind = 'UPLOAD'`,
    values: [tx.accountId, taskId, from],
  })
  if (row === undefined) throw new UploadMovedError()
  return {
    dryRun: row.dry_run,
    caseSensitive: row.case_sensitive,
    accepted: BigInt(row.accepted),
    duplicates: row.duplicates,
  }
}

/**
 * Which of some codes are uploaded already, by this upload or by another, they or others that they could be taken for;
 * what a dry run would have added is, too.
 */
async function findUploaded(
  tx: BookTransaction,
  taskId: string,
  codes: readonly string[],
  { dryRun, caseSensitive, hasTwins }: Progress & { hasTwins: boolean },
): Promise<Map<string, Known>> {
  const uploaded = `SELECT code, task_id = $2 AS mine FROM uploaded_code WHERE account_id = $1 AND typed = wanted.typed`
  const kept = 'coalesce(identity, code)'
  const both = "wanted.plain || E'\\n' || wanted.code"
  // Each leads through the index to a row or to none.
  const ways = caseSensitive
    ? [`${uploaded} AND ${kept} = ANY (${identities('wanted')}) AND code = wanted.code`]
    : [
        `${uploaded} AND ${kept} = wanted.code`,
        hasTwins
          ? `${uploaded} AND ${kept} >= wanted.plain AND ${kept} < ${behindPlain('wanted.plain')}`
          : `${uploaded} AND ${kept} = wanted.plain`,
      ]
  if (dryRun)
    ways.push(`
      SELECT code, true FROM dry_run_code
      WHERE account_id = $1 AND task_id = $2 AND ${kept} = ${caseSensitive ? both : 'wanted.plain'}`)
  // Not prepared: a plan that was made while the table was empty would be kept while it grows to millions.
  const rows = await tx.rows<{ place: string; code: string; mine: boolean }>({
    text: `
      SELECT wanted.place, known.code, known.mine
      FROM unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS wanted (code, typed, plain, place)
      CROSS JOIN LATERAL (
        SELECT code, mine FROM (${ways.map((way) => `(${way} LIMIT 1)`).join(' UNION ALL ')}) AS way
        ORDER BY mine DESC LIMIT 1
      ) AS known`,
    values: [
      tx.accountId,
      taskId,
      textArray(codes),
      textArray(codes.map(typedKey)),
      textArray(codes.map((code) => identityOf(code, false))),
    ],
  })
  return new Map(
    rows.map(({ place, code, mine }) => [
      codes[Number(place) - 1] as string,
      { from: mine ? 'FILE' : 'ACCOUNT', code },
    ]),
  )
}

/** Those of the codes of formats that some codes could be taken for which have been generated. */
async function readTwins(
  tx: BookTransaction,
  ofFormats: readonly FormatTwins[],
): Promise<Map<string, GeneratedTwin>> {
  const found = new Map<string, GeneratedTwin>()
  for (const { formatId, twins } of ofFormats) {
    const indices = twins.map(({ index }) => index)
    const [format, taken] = await Promise.all([
      readFormat(tx, tx.accountId, formatId),
      readTaken(tx, tx.accountId, formatId, indices),
    ])
    if (format === undefined) throw new Error(`The format ${formatId} is gone.`)
    for (const { code, index, twin } of twins)
      if (index < format.next && !taken.has(index)) found.set(code, { code: twin, formatName: format.name })
  }
  return found
}

/**
 * Rejects with a HeldByEndedUploadError if a code counts as a duplicate only because an upload that has ended without it
 * is not cleared away yet, or is refused for want of room in a format while any such upload may hold some of it.
 */
async function checkHeldCodes(
  tx: BookTransaction,
  codes: readonly string[],
  { duplicatesInAccount, refused }: ChunkDecision,
  chunk: Chunk,
): Promise<void> {
  const lacksRoom = refused > chunk.refused.length
  if (duplicatesInAccount === 0 && !lacksRoom) return
  const ended = await tx.rows<{ id: string }>({
    name: 'read-ended-uploads',
    // In the order of the index that has only these: without statistics others would seem to be as good.
    text: `
      SELECT id FROM task WHERE has_work AND account_id = $1 AND NOT dry_run
        AND status IN ('FAILED', 'CANCELLED', 'UNDONE') AND accepted > 0 ORDER BY account_id, id`,
    values: [tx.accountId],
  })
  if (ended.length === 0) return
  const ids = ended.map(({ id }) => id)
  const holding = lacksRoom ? ids : await findHolding(tx, ids, codes)
  if (holding.length > 0) throw new HeldByEndedUploadError(holding)
}

/** Which of some uploads have brought codes that are looked up by the same key as some of these. */
async function findHolding(
  tx: BookTransaction,
  taskIds: readonly string[],
  codes: readonly string[],
): Promise<string[]> {
  const rows = await tx.rows<{ task_id: string }>({
    text: `
      SELECT DISTINCT known.task_id FROM unnest($2::text[]) AS wanted (typed)
      CROSS JOIN LATERAL (
        SELECT task_id FROM uploaded_code WHERE account_id = $1 AND typed = wanted.typed
      ) AS known
      WHERE known.task_id = ANY ($3::uuid[])`,
    values: [tx.accountId, textArray(codes.map(typedKey)), taskIds],
  })
  return rows.map(({ task_id }) => task_id).sort()
}

/** Locks the format of a share, and reads what its codes are decided by. A dry run only reads. */
async function enter(
  books: Books,
  tx: BookTransaction,
  taskId: string,
  { dryRun, accepted }: Progress,
  share: FormatShare,
): Promise<ChunkFormat> {
  const { formatId, codes, indices } = share
  const [format, taken] = await Promise.all([
    dryRun ? readFormat(tx, tx.accountId, formatId) : lockFormat(tx, formatId),
    readTaken(tx, tx.accountId, formatId, indices),
  ])
  if (format === undefined) throw new Error(`The format ${formatId} is gone.`)
  const { name, next, takenTo } = format
  // Those that a worker has yet to take out of it are taken just as well.
  if (takenTo !== undefined) {
    const uploaded = await readUploaded(tx, tx.accountId, codes)
    for (const [at, index] of indices.entries()) if (uploaded.has(codes[at] as string)) taken.add(index)
  }
  let room = availableForGeneration(format)
  // What it has accepted so far would be taken by now. That matters only where it could be all that there was.
  if (dryRun && room <= accepted + BigInt(codes.length)) {
    const space = await books.codeSpaces.get(tx, tx.accountId, formatId)
    room -= await countDryRun(tx, taskId, { space, next })
  }
  return {
    id: formatId,
    name,
    next,
    room,
    taken,
    indices: new Map(codes.map((code, at) => [code, indices[at] as bigint])),
  }
}

/** A code that is added. */
interface AddedCode {
  code: string
  identity: string
}

/** Inserts codes that were accepted, as the rows behind `before` others. */
async function insertCodes(
  tx: BookTransaction,
  taskId: string,
  added: readonly AddedCode[],
  before: bigint,
  { accepted, takes }: ChunkDecision,
): Promise<void> {
  const taking = [...takes].map(([format, indices]) => take(tx, format.id, indices))
  const codes = added.map(({ code }) => code)
  const keys = codes.map((code) => typedKey(code))
  const inserting = tx.execute({
    text: `
      INSERT INTO uploaded_code (account_id, task_id, row, code, typed, identity, loose)
      SELECT $1, $2, $3::numeric + added.place, added.code, added.typed, added.identity, added.loose
      FROM unnest($4::integer[], $5::text[], $6::text[], $7::text[], $8::text[])
        AS added (place, code, typed, identity, loose)`,
    values: [
      tx.accountId,
      taskId,
      before,
      `{${codes.map((code) => accepted.get(code))}}`,
      textArray(codes),
      textArray(keys),
      textArray(
        unlessSame(
          added.map(({ identity }) => identity),
          codes,
        ),
      ),
      textArray(
        unlessSame(
          codes.map((code, at) => looseKey(code, keys[at])),
          keys,
        ),
      ),
    ],
  })
  await Promise.all([...taking, inserting])
}

/** Texts, each of them only where it is not the same as another. */
function unlessSame(texts: readonly string[], others: readonly string[]): (string | null)[] {
  return texts.map((text, at) => (text === others[at] ? null : text))
}

/**
 * An array of texts as PostgreSQL reads it. `pg` writes each element on its own, which for many is a good part of all
 * that this process has to do for them.
 */
function textArray(texts: readonly (string | null)[]): string | readonly (string | null)[] {
  if (texts.length === 0 || /["\\]/.test(texts.join(''))) return texts
  if (!texts.includes(null)) return `{"${texts.join('","')}"}`
  return `{${texts.map((text) => (text === null ? 'NULL' : `"${text}"`)).join()}}`
}

async function insertDryRunCodes(
  tx: BookTransaction,
  taskId: string,
  added: readonly AddedCode[],
): Promise<void> {
  const codes = added.map(({ code }) => code)
  await tx.execute({
    text: `
      INSERT INTO dry_run_code (account_id, task_id, code, identity)
      SELECT $1, $2, code, identity FROM unnest($3::text[], $4::text[]) AS added (code, identity)`,
    values: [
      tx.accountId,
      taskId,
      textArray(codes),
      textArray(
        unlessSame(
          added.map(({ identity }) => identity),
          codes,
        ),
      ),
    ],
  })
}

async function insertRejectedRows(
  tx: BookTransaction,
  taskId: string,
  rejected: readonly RejectedRow[],
): Promise<void> {
  if (rejected.length === 0) return
  await tx.execute({
    text: `
      INSERT INTO rejected_row (account_id, task_id, number, code, reason)
      SELECT $1, $2, rejected.number, rejected.code, rejected.reason
      FROM unnest($3::bigint[], $4::text[], $5::text[]) AS rejected (number, code, reason)`,
    values: [
      tx.accountId,
      taskId,
      rejected.map(({ number }) => number),
      rejected.map(({ text }) => shown(text)),
      rejected.map(({ reason }) => reason),
    ],
  })
}

/** A text as it can be stored and shown: no longer than it takes to find it again, and of whole characters. */
function shown(text: string): string {
  const start = text.length > maxShownBytes ? `${text.slice(0, maxShownBytes - 1)}…` : text
  return start.toWellFormed().replaceAll('\0', '\uFFFD')
}

/** Counts the rows of a chunk and moves the checkpoint behind it, unless somebody else has moved it. */
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
        refused = refused + $9, layout = coalesce($10::jsonb, layout), waits_for_clearing = false
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
    ],
  })
  if (advanced === 0) throw new UploadMovedError()
}
