import type { Queryable } from '../../database/transaction.ts'
import { boundariesOf, type SteppedTime } from './steps.ts'
import { readTotals } from './totals.ts'

/** What happened to the codes of a pool in [from, to). */
export interface PoolActivity {
  from: Date
  to: Date
  claimed: bigint
  /** By tasks: generations, uploads and refills. */
  added: bigint
  /** Redemptions that were rolled back since do not count. */
  redeemed: bigint
  /** At `to`, or now if that is in the future. */
  available: bigint
}

/** What happened to the codes of a pool in each step of a time that has no problem (`problemOf`). */
export async function readActivity(
  books: Queryable,
  accountId: string,
  poolId: string,
  time: SteppedTime,
): Promise<PoolActivity[]> {
  const totals = await readTotals(books, accountId, poolId, boundariesOf(time))
  return totals.slice(1).map((after, i) => {
    const before = totals[i] ?? after
    return {
      from: before.at,
      to: after.at,
      claimed: after.claimed - before.claimed,
      added: after.added - before.added,
      redeemed: before.redeemed,
      available: after.available,
    }
  })
}
