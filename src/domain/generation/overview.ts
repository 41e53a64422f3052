import type { Queryable } from '../../database/transaction.ts'
import type { TaskKind } from '../../generated/prisma/client.ts'
import type { PoolStatus } from '../pool/pool.ts'

/** What the accounts have, all together. */
export interface Overview {
  /** How many pools have each status, without those that are archived. */
  pools: Record<PoolStatus, number>
  /** The tasks that wait for a worker, by kind; no kind of which none waits. */
  waiting: { kind: TaskKind; count: number; oldestSeconds: number }[]
}

// It reads all pools. Whoever asks for the metrics does not wait for longer anyway.
const maxAnswerMs = 10_000

/** Reads the overview, for the metrics: a statement for the pools and one for the tasks, each over all accounts. */
export async function readOverview(books: Queryable): Promise<Overview> {
  const [pools] = await books.rows<Record<PoolStatus, string>>({
    name: 'count-pools',
    // The statuses are those of poolStatus.
    text: `
      SELECT count(*) FILTER (WHERE claimed = total) AS "EMPTY",
        count(*) FILTER (WHERE claimed < total AND total - claimed <= refill_threshold) AS "LOW",
        count(*) FILTER (WHERE claimed < total AND total - claimed > refill_threshold) AS "READY"
      FROM pool WHERE archived_at IS NULL`,
    query_timeout: maxAnswerMs,
  })
  if (pools === undefined) throw new Error('The pools were not counted.')
  const waiting = await books.rows<{ kind: TaskKind; count: string; age: string }>({
    name: 'count-waiting-tasks',
    text: `
      SELECT kind, count(*), extract(epoch FROM now() - min(created_at)) AS age
      FROM task WHERE status = 'AWAITING_EXECUTION' GROUP BY kind`,
    query_timeout: maxAnswerMs,
  })
  return {
    pools: { EMPTY: Number(pools.EMPTY), LOW: Number(pools.LOW), READY: Number(pools.READY) },
    waiting: waiting.map(({ kind, count, age }) => ({
      kind,
      count: Number(count),
      oldestSeconds: Math.max(0, Number(age)),
    })),
  }
}
