import { typedKey } from '../../codespace/typed-form.ts'
import type { BookTransaction } from '../books/books.ts'
import { behindPlain, identities, identityOf } from '../code/identity.ts'
import { readFormat } from '../format/format.ts'
import { type FormatTwins, readTaken } from '../format/taken-indices.ts'
import type { GeneratedTwin, KnownCode } from './decide-chunk.ts'
import { textArray } from './text-array.ts'

/** Which codes of a chunk the account has already. */

/**
 * The uploaded codes, of this upload or another, that are the same as some codes or alike. Those that a dry run would
 * have added count as uploaded. `hasTwins`: the account has had case-sensitive uploads.
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
  // Each uses the index, and finds one row at most.
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
  // Not prepared, since a plan made for an empty table would be kept while the table grows to millions of rows.
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

/** The generated codes that are alike some codes. */
export async function readTwins(
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
