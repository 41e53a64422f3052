import type { Queryable, RowOf } from '../../database/transaction.ts'

/** A pool's line just before a moment. */
export interface Totals {
  at: Date
  /** Codes that had been claimed. */
  claimed: bigint
  /** Codes that tasks had added. */
  added: bigint
  available: bigint
  /** Redemptions from `at` until the next of the moments, without those that were rolled back. 0 for the last moment. */
  redeemed: bigint
}

/**
 * The line of a pool just before each of the moments, which ascend. A moment in the future is like now.
 *
 * The times of claims never decrease along the line, so a moment's position is found by a search. Each step looks at one claim,
 * by one descent of the table's primary key, and all moments take their nth step together. A search expects claims to be
 * spread evenly: then it takes some seven steps, even among ten million. Once it is eight steps behind what bisection would
 * have reached, it bisects.
 */
export async function readTotals(
  books: Queryable,
  accountId: string,
  poolId: string,
  moments: readonly Date[],
): Promise<Totals[]> {
  const rows = await books.rows<RowOf<Totals>>({
    name: 'read-totals',
    text: `
      WITH RECURSIVE moment AS (
        SELECT number, at, lead(at) OVER (ORDER BY number) AS next
        FROM unnest($3::timestamptz[]) WITH ORDINALITY AS moment (at, number)
      ), search AS (
        -- The codes before the position "low" were claimed before the moment, by low_at; those from "high" on, from high_at
        -- on, were not.
        SELECT number, moment.at, next, 0::numeric AS low, pool.claimed::numeric AS high,
          pool.created_at::timestamptz AS low_at, pool.last_change_at::timestamptz AS high_at,
          256 * pool.claimed::numeric AS allowed
        FROM moment CROSS JOIN (
          SELECT claimed, created_at, last_change_at FROM pool WHERE account_id = $1 AND id = $2
        ) AS pool
        UNION ALL
        SELECT number, search.at, next,
          CASE WHEN claim.at < search.at THEN claim.first + claim.count ELSE low END,
          CASE WHEN claim.at < search.at THEN high ELSE claim.first END,
          CASE WHEN claim.at < search.at THEN claim.at ELSE low_at END,
          CASE WHEN claim.at < search.at THEN high_at ELSE claim.at END,
          div(allowed, 2)
        FROM search CROSS JOIN LATERAL (
          SELECT CASE WHEN high - low <= allowed AND low_at < high_at
            THEN low + trunc((high - low) * extract(epoch FROM search.at - low_at) / extract(epoch FROM high_at - low_at))
            ELSE div(low + high, 2)
          END AS position
        ) AS guess CROSS JOIN LATERAL (
          SELECT first, count, at FROM claim
          WHERE account_id = $1 AND pool_id = $2 AND first <= least(greatest(guess.position, low), high - 1)
          ORDER BY first DESC LIMIT 1
        ) AS claim
        WHERE low < high
      )
      SELECT search.at, low AS claimed, coalesce(stock.added, 0) AS added,
        -- What the migration knows of older stock has the times of its tasks, which may be a little later than claims from it.
        greatest(coalesce(stock.total, 0) - low, 0) AS available, redeemed.count AS redeemed
      FROM search
      LEFT JOIN LATERAL (
        SELECT total, added FROM stock_change
        WHERE account_id = $1 AND pool_id = $2 AND at < search.at ORDER BY at DESC, number DESC LIMIT 1
      ) AS stock ON true
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(count), 0) AS count FROM redemption_count
        WHERE account_id = $1 AND pool_id = $2 AND quarter >= search.at AND quarter < next
      ) AS redeemed
      WHERE low = high ORDER BY number`,
    values: [accountId, poolId, moments],
  })
  return rows.map((row) => ({
    at: row.at,
    claimed: BigInt(row.claimed),
    added: BigInt(row.added),
    available: BigInt(row.available),
    redeemed: BigInt(row.redeemed),
  }))
}
