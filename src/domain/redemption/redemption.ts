import type { Queryable, RowOf } from '../../database/transaction.ts'
import { grouped } from '../../grouped.ts'
import type { Filter } from '../books/listing.ts'
import { decodeRedemption, type Redemption, redemptionColumns } from '../usage/usage.ts'

/** Reads those of the redemptions that exist, including those that were rolled back. */
export async function readRedemptions(
  books: Queryable,
  accountId: string,
  ids: readonly string[],
): Promise<Redemption[]> {
  const rows = await books.rows<RowOf<Redemption>>({
    // Id by id: without statistics, a condition on a list was planned as a scan of the table. Not prepared: a plan that was made
    // while the table was nearly empty would be kept while it grows.
    text: `
      SELECT found.* FROM unnest($2::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
        SELECT ${redemptionColumns} FROM redemption WHERE account_id = $1 AND id = wanted.id LIMIT 1
      ) AS found`,
    values: [accountId, ids],
  })
  return rows.map(decodeRedemption)
}

/** The redemptions of the codes of a pool. */
export function redemptionsOfPool(poolId: string): Filter {
  return { table: 'redemption', condition: 'pool_id = $2', values: [poolId] }
}

/** The redemptions with a reference, as `composedReference` returns it. */
export function redemptionsFor(reference: string): Filter {
  return { table: 'redemption', condition: 'reference = $2', values: [reference] }
}

export const maxReferenceLength = 255

/** A reference as it is stored: in Unicode's composed form (NFC). */
export function composedReference(reference: string): string {
  return composed(reference, maxReferenceLength)
}

// Only spaces and invisible characters.
const blank = /^[\s\p{Cc}\p{Cf}]*$/u

/** What is wrong with a reference in its composed form, and what to do; undefined if nothing is. */
export function faultOfReference(reference: string): string | undefined {
  if (reference.length > maxReferenceLength)
    return `It has ${grouped(reference.length)} characters. At most ${maxReferenceLength} are allowed.`
  if (reference.includes('\0') || !reference.isWellFormed())
    return 'It contains a NUL character or an unpaired surrogate. Remove it.'
  return blank.test(reference) ? 'It is blank. Give the number of the order, for example.' : undefined
}

// Composing joins at most four UTF-16 code units to one.
const maxComposed = 4

/** The text in Unicode's composed form (NFC), unless it is too long in any form. */
function composed(text: string, maxLength: number): string {
  // The time that composing takes can grow with the square of the length.
  return text.length > maxComposed * maxLength ? text : text.normalize('NFC')
}

export function latest(a: Date, b: Date): Date {
  return a > b ? a : b
}
