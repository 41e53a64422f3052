import type { Pattern } from '../../codespace/pattern.ts'
import { plainKey, typedKey } from '../../codespace/typed-form.ts'
import type { Queryable } from '../../database/transaction.ts'
import { identities } from './identity.ts'

/** Which of the codes are uploaded. */
export async function readUploaded(
  books: Queryable,
  accountId: string,
  codes: readonly string[],
): Promise<Set<string>> {
  const rows = await books.rows<{ place: string }>({
    text: `
      SELECT wanted.place
      FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS wanted (code, typed, plain, place)
      CROSS JOIN LATERAL (
        SELECT 1 FROM uploaded_code
        WHERE account_id = $1 AND typed = wanted.typed AND code = wanted.code 
          AND coalesce(identity, code) = ANY (${identities('wanted')})
        LIMIT 1
      ) AS known`,
    values: [accountId, codes, codes.map(typedKey), codes.map(plainKey)],
  })
  return new Set(rows.map(({ place }) => codes[Number(place) - 1] as string))
}

const pageSize = 50_000

/** The uploaded codes of an account that are of a pattern, page by page. */
export async function* readCodesOf(
  tx: Queryable,
  accountId: string,
  pattern: Pattern,
): AsyncGenerator<string[]> {
  const { from, to } = keysOf(pattern)
  yield* readOwnCodes(tx, pattern, {
    text: 'SELECT code FROM uploaded_code WHERE account_id = $1 AND typed >= $2 AND typed < $3 AND length(code) = $4',
    values: [accountId, from, to, pattern.length],
  })
}

/** The range of the keys that begin like the pattern, up to its first random character. */
export function keysOf(pattern: Pattern): { from: string; to: string } {
  const from = pattern.typedPrefix()
  return { from, to: `${from}\u{10ffff}` }
}

/** Whether an uploaded code comes after another in the order of their keys. */
export function comesAfter(code: string, other: string): boolean {
  const order = Buffer.compare(Buffer.from(typedKey(code)), Buffer.from(typedKey(other)))
  return order > 0 || (order === 0 && Buffer.compare(Buffer.from(code), Buffer.from(other)) > 0)
}

/** The codes in the result of a statement that are of a pattern, page by page. */
export async function* readOwnCodes(
  tx: Queryable,
  pattern: Pattern,
  { text, values }: { text: string; values: unknown[] },
): AsyncGenerator<string[]> {
  // A cursor: without statistics, a query for each page would sort again.
  await tx.rows({ text: `DECLARE own_code NO SCROLL CURSOR FOR ${text}`, values })
  for (;;) {
    const rows = await tx.rows<{ code: string }>({ text: `FETCH ${pageSize} FROM own_code` })
    const codes = rows.map(({ code }) => code).filter((code) => pattern.has(code))
    if (codes.length > 0) yield codes
    if (rows.length < pageSize) break
  }
  await tx.rows({ text: 'CLOSE own_code' })
}
