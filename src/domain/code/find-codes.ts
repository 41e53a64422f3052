import { unguarded } from '../../codefile/formula-guard.ts'
import { looseForm, looseKey, readingsOf } from '../../codespace/loose-form.ts'
import { plainKey, typedKey } from '../../codespace/typed-form.ts'
import { textArray } from '../../database/text-array.ts'
import type { Queryable } from '../../database/transaction.ts'
import { nilId } from '../../nil-id.ts'
import { behindPlain, identities } from '../format/identity.ts'
import { laneOf, type Place, placeOfIndex, placeOfUploaded } from '../pool/batch.ts'
import type { Claim } from '../pool/claim-rows.ts'
import type { Code, CodeText } from './code.ts'

// How many uploaded codes of one form are read: a text that may mean more is ambiguous anyway.
export const maxAlike = 50

type PlaceAndClaim = Place & Pick<Code, 'claim'>

/** What the database has for some look-ups, all of one moment. */
export interface FoundCodes {
  /** The id of the account's newest format; the nil UUID if it has none. */
  newestFormat: string
  /** The pools and claims of those of the generated codes asked for that are in a pool. */
  generated: ReadonlyMap<CodeText, PlaceAndClaim>
  /** Uploaded codes by their loose form, then by their text; null for those that are not in a pool. */
  uploaded: ReadonlyMap<string, ReadonlyMap<string, Code | null>>
}

interface FoundRow {
  newest: string | null
  /** Of a generated code: its number among those asked for, from 1. */
  number: number | null
  /** Of an uploaded code, as are `index` and `code`. */
  task_id: string | null
  index: string | null
  code: string | null
  pool_id: string | null
  withdrawn: boolean
  position: string
  first: string
  count: string
  at: Date | null
  expires_at: Date | null
  recipient: string | null
}

/** Reads everything for look-ups except formats, in one statement. `generated`: the codes that a text may mean. */
export async function findCodes(
  books: Queryable,
  accountId: string,
  lookUps: readonly { text: string; generated: readonly { code: CodeText }[] }[],
): Promise<FoundCodes> {
  const generated = lookUps.flatMap((lookUp) => lookUp.generated.map(({ code }) => code))
  const texts = new Set(lookUps.map(({ text }) => text))
  const readings = [...new Set([...texts].flatMap(readingsOf))]
  // Codes that differ from these only in case, spaces and dashes are read, however many others are alike.
  const written = [...new Set([...texts, ...[...texts].map(unguarded), ...readings])]
  const loose = new Set(readings.map((text) => looseKey(text)))
  const keys = new Set([...readings.map((text) => typedKey(text)), ...loose])
  // A code that consists only of spaces, dashes and punctuation is found only by its exact text.
  for (const forms of [keys, loose]) forms.delete('')
  const rows = await books.rows<FoundRow>({
    name: 'find-codes',
    // Each LATERAL part descends one or two indexes, whatever the statistics say, as it is in the order of its index. Arrays
    // are in subqueries, so that a plan cannot depend on how long they are: otherwise, each statement would be planned anew,
    // which takes longer than running it. The newest format is read in the same statement, so that the statement sees the
    // format of every batch that it sees.
    text: `
      SELECT newest.id AS newest, origin.number, origin.task_id, origin.index, origin.code, origin.pool_id,
        origin.withdrawn, origin.position, claim.first, claim.count, claim.at, claim.expires_at, claim.recipient
      FROM (SELECT (SELECT id FROM format WHERE account_id = $1 ORDER BY id DESC LIMIT 1) AS id) AS newest
      LEFT JOIN LATERAL (
        SELECT asked.number::integer, NULL::uuid AS task_id, NULL::numeric AS index, NULL::text AS code, place.*
        FROM unnest((SELECT $2::uuid[]), (SELECT $3::numeric[])) WITH ORDINALITY AS asked (format_id, index, number)
        CROSS JOIN LATERAL ${placeOfIndex} AS place
        UNION ALL
        SELECT NULL, uploaded.task_id, uploaded.row, uploaded.code, place.*
        FROM (
          SELECT alike.*
          FROM unnest((SELECT $4::text[]), (SELECT $5::text[]), (SELECT $6::text[])) AS asked (code, typed, plain)
          CROSS JOIN LATERAL (
            (
              SELECT task_id, row, code FROM uploaded_code
              WHERE account_id = $1 AND typed = asked.typed AND code = asked.code
                AND coalesce(identity, code) = ANY (${identities('asked')})
              ORDER BY coalesce(identity, code) LIMIT 1
            ) UNION ALL (
              SELECT task_id, row, code FROM uploaded_code
              WHERE account_id = $1 AND typed = asked.typed
                AND coalesce(identity, code) >= asked.plain AND coalesce(identity, code) < ${behindPlain('asked.plain')}
              ORDER BY coalesce(identity, code) LIMIT ${maxAlike}
            )
          ) AS alike
          UNION ALL ${codesWith('typed = asked.form ORDER BY coalesce(identity, code)', '$7')}
          UNION ALL ${codesWith('loose >= asked.form AND loose <= asked.form ORDER BY loose', '$8')}
        ) AS uploaded
        CROSS JOIN LATERAL (SELECT uploaded.task_id, uploaded.row AS index) AS asked
        LEFT JOIN LATERAL ${placeOfUploaded} AS place ON true
      ) AS origin ON true
      LEFT JOIN LATERAL (
        SELECT first, count, at, expires_at, recipient FROM claim
        WHERE account_id = $1 AND NOT origin.withdrawn AND pool_id = origin.pool_id AND first <= origin.position
        ORDER BY first DESC LIMIT 1
      ) AS claim ON origin.position < claim.first + claim.count`,
    values: [
      accountId,
      textArray(generated.map(({ formatId = null }) => formatId)),
      textArray(generated.map(({ index }) => String(index))),
      textArray(written),
      textArray(written.map((text) => typedKey(text))),
      textArray(written.map(plainKey)),
      textArray([...keys]),
      textArray([...loose]),
    ],
  })
  return decode(rows, generated)
}

