import { CommitUnansweredError } from '../../database/errors.ts'
import type { RowOf } from '../../database/transaction.ts'
import { latest } from '../../dates.ts'
import { facts } from '../../telemetry/facts.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { NotFoundError } from '../books/errors.ts'
import { lockUsage } from '../usage/lock.ts'
import { decodeRedemption, type Redemption, redemptionColumns } from '../usage/usage.ts'
import { countRedemptions } from './counts.ts'
import { readRedemptions } from './redemption.ts'

/**
 * Rolls a redemption back: its code can be redeemed again. Resolves to it. One that was rolled back before stays as it is.
 * Rejects with a NotFoundError.
 */
export async function rollBackRedemption(
  books: Books,
  accountId: string,
  redemptionId: string,
): Promise<Redemption> {
  for (;;)
    try {
      return await books.write(accountId, (tx) => rollBack(tx, redemptionId))
    } catch (error) {
      // If it was committed, the redemption is found rolled back, at the same time.
      if (!(error instanceof CommitUnansweredError)) throw error
    }
}

async function rollBack(tx: BookTransaction, redemptionId: string): Promise<Redemption> {
  const [found] = await readRedemptions(tx, tx.accountId, [redemptionId])
  if (found === undefined) throw new NotFoundError('redemption', ['redemptionId'])
  const { poolId, position } = found
  const version = (await lockUsage(tx, poolId)) + 1n
  const [row] = await tx.rows<RowOf<Redemption>>({
    // By its position, too, as the index of those that stand is by position.
    text: `
      UPDATE redemption SET rolled_back_at = $5, rolled_back_version = $6
      WHERE account_id = $1 AND id = $2 AND pool_id = $3 AND position = $4 AND rolled_back_version IS NULL
      RETURNING ${redemptionColumns}`,
    // The clocks of two processes differ.
    values: [tx.accountId, redemptionId, poolId, position, latest(found.at, tx.now()), version],
  })
  if (row === undefined) return await rolledBackBefore(tx, redemptionId)
  const rolledBack = decodeRedemption(row)
  await countRedemptions(tx, poolId, [rolledBack], -1, version)
  tx.tellOnCommit(facts.rolledBack, {})
  return rolledBack
}

/** The redemption as the transaction that has rolled it back left it. */
async function rolledBackBefore(tx: BookTransaction, redemptionId: string): Promise<Redemption> {
  const [redemption] = await readRedemptions(tx, tx.accountId, [redemptionId])
  if (redemption === undefined) throw new Error(`The redemption ${redemptionId} is gone.`)
  return redemption
}
