import { v7 as newId } from 'uuid'
import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { ReplenishmentMethod } from '../../generated/prisma/client.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { lockCatalog } from '../books/catalog.ts'
import { codes, NotFoundError, UserError } from '../books/errors.ts'
import { InputCheck } from '../books/input.ts'
import type { Filter } from '../books/listing.ts'
import { askedSearch, checkName, nameContains } from '../books/name.ts'
import type { RowRef } from '../subscription/row-poller.ts'

/**
 * A pool, its settings, and its line of codes: `total` positions, of which the first `claimed` have been handed out. The
 * domain, the API and subscriptions share this shape.
 */
export interface Pool {
  accountId: string
  id: string
  name: string
  method: ReplenishmentMethod
  formatId: string | undefined
  quantity: bigint | undefined
  autoGenerate: boolean
  refillThreshold: bigint
  total: bigint
  claimed: bigint
  /** Whether the last automatic refill could not be made in full. Saving the settings makes it false again. */
  refillFailed: boolean
  createdAt: Date
}

export type PoolStatus = 'EMPTY' | 'LOW' | 'READY'

/** READY: more codes are available than the threshold. LOW: no more than that. EMPTY: none. */
export function poolStatus(pool: { available: bigint; refillThreshold: bigint }): PoolStatus {
  if (pool.available === 0n) return 'EMPTY'
  return pool.available <= pool.refillThreshold ? 'LOW' : 'READY'
}

/** A claim asked for more codes than the pool can give. */
export class NotEnoughCodesError extends UserError {
  readonly code = 'NOT_ENOUGH_CODES'
  readonly available: bigint
  readonly poolId: string
  /** As of the refusal. */
  readonly pool: Pool

  /** `advice` says why there are no more codes, and what to do about it. */
  constructor(pool: Pool, available: bigint, advice: string) {
    super(`The pool "${pool.name}" has ${codes(available)} available, so nothing was claimed. ${advice}`, [
      'count',
    ])
    this.available = available
    this.poolId = pool.id
    this.pool = { ...pool }
  }
}

/** Creates a pool. Resolves to its id. Rejects with an InvalidInputError or a NameTakenError. */
export async function createPool(books: Books, accountId: string, input: { name: string }): Promise<string> {
  const check = new InputCheck()
  const name = check.name(input.name)
  check.done()
  const id = newId()
  await books.write(accountId, async (tx) => {
    await lockCatalog(tx)
    await checkName(tx, 'pool', name)
    await tx.execute({
      text: 'INSERT INTO pool (account_id, id, name) VALUES ($1, $2, $3)',
      values: [accountId, id, name],
    })
    tx.record({ poolId: id, kind: 'POOL_CREATED', payload: { name } })
  })
  return id
}

/** Renames a pool. Rejects with an InvalidInputError, a NotFoundError or a NameTakenError. */
export async function renamePool(
  books: Books,
  accountId: string,
  input: { poolId: string; name: string },
): Promise<void> {
  const check = new InputCheck()
  const name = check.name(input.name)
  check.done()
  await books.write(accountId, async (tx) => {
    await lockCatalog(tx)
    const pool = await lockPool(tx, input.poolId)
    if (pool === undefined) throw new NotFoundError('pool', ['poolId'])
    if (pool.name === name) return
    await checkName(tx, 'pool', name, pool.id)
    await tx.execute({
      text: 'UPDATE pool SET name = $3 WHERE account_id = $1 AND id = $2',
      values: [accountId, pool.id, name],
    })
    tx.record({ poolId: pool.id, kind: 'POOL_CHANGED', payload: { changed: ['NAME'], name } })
  })
}

/** Locks a pool until the transaction ends, and reads it; undefined if the account has no such pool. */
export async function lockPool(tx: BookTransaction, poolId: string): Promise<Pool | undefined> {
  // A statement that locks a row and reads no other table returns the row as it is once the lock is held.
  const [row] = await tx.rows<RowOf<Pool>>({
    name: 'lock-pool',
    text: `SELECT ${poolColumns} FROM pool WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    values: [tx.accountId, poolId],
  })
  return row === undefined ? undefined : decodePool(row)
}

/** Reads those of the pools that exist, of any accounts, without a lock. */
export async function readPools(books: Queryable, refs: readonly RowRef[]): Promise<Pool[]> {
  const rows = await books.rows<RowOf<Pool>>({
    name: 'read-pools',
    // Pool by pool: without statistics, a condition on a list was planned as a scan of the table.
    text: `
      SELECT found.* FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, id)
      CROSS JOIN LATERAL (
        SELECT ${poolColumns} FROM pool WHERE account_id = wanted.account_id AND id = wanted.id LIMIT 1
      ) AS found`,
    values: [refs.map(({ accountId }) => accountId), refs.map(({ id }) => id)],
  })
  return rows.map(decodePool)
}

/** Reads a pool without a lock; undefined if the account has no such pool. */
export async function readPool(
  books: Queryable,
  accountId: string,
  poolId: string,
): Promise<Pool | undefined> {
  return (await readPools(books, [{ accountId, id: poolId }]))[0]
}

/** Writes the counters of a pool that this transaction has locked. */
export async function writePoolCounters(tx: BookTransaction, pool: Pool): Promise<void> {
  await tx.execute({
    name: 'write-pool-counters',
    text: `
      UPDATE pool SET total = $3, claimed = $4,
        refill_failed_at = CASE WHEN $5 THEN coalesce(refill_failed_at, now()) END
      WHERE account_id = $1 AND id = $2`,
    values: [tx.accountId, pool.id, pool.total, pool.claimed, pool.refillFailed],
  })
}

export interface PoolFilter {
  search?: string | undefined
  status?: readonly PoolStatus[] | undefined
}

/** The pools whose name contains `search`, and that have one of the statuses. */
export function poolsMatching({ search, status }: PoolFilter): Filter {
  return {
    table: 'pool',
    // The statuses are those of poolStatus.
    condition: `
      ($2::text[] IS NULL OR ${nameContains('name', '$2')})
      AND ($3::text[] IS NULL OR CASE
        WHEN claimed = total THEN 'EMPTY' WHEN total - claimed <= refill_threshold THEN 'LOW' ELSE 'READY'
      END = ANY($3))`,
    values: [search === undefined ? null : askedSearch(search), status ?? null],
  }
}

const poolColumns = `account_id AS "accountId", id, name, method, format_id AS "formatId", quantity,
  auto_generate AS "autoGenerate", refill_threshold AS "refillThreshold", total, claimed,
  refill_failed_at IS NOT NULL AS "refillFailed", created_at AS "createdAt"`

function decodePool(row: RowOf<Pool>): Pool {
  return {
    ...row,
    formatId: row.formatId ?? undefined,
    quantity: row.quantity === null ? undefined : BigInt(row.quantity),
    refillThreshold: BigInt(row.refillThreshold),
    total: BigInt(row.total),
    claimed: BigInt(row.claimed),
  }
}
