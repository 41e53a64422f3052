import { randomBytes } from 'node:crypto'
import type { Topic } from '../../database/notifications.ts'
import type { Queryable, RowOf, Transaction } from '../../database/transaction.ts'
import type { QueueKind } from '../../generated/prisma/client.ts'
import { nilId } from '../../nil-id.ts'

/*
 * The queue: the accounts that have work for a worker, by the kind of work. It says where to look, and the rows of the work
 * itself say what there is to do. So a worker finds work without looking at every account.
 */

/** What is announced when an account has new work of a kind. */
export const queueTopics = {
  GENERATIONS: 'generations',
  UPLOADS: 'uploads',
  FORMATS: 'formats',
  WEBHOOKS: 'webhooks',
} as const satisfies Record<QueueKind, Topic>

/** An account in the queue. `nonce`: of the last transaction that had made work when this was read. */
export interface QueuedAccount {
  accountId: string
  kind: QueueKind
  nonce: bigint
}

/**
 * Puts the account of a transaction that has made work into the queue, at its end: the row stays locked until the commit. It
 * follows all other locks but that of the event log.
 */
export async function enqueue(
  tx: Transaction,
  accountId: string,
  kinds: readonly QueueKind[],
  now: Date,
): Promise<void> {
  await tx.execute({
    name: 'enqueue',
    // Changed even if it is there: a worker that has found no work left, as this had not committed, must not remove it.
    text: `
      INSERT INTO queue (account_id, kind, since, nonce)
      SELECT $1, kind, $3, $4 FROM unnest($2::queue_kind[]) AS work (kind) ORDER BY kind
      ON CONFLICT (account_id, kind) DO UPDATE SET nonce = excluded.nonce`,
    values: [accountId, kinds, now, randomBytes(8).readBigInt64BE()],
  })
}

const maxPage = 100

/** Pages of the accounts that have work of a kind, those that have had it for longest first. */
export async function* readQueue(books: Queryable, kind: QueueKind): AsyncGenerator<QueuedAccount[]> {
  let last: { since: Date; accountId: string } | undefined
  for (;;) {
    const rows: (RowOf<QueuedAccount> & { since: Date })[] = await books.rows({
      name: 'read-queue',
      text: `
        SELECT account_id AS "accountId", kind, since, nonce FROM queue
        WHERE kind = $1 AND (since, account_id) > ($2::timestamptz, $3::uuid)
        ORDER BY since, account_id LIMIT ${maxPage}`,
      values: [kind, last?.since ?? '-infinity', last?.accountId ?? nilId],
    })
    if (rows.length > 0) yield rows.map((row) => ({ ...row, nonce: BigInt(row.nonce) }))
    last = rows.at(-1)
    if (last === undefined || rows.length < maxPage) return
  }
}

/** Removes an account of which no work was left, unless more has been made since it was read here. */
export async function leaveQueue(books: Queryable, { accountId, kind, nonce }: QueuedAccount): Promise<void> {
  await books.rows({
    name: 'leave-queue',
    text: 'DELETE FROM queue WHERE account_id = $1 AND kind = $2 AND nonce = $3',
    values: [accountId, kind, nonce],
  })
}

/**
 * The kinds of work that the account has. The queue says so, too; but while an older version is still running by mistake, its
 * processes know no queue.
 */
async function findWork(books: Queryable, accountId: string): Promise<QueueKind[]> {
  const [row] = await books.rows<{ kinds: QueueKind[] }>({
    name: 'find-work',
    text: `
      SELECT array_remove(ARRAY[
        CASE WHEN EXISTS (
          SELECT FROM task
          WHERE account_id = $1 AND kind = 'GENERATION' AND status IN ('AWAITING_EXECUTION', 'RUNNING')
        ) THEN 'GENERATIONS' END,
        CASE WHEN EXISTS (SELECT FROM task WHERE account_id = $1 AND has_work) THEN 'UPLOADS' END,
        CASE WHEN EXISTS (SELECT FROM format WHERE account_id = $1 AND taken_to IS NOT NULL) THEN 'FORMATS' END,
        CASE WHEN EXISTS (SELECT FROM webhook WHERE account_id = $1 AND disabled_at IS NULL) THEN 'WEBHOOKS' END
      ], NULL) AS kinds
      FROM event_log WHERE account_id = $1`,
    values: [accountId],
  })
  return row?.kinds ?? []
}

/** The kinds of work that the account has and is not in the queue for: no worker looks for them. */
export async function findForgottenWork(books: Queryable, accountId: string): Promise<QueueKind[]> {
  const work = await findWork(books, accountId)
  if (work.length === 0) return []
  // A statement of its own: on a distributed database, the queue is on the coordinator, and the work on a node.
  const queued = await books.rows<{ kind: QueueKind }>({
    name: 'read-queued-kinds',
    text: 'SELECT kind FROM queue WHERE account_id = $1',
    values: [accountId],
  })
  return work.filter((kind) => !queued.some((row) => row.kind === kind))
}
