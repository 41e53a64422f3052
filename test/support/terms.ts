import { randomUUID } from 'node:crypto'
import type { PoolTerms } from '../../src/domain/pool/pool.ts'
import type { Place } from './books.ts'

/** Sets the terms of a pool, and whether it is archived, as they cannot be saved: in the past, or with stock behind them. */
export async function setTerms(
  { books, accountId }: Place,
  poolId: string,
  terms: Partial<PoolTerms> & { archivedAt?: Date },
): Promise<void> {
  await books.rows({
    text: `
      UPDATE pool SET issue_from = $3, issue_until = $4, valid_until = $5, valid_for_ms = $6, one_per_recipient = $7,
        renew_after = $8::text[]::renew_after[], archived_at = $9
      WHERE account_id = $1 AND id = $2`,
    values: [
      accountId,
      poolId,
      terms.issueFrom ?? null,
      terms.issueUntil ?? null,
      terms.validUntil ?? null,
      terms.validForMs ?? null,
      terms.onePerRecipient ?? false,
      terms.renewAfter ?? [],
      terms.archivedAt ?? null,
    ],
  })
}

/** Redeems the code at a position, as redeemCode leaves it. */
export async function redeemPosition(
  { books, accountId }: Place,
  poolId: string,
  position: bigint,
): Promise<void> {
  await books.rows({
    text: `
      WITH usage AS (
        UPDATE pool_usage SET redeemed = redeemed + 1, version = version + 1
        WHERE account_id = $1 AND pool_id = $2 RETURNING version
      ), counted AS (
        INSERT INTO redemption_count (account_id, pool_id, quarter, count)
        VALUES ($1, $2, date_bin('15 minutes', now(), '2000-01-01'), 1)
        ON CONFLICT (account_id, pool_id, quarter) DO UPDATE SET count = redemption_count.count + 1
      )
      INSERT INTO redemption (account_id, id, pool_id, position, reference, at, version)
      SELECT $1, $4::uuid, $2, $3, 'order', now(), version FROM usage`,
    values: [accountId, poolId, position, randomUUID()],
  })
}

/** Voids the codes at the positions [first, first + count), as voidCodes leaves them. */
export async function voidPositions(
  { books, accountId }: Place,
  poolId: string,
  first: bigint,
  count: bigint,
): Promise<void> {
  await books.rows({
    text: `
      WITH usage AS (
        UPDATE pool_usage SET voided = voided + $4::numeric, version = version + 1
        WHERE account_id = $1 AND pool_id = $2 RETURNING version
      )
      INSERT INTO code_void (account_id, pool_id, first, count, at, version)
      SELECT $1, $2, $3, $4::numeric, now(), version FROM usage`,
    values: [accountId, poolId, first, count],
  })
}
