import { v7 as newId } from 'uuid'
import type { Queryable } from '../../database/transaction.ts'
import type { ReplenishmentMethod } from '../../generated/prisma/client.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { lockCatalog } from '../books/catalog-lock.ts'
import { codes, NotFoundError, UserError } from '../books/errors.ts'
import { InputCheck } from '../books/input.ts'
import { askedSearch, checkName, nameContains } from '../books/name.ts'

/** A pool's line of codes: `total` positions, of which the first `claimed` have been handed out. */
export interface Pool {
  id: string
  name: string
  method: ReplenishmentMethod
  formatId: string | undefined
  quantity: bigint | undefined
  autoGenerate: boolean
  refillThreshold: bigint
  total: bigint
  claimed: bigint
  refillFailed: boolean
}

export type PoolStatus = 'EMPTY' | 'LOW' | 'READY'

/** READY has more codes available than its threshold, LOW no more than that, EMPTY none. */
export function poolStatus(pool: { available: bigint; refillThreshold: bigint }): PoolStatus {
  if (pool.available === 0n) return 'EMPTY'
  return pool.available <= pool.refillThreshold ? 'LOW' : 'READY'
}

/** A claim asked for more codes than the pool can give. */
export class NotEnoughCodesError extends UserError {
  readonly code = 'NOT_ENOUGH_CODES'
  readonly available: bigint
  readonly poolId: string
  /** As it stood when the claim was refused. */
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

/** Resolves to the id of the new pool. Rejects with an InvalidInputError or a NameTakenError. */
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

/** Rejects with an InvalidInputError, a NotFoundError or a NameTakenError. */
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

/** Locks the pool until the transaction ends and reads it as it is then; nothing if the account has no such pool. */
export async function lockPool(tx: BookTransaction, poolId: string): Promise<Pool | undefined> {
  // A row that is locked and read in one statement, with no other table, is read as it is once the lock is had.
  const [row] = await tx.rows<PoolRow>({
    name: 'lock-pool',
    text: `SELECT ${poolColumns} FROM pool WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    values: [tx.accountId, poolId],
  })
  return row === undefined ? undefined : decodePool(row)
}

/** Reads the pool without a lock. */
export async function readPool(
  books: Queryable,
  accountId: string,
  poolId: string,
): Promise<Pool | undefined> {
  const [row] = await books.rows<PoolRow>({
    name: 'read-pool',
    text: `SELECT ${poolColumns} FROM pool WHERE account_id = $1 AND id = $2`,
    values: [accountId, poolId],
  })
  return row === undefined ? undefined : decodePool(row)
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

/** Ids of the account's pools, newest first, after and before those given; `limit` at most. */
export async function listPools(
  books: Queryable,
  accountId: string,
  filter: PoolFilter,
  page: { after?: string | undefined; before?: string | undefined; limit: number; fromOldest: boolean },
): Promise<string[]> {
  const rows = await books.rows<{ id: string }>({
    text: `
      SELECT id FROM pool
      WHERE ${poolFilter} AND ($4::uuid IS NULL OR id < $4) AND ($5::uuid IS NULL OR id > $5)
      ORDER BY id ${page.fromOldest ? 'ASC' : 'DESC'} LIMIT $6`,
    values: [...filterValues(accountId, filter), page.after ?? null, page.before ?? null, page.limit],
  })
  return rows.map((row) => row.id)
}

export async function countPools(books: Queryable, accountId: string, filter: PoolFilter): Promise<bigint> {
  const [row] = await books.rows<{ count: string }>({
    text: `SELECT count(*) FROM pool WHERE ${poolFilter}`,
    values: filterValues(accountId, filter),
  })
  return BigInt(row?.count ?? 0)
}

// Beside poolStatus, in SQL.
const poolFilter = `
  account_id = $1 AND ($2::text[] IS NULL OR ${nameContains('name', '$2')})
  AND ($3::text[] IS NULL OR CASE
    WHEN claimed = total THEN 'EMPTY' WHEN total - claimed <= refill_threshold THEN 'LOW' ELSE 'READY'
  END = ANY($3))`

function filterValues(accountId: string, filter: PoolFilter): unknown[] {
  return [accountId, filter.search === undefined ? null : askedSearch(filter.search), filter.status ?? null]
}

const poolColumns =
  'id, name, method, format_id, quantity, auto_generate, refill_threshold, total, claimed, refill_failed_at'

interface PoolRow {
  id: string
  name: string
  method: ReplenishmentMethod
  format_id: string | null
  quantity: string | null
  auto_generate: boolean
  refill_threshold: string
  total: string
  claimed: string
  refill_failed_at: Date | null
}

function decodePool(row: PoolRow): Pool {
  return {
    id: row.id,
    name: row.name,
    method: row.method,
    formatId: row.format_id ?? undefined,
    quantity: row.quantity === null ? undefined : BigInt(row.quantity),
    autoGenerate: row.auto_generate,
    refillThreshold: BigInt(row.refill_threshold),
    total: BigInt(row.total),
    claimed: BigInt(row.claimed),
    refillFailed: row.refill_failed_at !== null,
  }
}
