import type { Logger } from 'pino'
import type { Pool } from '../../generated/prisma/client.ts'
import type { Books } from '../books/books.ts'
import { RowPoller, type RowRef } from '../subscription/row-poller.ts'

/** Follows the counts, the settings and the names of pools. */
export function followPools({ prisma }: Books, log: Logger): RowPoller<Pool> {
  // One statement for any number of pools: a condition for each would take longer to write and to plan than to answer.
  const read = (refs: readonly RowRef[]) => prisma.$queryRaw<Pool[]>`
    SELECT account_id AS "accountId", id, name, method, format_id AS "formatId", quantity,
      auto_generate AS "autoGenerate", refill_threshold AS "refillThreshold", total, claimed,
      refill_failed_at AS "refillFailedAt", created_at AS "createdAt"
    FROM unnest(${refs.map(({ accountId }) => accountId)}::uuid[], ${refs.map(({ id }) => id)}::uuid[])
      AS followed (account, pool)
    CROSS JOIN LATERAL (SELECT * FROM pool WHERE account_id = followed.account AND id = followed.pool LIMIT 1) AS pool`
  return new RowPoller({ what: 'pools', read, differs: poolsDiffer, log })
}

function poolsDiffer(a: Pool, b: Pool): boolean {
  return (
    !a.total.equals(b.total) ||
    !a.claimed.equals(b.claimed) ||
    !a.refillThreshold.equals(b.refillThreshold) ||
    a.quantity?.toFixed() !== b.quantity?.toFixed() ||
    a.autoGenerate !== b.autoGenerate ||
    a.method !== b.method ||
    a.formatId !== b.formatId ||
    a.name !== b.name
  )
}
