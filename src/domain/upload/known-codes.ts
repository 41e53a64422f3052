import { typedKey } from '../../codespace/typed-form.ts'
import { textArray } from '../../database/text-array.ts'
import type { BookTransaction } from '../books/books.ts'
import { readFormat } from '../format/format.ts'
import { behindPlain, identities, identityOf } from '../format/identity.ts'
import { type FormatTwins, readTaken } from '../format/taken-indices.ts'
import type { Chunk, ChunkDecision, GeneratedTwin, KnownCode } from './decide-chunk.ts'

/**
 * The uploaded codes, of this upload or another, that equal `codes` or are alike. Codes that this dry run would have
 * added count as uploaded. `hasTwins`: the account has had case-sensitive uploads.
 */
export async function findUploaded(
  tx: BookTransaction,
  taskId: string,
  codes: readonly string[],
  { dryRun, caseSensitive, hasTwins }: { dryRun: boolean; caseSensitive: boolean; hasTwins: boolean },
): Promise<Map<string, KnownCode>> {
  const uploaded = `SELECT code, task_id = $2 AS mine FROM uploaded_code WHERE account_id = $1 AND typed = wanted.typed`
  const kept = 'coalesce(identity, code)'
  const both = "wanted.plain || E'\\n' || wanted.code"
  // Each uses the index and finds at most one row.
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
  // Not prepared: a plan made for an empty table would be kept while the table grows to millions of rows.
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

/** Which of the twins have been generated, by the code of the chunk. */
export async function readTwins(
  tx: BookTransaction,
  ofFormats: FormatTwins,
): Promise<Map<string, GeneratedTwin>> {
  const found = new Map<string, GeneratedTwin>()
  for (const [formatId, twins] of ofFormats) {
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

/** Uploads that were undone, cancelled or failed still hold codes, which must be cleared away first. */
export class HeldByEndedUploadError extends Error {
  override name = 'HeldByEndedUploadError'
  readonly taskIds: readonly string[]

  constructor(taskIds: readonly string[]) {
    super(`${taskIds.length} ended uploads still hold codes.`)
    this.taskIds = taskIds
  }
}

/**
 * Rejects with a HeldByEndedUploadError if a code is a duplicate only because an ended upload has not been cleared away,
 * or if a code is refused because its format has no codes available, some of which ended uploads may hold.
 */
export async function checkHeldCodes(
  tx: BookTransaction,
  codes: readonly string[],
  { duplicatesInAccount, refused }: ChunkDecision,
  chunk: Chunk,
): Promise<void> {
  const lacksAvailable = refused > chunk.rejected.length
  if (duplicatesInAccount === 0 && !lacksAvailable) return
  const ended = await tx.rows<{ id: string }>({
    name: 'read-ended-uploads',
    // In the order of the partial index, which PostgreSQL does not choose otherwise without statistics.
    text: `
      SELECT id FROM task WHERE has_work AND account_id = $1 AND NOT dry_run
        AND status IN ('FAILED', 'CANCELLED', 'UNDONE') AND accepted > 0 ORDER BY account_id, id`,
    values: [tx.accountId],
  })
  if (ended.length === 0) return
  const ids = ended.map(({ id }) => id)
  const holding = lacksAvailable ? ids : await findHolding(tx, ids, codes)
  if (holding.length > 0) throw new HeldByEndedUploadError(holding)
}

/** Which of these uploads have codes with the same typed keys as `codes`. */
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
