import type { Queryable } from '../database/transaction.ts'
import type { TaskKind } from '../generated/prisma/client.ts'
import type { Overview } from '../telemetry/metrics.ts'
import { readAccountIds } from './books/accounts.ts'
import type { Books } from './books/books.ts'
import type { PoolStatus } from './pool/pool.ts'
import { isRewound, readIncarnation } from './rewind/incarnation.ts'

// Whoever asks for the metrics does not wait for longer anyway.
const maxAnswerMs = 10_000

/** Reads the overview, for the metrics. Accounts whose node is away are left out. */
export async function readOverview(books: Books): Promise<Overview> {
  const pools = { EMPTY: 0, LOW: 0, READY: 0 }
  let usedUp = 0
  const waiting = new Map<TaskKind, { count: number; oldestSeconds: number }>()
  for await (const page of readAccountIds(books))
    await books.reach.eachNode(page, async (accountIds) => {
      const counts = await countPools(books, accountIds)
      const tasks = await countWaiting(books, accountIds)
      for (const group of counts) {
        pools[group.status] += Number(group.count)
        usedUp += Number(group.used_up)
      }
      for (const { kind, count, age } of tasks) {
        const known = waiting.get(kind) ?? { count: 0, oldestSeconds: 0 }
        const oldestSeconds = Math.max(known.oldestSeconds, Number(age))
        waiting.set(kind, { count: known.count + Number(count), oldestSeconds })
      }
    })
  return {
    pools,
    usedUp,
    waiting: [...waiting].map(([kind, tasks]) => ({ kind, ...tasks })),
    isRewound: isRewound(await readIncarnation(books.connections)),
  }
}

function countPools(books: Queryable, accountIds: readonly string[]) {
  return books.rows<{ status: PoolStatus; count: string; used_up: string }>({
    name: 'count-pools',
    // The statuses are those of poolStatus.
    text: `
      SELECT CASE
        WHEN claimed = total THEN 'EMPTY' WHEN total - claimed <= refill_threshold THEN 'LOW' ELSE 'READY'
      END AS status, count(*), count(*) FILTER (WHERE claimed = total AND total > 0) AS used_up
      FROM pool WHERE account_id = ANY($1::uuid[]) AND archived_at IS NULL GROUP BY 1`,
    values: [accountIds],
    query_timeout: maxAnswerMs,
  })
}

function countWaiting(books: Queryable, accountIds: readonly string[]) {
  return books.rows<{ kind: TaskKind; count: string; age: string }>({
    name: 'count-waiting-tasks',
    text: `
      SELECT kind, count(*), extract(epoch FROM now() - min(created_at)) AS age
      FROM task WHERE account_id = ANY($1::uuid[]) AND status = 'AWAITING_EXECUTION' GROUP BY kind`,
    values: [accountIds],
    query_timeout: maxAnswerMs,
  })
}
