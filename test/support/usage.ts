import { v7 as newId } from 'uuid'
import type { BookTransaction } from '../../src/domain/books/books.ts'
import type { Place } from './books.ts'

/**
 * What becomes of claimed codes, written as the service writes it but for many positions at once and without its checks.
 * Each call is one version of the pool's usage, to which it resolves.
 */

export interface Span {
  first: bigint
  count: bigint
}

/** Redeems the codes at these positions, for the reference "order <position>" or another. */
export async function redeem(
  place: Place,
  poolId: string,
  positions: readonly bigint[],
  { reference, at = new Date() }: { reference?: string; at?: Date } = {},
): Promise<bigint> {
  return await change(place, poolId, async (tx, version) => {
    await tx.execute({
      text: `
        INSERT INTO redemption (account_id, id, pool_id, position, reference, at, version)
        SELECT $1, id, $2, position, coalesce($5, 'order ' || position), $6, $7
        FROM unnest($3::uuid[], $4::numeric[]) AS redeemed (id, position)`,
      values: [tx.accountId, poolId, positions.map(() => newId()), positions, reference ?? null, at, version],
    })
  })
}

/** Rolls the redemptions of these positions back. */
export async function rollBack(place: Place, poolId: string, positions: readonly bigint[]): Promise<bigint> {
  return await change(place, poolId, async (tx, version) => {
    await tx.execute({
      text: `
        UPDATE redemption SET rolled_back_at = $4, rolled_back_version = $5
        WHERE account_id = $1 AND pool_id = $2 AND position = ANY ($3::numeric[]) AND rolled_back_version IS NULL`,
      values: [tx.accountId, poolId, positions, tx.now(), version],
    })
  })
}

/** Makes codes void, none of which is. */
export async function voidCodes(place: Place, poolId: string, ...spans: Span[]): Promise<bigint> {
  return await change(place, poolId, (tx, version) => insertVoids(tx, poolId, version, spans))
}

/** Makes codes good again. */
export async function unvoidCodes(place: Place, poolId: string, { first, count }: Span): Promise<bigint> {
  return await change(place, poolId, async (tx, version) => {
    const end = first + count
    const ended = await tx.rows<{ first: string; count: string }>({
      text: `
        UPDATE code_void SET unvoided_version = $5
        WHERE account_id = $1 AND pool_id = $2 AND first < $4 AND first + count > $3 AND unvoided_version IS NULL
        RETURNING first, count`,
      values: [tx.accountId, poolId, first, end, version],
    })
    const rests = ended.flatMap((row) => {
      const [from, to] = [BigInt(row.first), BigInt(row.first) + BigInt(row.count)]
      return [
        { first: from, count: first - from },
        { first: end, count: to - end },
      ].filter((rest) => rest.count > 0n)
    })
    await insertVoids(tx, poolId, version, rests)
  })
}

async function insertVoids(tx: BookTransaction, poolId: string, version: bigint, spans: readonly Span[]) {
  await tx.execute({
    text: `
      INSERT INTO code_void (account_id, pool_id, first, count, at, version)
      SELECT $1, $2, first, count, $5, $6 FROM unnest($3::numeric[], $4::numeric[]) AS span (first, count)`,
    values: [
      tx.accountId,
      poolId,
      spans.map(({ first }) => first),
      spans.map(({ count }) => count),
      tx.now(),
      version,
    ],
  })
}

async function change(
  { books, accountId }: Place,
  poolId: string,
  work: (tx: BookTransaction, version: bigint) => Promise<void>,
): Promise<bigint> {
  return await books.write(accountId, async (tx) => {
    const [row] = await tx.rows<{ version: string }>({
      text: `
        UPDATE pool_usage SET version = version + 1 WHERE account_id = $1 AND pool_id = $2 RETURNING version`,
      values: [accountId, poolId],
    })
    const version = BigInt(row?.version ?? 0)
    await work(tx, version)
    return version
  })
}
