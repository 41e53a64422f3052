import type { QueueKind } from '../../generated/prisma/client.ts'
import type { Books } from './books.ts'
import { findWork } from './queue.ts'

/**
 * Puts an account into the queue for kinds of work that it has and is not in the queue for, and wakes their workers. This is a
 * transaction of its own: the lock of the queue's row precedes that of the event log.
 */
export async function requeue(books: Books, accountId: string): Promise<void> {
  const work = await findWork(books, accountId)
  if (work.length === 0) return
  // A statement of its own: on a distributed database, the queue is on the coordinator, and the work on a node.
  const queued = await books.rows<{ kind: QueueKind }>({
    name: 'read-queued-kinds',
    text: 'SELECT kind FROM queue WHERE account_id = $1',
    values: [accountId],
  })
  const missing = work.filter((kind) => !queued.some((row) => row.kind === kind))
  if (missing.length === 0) return
  await books.write(accountId, async (tx) => {
    for (const kind of missing) tx.queue(kind)
  })
}