/** SQL: for each of the forms in a parameter, up to maxAlike uploaded codes that have it. */
const codesWith = (have: string, forms: string) => `
  SELECT alike.* FROM unnest((SELECT ${forms}::text[])) AS asked (form)
  CROSS JOIN LATERAL (
    SELECT task_id, row, code FROM uploaded_code WHERE account_id = $1 AND ${have} LIMIT ${maxAlike}
  ) AS alike`

function decode(rows: readonly FoundRow[], asked: readonly CodeText[]): FoundCodes {
  const generated = new Map<CodeText, PlaceAndClaim>()
  const uploaded = new Map<string, Map<string, Code | null>>()
  for (const row of rows) {
    const place = placeAndClaim(row)
    const code = row.number === null ? undefined : asked[row.number - 1]
    if (code !== undefined && place !== undefined) generated.set(code, place)
    if (row.task_id !== null && row.index !== null && row.code !== null) {
      const { task_id: uploadId, code } = row
      const form = looseForm(code)
      const alike = uploaded.get(form) ?? new Map<string, Code | null>()
      uploaded.set(form, alike)
      alike.set(code, place === undefined ? null : { uploadId, index: BigInt(row.index), code, ...place })
    }
  }
  return { newestFormat: rows[0]?.newest ?? nilId, generated, uploaded }
}

/** Undefined if the code is not in a pool. */
function placeAndClaim(row: FoundRow): PlaceAndClaim | undefined {
  const { pool_id: poolId, at } = row
  if (poolId === null) return undefined
  const claim: Claim | undefined =
    at === null
      ? undefined
      : {
          poolId,
          first: BigInt(row.first),
          count: BigInt(row.count),
          recipient: row.recipient ?? undefined,
          at,
          expiresAt: row.expires_at ?? undefined,
        }
  return { poolId, lane: laneOf(row.withdrawn), position: BigInt(row.position), claim }
}
