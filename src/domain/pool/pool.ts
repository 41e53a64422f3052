import { v7 as newId } from 'uuid'
import type { Queryable, RowOf } from '../../database/transaction.ts'
import { latest } from '../../dates.ts'
import type { RenewAfter, ReplenishmentMethod } from '../../generated/prisma/client.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { rowsById } from '../books/by-id.ts'
import { lockCatalog } from '../books/catalog.ts'
import { codes, NotFoundError, UserError } from '../books/errors.ts'
import type { PoolChange } from '../books/event-log.ts'
import { type Absence, faultOfText, InputCheck } from '../books/input.ts'
import type { Filter } from '../books/listing.ts'
import { askedSearch, checkName, nameContains } from '../books/name.ts'

/**
 * A pool, its settings, its line of codes (`total` positions, of which the first `claimed` have been handed out) and its
 * withdrawn lane. This is its row, which `lockPool` locks; `PoolState` adds what is counted elsewhere.
 */
export interface Pool {
  accountId: string
  id: string
  name: string
  description: string | undefined
  externalId: string | undefined
  method: ReplenishmentMethod
  formatId: string | undefined
  quantity: bigint | undefined
  autoGenerate: boolean
  refillThreshold: bigint
  total: bigint
  claimed: bigint
  /** How many codes are in the withdrawn lane. */
  withdrawn: bigint
  /** Increased whenever codes leave the line or the withdrawn lane, so that others move: see `Snapshot`. */
  lineVersion: bigint
  /** The time of the last claim or change of stock: see `lineTime`. */
  lastChangeAt: Date | undefined
  /** Whether the last automatic refill could not be made in full. Saving the settings makes it false again. */
  refillFailed: boolean
  terms: PoolTerms
  archivedAt: Date | undefined
  createdAt: Date
}

/** When the codes of a pool are handed out, and how long they are good from then on. */
export interface PoolTerms {
  /** Codes are claimed from `issueFrom` on, and before `issueUntil`. */
  issueFrom: Date | undefined
  issueUntil: Date | undefined
  /** A claimed code is good before the earlier of `validUntil` and its claim's time + `validForMs`. */
  validUntil: Date | undefined
  validForMs: bigint | undefined
  /** Whether a recipient that already holds a code gets the same one, unless that is one of `renewAfter` by now. */
  onePerRecipient: boolean
  renewAfter: readonly RenewAfter[]
}

/** What has become of a pool's claimed codes: a row of its own (`pool_usage`). */
export interface PoolUsage {
  redeemed: bigint
  voided: bigint
}

/** A pool as the API and subscriptions show it. */
export type PoolState = Pool & PoolUsage

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

  /** `advice` says why there are no more codes, and what to do about it. `path` leads to what asks for so many. */
  constructor(pool: Pool, available: bigint, advice: string, path = ['count']) {
    super(
      `The pool "${pool.name}" has ${codes(available)} available, so nothing was claimed. ${advice}`,
      path,
    )
    this.available = available
    this.poolId = pool.id
    this.pool = { ...pool }
  }
}

/** Another pool of the account has the external id. */
export class ExternalIdTakenError extends UserError {
  readonly code = 'EXTERNAL_ID_TAKEN'
  /** The other pool. */
  readonly poolId: string

  constructor(pool: { id: string; name: string }) {
    super(
      `Your pool "${pool.name}" has this external id. Choose another one, or remove it from that pool first.`,
      ['externalId'],
    )
    this.poolId = pool.id
  }
}

export const maxDescriptionLength = 1_000
export const maxExternalIdLength = 255

/** The details of a pool that an account can change. Undefined leaves one as it is; null clears it. */
export interface PoolDetails {
  name?: string | null | undefined
  description?: string | null | undefined
  /** The id of the pool in another system: exactly as given, and unique in the account. */
  externalId?: string | null | undefined
}

/** The details as they are stored. Throws an InvalidInputError. `absence` is of the details other than the name. */
function checkDetails({ name, description, externalId }: PoolDetails, absence: Absence) {
  const check = new InputCheck()
  if (name === null) check.issue(['name'], 'A pool needs a name. Leave name out to keep the one that it has.')
  // A form sends an empty text for a field that was emptied.
  const text = description === undefined ? undefined : description?.trim() || null
  if (text != null) check.text(['description'], text, maxDescriptionLength, absence)
  if (externalId != null) check.text(['externalId'], externalId, maxExternalIdLength, absence)
  const details = { name: name == null ? undefined : check.name(name), description: text, externalId }
  check.done()
  return details
}

