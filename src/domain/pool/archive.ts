import type { Books } from '../books/books.ts'
import { NotFoundError } from '../books/errors.ts'
import { lockPool, recordPoolChange } from './pool.ts'

/**
 * Archives a pool, until it is unarchived. Promises are kept: tasks that were accepted before finish, and codes that were
 * claimed before stay good. Archiving an archived pool changes nothing. Rejects with a NotFoundError.
 */
export async function archivePool(books: Books, accountId: string, poolId: string): Promise<void> {
  await setArchived(books, accountId, poolId, true)
}

/** Unarchives a pool. If it is due for a refill, the next claim triggers that. Rejects with a NotFoundError. */
export async function unarchivePool(books: Books, accountId: string, poolId: string): Promise<void> {
  await setArchived(books, accountId, poolId, false)
}

async function setArchived(
  books: Books,
  accountId: string,
  poolId: string,
  archived: boolean,
): Promise<void> {
  await books.write(accountId, async (tx) => {
    const pool = await lockPool(tx, poolId)
    if (pool === undefined) throw new NotFoundError('pool', ['poolId'])
    if ((pool.archivedAt !== undefined) === archived) return
    pool.archivedAt = archived ? tx.now() : undefined
    await tx.execute({
      text: 'UPDATE pool SET archived_at = $3 WHERE account_id = $1 AND id = $2',
      values: [accountId, poolId, pool.archivedAt ?? null],
    })
    recordPoolChange(tx, pool, ['ARCHIVED'])
  })
}
