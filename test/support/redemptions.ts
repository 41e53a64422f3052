import { expect } from 'vitest'
import type { BookTransaction } from '../../src/domain/books/books.ts'
import { Claims } from '../../src/domain/claim/claim.ts'
import type { Code } from '../../src/domain/code/code.ts'
import { GuessLimit } from '../../src/domain/code/guess-limit.ts'
import { LookUps } from '../../src/domain/code/lookup.ts'
import { Redemptions, type RedemptionsOptions } from '../../src/domain/redemption/redeem.ts'
import { lockUsage } from '../../src/domain/usage/lock.ts'
import { fill, newFormat, newPool, type Place } from './books.ts'

export const maxAgeDays = 7

/** Redeems as a process on these books does, without a limit of guesses. */
export function redemptionsOn(books: Place['books'], options: Partial<RedemptionsOptions> = {}): Redemptions {
  return new Redemptions(books, {
    lookUps: new LookUps(books),
    guesses: new GuessLimit(0),
    maxAgeDays,
    ...options,
  })
}

/** Claimed codes of a new pool, all of one claim. */
export async function newClaimed(
  place: Place,
  claim: { count?: number; recipient?: string; expiresAt?: Date } = {},
): Promise<{ poolId: string; codes: Code[] }> {
  const { books, accountId } = place
  const { count = 1, recipient, expiresAt } = claim
  const poolId = await newPool(place)
  await fill(place, poolId, await newFormat(place), BigInt(count))
  const input = { poolId, count, recipient, expiresAt }
  const { codes } = await new Claims(books).claim(accountId, input)
  return { poolId, codes }
}

/** Voids a claimed code, in a transaction of the caller's. */
export async function voidCode(
  tx: BookTransaction,
  { poolId, position }: Pick<Code, 'poolId' | 'position'>,
  reason: string,
): Promise<void> {
  const version = (await lockUsage(tx, poolId)) + 1n
  await tx.execute({
    text: `
      INSERT INTO code_void (account_id, pool_id, first, count, at, reason, version)
      VALUES ($1, $2, $3, 1, $4, $5, $6)`,
    values: [tx.accountId, poolId, position, tx.now(), reason, version],
  })
  await tx.execute({
    text: 'UPDATE pool_usage SET voided = voided + 1, version = $3 WHERE account_id = $1 AND pool_id = $2',
    values: [tx.accountId, poolId, version],
  })
}

/** Expects the counts of a pool's redemptions to be what its rows say, and `count` of them to stand. */
export async function expectRedeemed(
  { books, accountId }: Place,
  poolId: string,
  count: number,
): Promise<void> {
  const [row] = await books.rows({
    text: `
      SELECT redeemed, (
        SELECT count(*) FROM redemption WHERE account_id = $1 AND pool_id = $2 AND rolled_back_version IS NULL
      ) AS standing, (
        SELECT count(*) FROM (
          SELECT quarter, sum(count) AS count FROM (
            SELECT quarter, count FROM redemption_count WHERE account_id = $1 AND pool_id = $2
            UNION ALL
            SELECT date_bin('15 minutes', at, '2000-01-01T00:00:00Z'), -1 FROM redemption
            WHERE account_id = $1 AND pool_id = $2 AND rolled_back_version IS NULL
          ) AS counted (quarter, count) GROUP BY quarter
        ) AS quarters WHERE count <> 0
      ) AS wrong
      FROM pool_usage WHERE account_id = $1 AND pool_id = $2`,
    values: [accountId, poolId],
  })
  expect(row).toEqual({ redeemed: String(count), standing: String(count), wrong: '0' })
}