/**
 * Creates a pool. Resolves to its id. Rejects with an InvalidInputError, a NameTakenError or an ExternalIdTakenError.
 */
export async function createPool(
  books: Books,
  accountId: string,
  input: PoolDetails & { name: string },
): Promise<string> {
  const { name = input.name, description, externalId } = checkDetails(input, 'optional')
  const id = newId()
  await books.write(accountId, async (tx) => {
    await lockCatalog(tx)
    await checkName(tx, 'pool', name)
    await checkExternalId(tx, externalId)
    await tx.execute({
      text: 'INSERT INTO pool (account_id, id, name, description, external_id) VALUES ($1, $2, $3, $4, $5)',
      values: [accountId, id, name, description ?? null, externalId ?? null],
    })
    await tx.execute({
      text: 'INSERT INTO pool_usage (account_id, pool_id) VALUES ($1, $2)',
      values: [accountId, id],
    })
    tx.record({ poolId: id, kind: 'POOL_CREATED', payload: { name } })
  })
  return id
}

/** Renames a pool. Rejects with an InvalidInputError, a NotFoundError or a NameTakenError. */
export async function renamePool(
  books: Books,
  accountId: string,
  { poolId, name }: { poolId: string; name: string },
): Promise<void> {
  await updatePool(books, accountId, { poolId, name })
}

/**
 * Changes the details of a pool. Rejects with an InvalidInputError, a NotFoundError, a NameTakenError or an
 * ExternalIdTakenError.
 */
export async function updatePool(
  books: Books,
  accountId: string,
  { poolId, ...input }: PoolDetails & { poolId: string },
): Promise<void> {
  const { name, description, externalId } = checkDetails(input, 'removable')
  await books.write(accountId, async (tx) => {
    await lockCatalog(tx)
    const pool = await lockPool(tx, poolId)
    if (pool === undefined) throw new NotFoundError('pool', ['poolId'])
    const before = { ...pool }
    if (name !== undefined) pool.name = name
    if (description !== undefined) pool.description = description ?? undefined
    if (externalId !== undefined) pool.externalId = externalId ?? undefined
    const changed: PoolChange[] = []
    if (pool.name !== before.name) changed.push('NAME')
    if (pool.description !== before.description) changed.push('DESCRIPTION')
    if (pool.externalId !== before.externalId) changed.push('EXTERNAL_ID')
    if (changed.length === 0) return
    if (changed.includes('NAME')) await checkName(tx, 'pool', pool.name, pool.id)
    if (changed.includes('EXTERNAL_ID')) await checkExternalId(tx, pool.externalId)
    await tx.execute({
      text: 'UPDATE pool SET name = $3, description = $4, external_id = $5 WHERE account_id = $1 AND id = $2',
      values: [accountId, pool.id, pool.name, pool.description ?? null, pool.externalId ?? null],
    })
    recordPoolChange(tx, pool, changed)
  })
}

/**
 * Records that properties of a pool have changed. `pool` is as it will be committed: every POOL_CHANGED event also says what
 * the pool is called, and whether it is archived, after the change.
 */
export function recordPoolChange(tx: BookTransaction, pool: Pool, changed: readonly PoolChange[]): void {
  const archivedAt = pool.archivedAt?.toISOString() ?? null
  tx.record({ poolId: pool.id, kind: 'POOL_CHANGED', payload: { changed, name: pool.name, archivedAt } })
}

/**
 * Rejects with an ExternalIdTakenError if a pool of the account has the external id. The transaction has locked the account's
 * catalog, so the external id stays free until it ends.
 */
async function checkExternalId(tx: BookTransaction, externalId: string | null | undefined): Promise<void> {
  if (externalId == null) return
  const other = await findPool(tx, tx.accountId, externalId)
  if (other !== undefined) throw new ExternalIdTakenError(other)
}

