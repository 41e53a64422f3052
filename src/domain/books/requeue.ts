import type { Books } from './books.ts'
import { findForgottenWork } from './queue.ts'

/**
 * Puts an account into the queue for kinds of work that it has and is not in the queue for, and wakes their workers. This is a
 * transaction of its own: the lock of the queue's row precedes that of the event log.
 */
export async function requeue(books: Books, accountId: string): Promise<void> {
  const missing = await findForgottenWork(books, accountId)
  if (missing.length === 0) return
  await books.write(accountId, async (tx) => {
    for (const kind of missing) tx.queue(kind)
  })
}
