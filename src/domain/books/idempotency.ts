import { hash } from 'node:crypto'
import { RunAgainError } from '../../database/errors.ts'
import type { RowOf } from '../../database/transaction.ts'
import type { BookTransaction } from './books.ts'
import { IdempotencyConflictError } from './errors.ts'
import type { InputCheck } from './input.ts'

/** An idempotency key, and what it was used for: a task, or codes of a pool from the position `first` on. */
export interface UsedKey {
  key: string
  /** The SHA-256 of the input, in hex. */
  hash: string
  poolId: string | undefined
  first: bigint | undefined
  /** Whether the recipient already held the code at `first`. */
  alreadyHeld: boolean
  /**
   * For a list of recipients some of whom already held a code: the position of each one's code. Those from `first` on were
   * claimed with the key; none of them if it is undefined.
   */
  positions: readonly bigint[] | undefined
  taskId: string | undefined
}

const maxIdempotencyKeyLength = 255

export function checkIdempotencyKey(check: InputCheck, key: string | undefined): void {
  if (key !== undefined) check.text(['idempotencyKey'], key, maxIdempotencyKeyLength, 'optional')
}

/** A hash of an input, whatever the order of its fields. Undefined fields do not count. */
export function hashInput(
  input: Readonly<Record<string, string | bigint | number | boolean | undefined>>,
): string {
  const fields = Object.entries(input)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, String(value)])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0))
  return hash('sha256', JSON.stringify(fields))
}

/**
 * Runs `work`, which creates the task `taskId`, once for each key. If the key was used for an input with the same hash, resolves
 * to the task created then. Without a key, always runs it.
 * Rejects with an IdempotencyConflictError when the key was used for another input.
 */
export async function once<Created extends { taskId: string }>(
  tx: BookTransaction,
  operation: string,
  { key, hash, taskId }: { key: string | undefined; hash: string; taskId: string },
  work: () => Promise<Created>,
): Promise<Created | { taskId: string }> {
  const noCodes = { first: undefined, alreadyHeld: false, positions: undefined }
  if (key === undefined || (await insertKeys(tx, operation, undefined, [{ key, hash, taskId, ...noCodes }])))
    return await work()
  const used = (await findKeys(tx, operation, [key])).get(key)
  if (used === undefined) throw new RunAgainError('An idempotency key was forgotten at the same moment.')
  if (used.hash !== hash || used.taskId === undefined) throw new IdempotencyConflictError()
  return { taskId: used.taskId }
}

/** The uses of those keys that have been used. Usually, none has: `insertKeys` tells so, and costs less. */
export async function findKeys(
  tx: BookTransaction,
  operation: string,
  keys: readonly string[],
): Promise<Map<string, UsedKey>> {
  if (keys.length === 0) return new Map()
  const rows = await tx.rows<RowOf<Omit<UsedKey, 'positions'>> & { positions: string[] | null }>({
    // Not prepared: a plan that was made while the account had few keys would read all of them when there are millions. And
    // key by key: without statistics, `key = ANY` was planned like that, too.
    text: `
      SELECT used.key, encode(used.hash, 'hex') AS hash, used.pool_id AS "poolId", used.first,
        used.already_held AS "alreadyHeld", used.positions::text[] AS positions, used.task_id AS "taskId"
      FROM unnest($3::text[]) AS wanted (key) CROSS JOIN LATERAL (
        SELECT * FROM idempotency WHERE account_id = $1 AND operation = $2 AND key = wanted.key LIMIT 1
      ) AS used`,
    values: [tx.accountId, operation, keys],
  })
  const used = rows.map((row) => ({
    ...row,
    poolId: row.poolId ?? undefined,
    first: row.first === null ? undefined : BigInt(row.first),
    positions: row.positions?.map(BigInt),
    taskId: row.taskId ?? undefined,
  }))
  return new Map(used.map((use) => [use.key, use]))
}

/**
 * Records what the keys were used for: for codes of a pool, or for tasks. Resolves to false if some were used before, or by
 * another transaction at the same moment, whose end it awaits: then only the others are recorded.
 */
export async function insertKeys(
  tx: BookTransaction,
  operation: string,
  poolId: string | undefined,
  uses: readonly Omit<UsedKey, 'poolId'>[],
): Promise<boolean> {
  // In the same order everywhere, so that two transactions with the same keys cannot deadlock.
  const sorted = uses.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const inserted = await tx.rows({
    name: 'insert-keys',
    text: `
      INSERT INTO idempotency (account_id, operation, key, hash, pool_id, first, already_held, positions, task_id, at)
      SELECT $1, $2, use.key, decode(use.hash, 'hex'), $3, use.first, coalesce(use.already_held, false),
        use.positions::numeric[], use.task_id, $4
      FROM unnest($5::text[], $6::text[], $7::numeric[], $8::boolean[], $9::text[], $10::uuid[])
        AS use (key, hash, first, already_held, positions, task_id)
      ON CONFLICT DO NOTHING RETURNING 1`,
    values: [
      tx.accountId,
      operation,
      poolId ?? null,
      tx.now(),
      sorted.map((use) => use.key),
      sorted.map((use) => use.hash),
      column(sorted.map((use) => use.first)),
      column(sorted.map((use) => use.alreadyHeld || undefined)),
      column(sorted.map(({ positions }) => positions && `{${positions.join(',')}}`)),
      column(sorted.map((use) => use.taskId)),
    ],
  })
  // What it returns: a distributed database also counts the rows that it has not inserted.
  return inserted.length === uses.length
}

/**
 * Values for `unnest`: none if all are undefined. It fills a shorter array with NULL, and reading NULLs costs as much as
 * values.
 */
function column<Value>(values: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  return values.every((value) => value === undefined) ? [] : values
}

/** Removes at most `limit` of the account's keys that were used before `time`, oldest first. Resolves to their number. */
export async function forgetKeys(tx: BookTransaction, time: Date, limit: number): Promise<number> {
  return await tx.execute({
    // By ctid, as nothing changes such a row, and not prepared: a plan made while the table was nearly empty would compare all
    // keys of the account with each of these.
    text: `
      DELETE FROM idempotency WHERE account_id = $1 AND ctid = ANY (ARRAY(
        SELECT ctid FROM idempotency WHERE account_id = $1 AND at < $2 ORDER BY account_id, at LIMIT $3
      ))`,
    values: [tx.accountId, time, limit],
  })
}