/** The id of the pool with an external id, if there is one. */
export async function findPoolByExternalId(
  books: Queryable,
  accountId: string,
  externalId: string,
): Promise<string | undefined> {
  // No pool has an id that cannot be set, and PostgreSQL does not accept all of these texts.
  if (faultOfText(externalId, maxExternalIdLength, 'required') !== undefined) return undefined
  return (await findPool(books, accountId, externalId))?.id
}

async function findPool(
  books: Queryable,
  accountId: string,
  externalId: string,
): Promise<{ id: string; name: string } | undefined> {
  const [pool] = await books.rows<{ id: string; name: string }>({
    name: 'find-pool-by-external-id',
    text: 'SELECT id, name FROM pool WHERE account_id = $1 AND external_id = $2',
    values: [accountId, externalId],
  })
  return pool
}

/** Locks a pool until the transaction ends, and reads it; undefined if the account has no such pool. */
export async function lockPool(tx: BookTransaction, poolId: string): Promise<Pool | undefined> {
  // A statement that locks a row and reads no other table returns the row as it is once the lock is held.
  const [row] = await tx.rows<PoolRow>({
    name: 'lock-pool',
    text: `SELECT ${poolColumns} FROM pool WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    values: [tx.accountId, poolId],
  })
  return row === undefined ? undefined : decodePool(row)
}

/** Reads those of the account's pools that exist, without a lock. */
export async function readPools(
  books: Queryable,
  accountId: string,
  ids: readonly string[],
): Promise<PoolState[]> {
  const rows = await books.rows<PoolRow & RowOf<PoolUsage>>({
    name: 'read-pools',
    text: `
      SELECT pool.*, usage.* FROM ${rowsById('pool', poolColumns)}
      CROSS JOIN LATERAL (
        SELECT redeemed, voided FROM pool_usage WHERE account_id = $1 AND pool_id = pool.id LIMIT 1
      ) AS usage`,
    values: [accountId, ids],
  })
  return rows.map(decodePoolState)
}

/** Reads those of the pools of several accounts that exist, without a lock and in one statement. */
export async function readPoolsOfAccounts(
  books: Queryable,
  pools: readonly { accountId: string; id: string }[],
): Promise<PoolState[]> {
  const rows = await books.rows<PoolRow & RowOf<PoolUsage>>({
    name: 'read-pools-of-accounts',
    // A distributed database carries out no LATERAL for several accounts.
    text: `
      SELECT found.*, usage.redeemed, usage.voided
      FROM unnest($1::uuid[], $2::uuid[]) AS wanted (wanted_account, wanted_id)
      JOIN (
        SELECT ${poolColumns} FROM pool WHERE account_id = ANY($1::uuid[])
      ) AS found ON found."accountId" = wanted_account AND found.id = wanted_id
      JOIN (
        SELECT account_id, pool_id, redeemed, voided FROM pool_usage WHERE account_id = ANY($1::uuid[])
      ) AS usage ON usage.account_id = found."accountId" AND usage.pool_id = found.id`,
    values: [pools.map(({ accountId }) => accountId), pools.map(({ id }) => id)],
  })
  return rows.map(decodePoolState)
}

/** Reads a pool without a lock; undefined if the account has no such pool. */
export async function readPool(
  books: Queryable,
  accountId: string,
  poolId: string,
): Promise<PoolState | undefined> {
  return (await readPools(books, accountId, [poolId]))[0]
}

/** Writes the counters of a pool that this transaction has locked. */
export async function writePoolCounters(tx: BookTransaction, pool: Pool): Promise<void> {
  await tx.execute({
    name: 'write-pool-counters',
    text: `
      UPDATE pool SET total = $3, claimed = $4, withdrawn = $5, line_version = $6, last_change_at = $7,
        refill_failed_at = CASE WHEN $8 THEN coalesce(refill_failed_at, $9) END
      WHERE account_id = $1 AND id = $2`,
    values: [
      tx.accountId,
      pool.id,
      pool.total,
      pool.claimed,
      pool.withdrawn,
      pool.lineVersion,
      pool.lastChangeAt ?? null,
      pool.refillFailed,
      tx.now(),
    ],
  })
}

/**
 * The time of what this transaction does to the line of a pool that it has locked. Times never decrease along a line, even if
 * the clocks of two processes differ, so it can be ahead of `tx.now()`: whatever is judged by the time of day is judged by that.
 * Otherwise one process with a wrong clock would close the pools of all others. Sets `pool.lastChangeAt`, which the caller
 * writes.
 */
export function lineTime(tx: BookTransaction, pool: Pool): Date {
  const now = tx.now()
  const at = latest(now, pool.lastChangeAt ?? now)
  pool.lastChangeAt = at
  return at
}

/**
 * Notes that the size of a pool's line has become `pool.total` by something other than a claim, and how many codes a task has
 * added by that. The transaction has locked the pool, and writes its counters.
 */
export async function noteStock(tx: BookTransaction, pool: Pool, added: bigint): Promise<void> {
  await tx.execute({
    name: 'note-stock',
    text: `
      INSERT INTO stock_change (account_id, pool_id, number, at, total, added)
      SELECT $1, $2, coalesce(last.number, 0) + 1, $3, $4, coalesce(last.added, 0) + $5::numeric
      FROM (SELECT 1) AS one LEFT JOIN LATERAL (
        SELECT number, added FROM stock_change
        WHERE account_id = $1 AND pool_id = $2 ORDER BY number DESC LIMIT 1
      ) AS last ON true`,
    values: [tx.accountId, pool.id, lineTime(tx, pool), pool.total, added],
  })
}

export interface PoolFilter {
  search?: string | undefined
  status?: readonly PoolStatus[] | undefined
  archived?: boolean | undefined
}

/** The pools whose name contains `search`, that have one of the statuses, and that are archived or not. */
export function poolsMatching({ search, status, archived }: PoolFilter): Filter {
  return {
    table: 'pool',
    // The statuses are those of poolStatus.
    condition: `
      ($2::text[] IS NULL OR ${nameContains('name', '$2')})
      AND ($3::text[] IS NULL OR CASE
        WHEN claimed = total THEN 'EMPTY' WHEN total - claimed <= refill_threshold THEN 'LOW' ELSE 'READY'
      END = ANY($3))
      AND ($4::boolean IS NULL OR (archived_at IS NOT NULL) = $4)`,
    values: [search === undefined ? null : askedSearch(search), status ?? null, archived ?? null],
  }
}

type PoolRow = RowOf<Omit<Pool, 'terms'>> & RowOf<PoolTerms>

const poolColumns = `account_id AS "accountId", id, name, description, external_id AS "externalId", method,
  format_id AS "formatId", quantity, auto_generate AS "autoGenerate", refill_threshold AS "refillThreshold", total, claimed,
  withdrawn, line_version AS "lineVersion", last_change_at AS "lastChangeAt", refill_failed_at IS NOT NULL AS "refillFailed",
  issue_from AS "issueFrom", issue_until AS "issueUntil", valid_until AS "validUntil", valid_for_ms AS "validForMs",
  one_per_recipient AS "onePerRecipient", renew_after::text[] AS "renewAfter", archived_at AS "archivedAt",
  created_at AS "createdAt"`

function decodePoolState(row: PoolRow & RowOf<PoolUsage>): PoolState {
  return { ...decodePool(row), redeemed: BigInt(row.redeemed), voided: BigInt(row.voided) }
}

function decodePool(row: PoolRow): Pool {
  return {
    accountId: row.accountId,
    id: row.id,
    name: row.name,
    description: row.description ?? undefined,
    externalId: row.externalId ?? undefined,
    method: row.method,
    formatId: row.formatId ?? undefined,
    quantity: row.quantity === null ? undefined : BigInt(row.quantity),
    autoGenerate: row.autoGenerate,
    refillThreshold: BigInt(row.refillThreshold),
    total: BigInt(row.total),
    claimed: BigInt(row.claimed),
    withdrawn: BigInt(row.withdrawn),
    lineVersion: BigInt(row.lineVersion),
    lastChangeAt: row.lastChangeAt ?? undefined,
    refillFailed: row.refillFailed,
    terms: {
      issueFrom: row.issueFrom ?? undefined,
      issueUntil: row.issueUntil ?? undefined,
      validUntil: row.validUntil ?? undefined,
      validForMs: row.validForMs === null ? undefined : BigInt(row.validForMs),
      onePerRecipient: row.onePerRecipient,
      renewAfter: row.renewAfter,
    },
    archivedAt: row.archivedAt ?? undefined,
    createdAt: row.createdAt,
  }
}
