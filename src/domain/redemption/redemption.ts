import type { Queryable, RowOf } from '../../database/transaction.ts'
import { rowsById } from '../books/by-id.ts'
import { composed, faultOfText, isBlank } from '../books/input.ts'
import type { Filter } from '../books/listing.ts'
import { decodeRedemption, type Redemption, redemptionColumns } from '../usage/usage.ts'

/** Reads those of the redemptions that exist, including those that were rolled back. */
export async function readRedemptions(
  books: Queryable,
  accountId: string,
  ids: readonly string[],
): Promise<Redemption[]> {
  const rows = await books.rows<RowOf<Redemption>>({
    name: 'read-redemptions',
    text: `SELECT redemption.* FROM ${rowsById('redemption', redemptionColumns)}`,
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

/** What is wrong with a reference in its composed form, and what to do; undefined if nothing is. */
export function faultOfReference(reference: string): string | undefined {
  const fault = reference === '' ? undefined : faultOfText(reference, maxReferenceLength, 'required')
  return fault ?? (isBlank(reference) ? 'It is blank. Give the number of the order, for example.' : undefined)
}
