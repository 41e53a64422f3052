import type { Queryable } from '../../database/transaction.ts'
import { dayMs } from '../../dates.ts'
import type { Pool } from '../pool/pool.ts'
import { readTotals } from './totals.ts'

/** How fast the codes of a pool are claimed, and until when they last if that goes on. */
export interface Forecast {
  claimsPerDay: number
  /** When the available codes are used up; undefined if never. */
  runsOutAt: Date | undefined
  /** When those that can still be generated are used up as well; undefined if never, or if none are generated. */
  formatRunsOutAt: Date | undefined
}

/** The claims of the last seven days count. */
const windowMs = 7 * dayMs

/** The claims of a younger pool count as those of a whole day: a rate over less says nothing about the days to come. */
const minWindowMs = dayMs

// The last moment that RFC 3339 can express.
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/**
 * Forecasts when a pool runs out, from how many of its codes were claimed in the last seven days, or since it was created if
 * that is less. In its first day, its claims so far count as those of the day. `generatable`: how many codes its format can
 * still generate, if it is filled from one.
 */
export async function forecast(
  books: Queryable,
  pool: Pick<Pool, 'accountId' | 'id' | 'createdAt' | 'claimed' | 'total'>,
  { now, generatable }: { now: Date; generatable: bigint | undefined },
): Promise<Forecast> {
  const sinceMs = Math.max(now.getTime() - windowMs, pool.createdAt.getTime())
  const lengthMs = Math.max(now.getTime() - sinceMs, minWindowMs)
  const [before] = await readTotals(books, pool.accountId, pool.id, [new Date(sinceMs)])
  const claimed = pool.claimed - (before?.claimed ?? 0n)
  const available = pool.total - pool.claimed
  const usedUpAt = (codes: bigint) => timeAfter(now, codes, claimed, BigInt(lengthMs))
  return {
    claimsPerDay: Number(claimed) / (lengthMs / dayMs),
    runsOutAt: usedUpAt(available),
    formatRunsOutAt: generatable === undefined ? undefined : usedUpAt(available + generatable),
  }
}

/** When `codes` are used up, from `now` on, at the rate of `claimed` codes in `milliseconds`; undefined if never. */
function timeAfter(now: Date, codes: bigint, claimed: bigint, milliseconds: bigint): Date | undefined {
  if (claimed <= 0n) return undefined
  const at = BigInt(now.getTime()) + (codes * milliseconds) / claimed
  return at > BigInt(lastMs) ? undefined : new Date(Number(at))
}
