import type { Queryable } from '../../database/transaction.ts'
import type { BookTransaction } from '../books/books.ts'
import { codes } from '../books/errors.ts'
import { availableForGeneration, type Format, readFormat } from '../format/format.ts'
import type { Pool } from '../pool/pool.ts'
import { isRefillable } from './refill.ts'

/**
 * Explains to a client that wants more codes than a pool has why there are no more, and what to do. The transaction has
 * locked the pool, and `pool` is as it will be committed. `format` is the pool's format, if that is locked too.
 */
export async function adviceOnShortage(
  tx: BookTransaction,
  pool: Pool,
  format: Format | undefined,
): Promise<string> {
  const [pending, use] = await Promise.all([
    aboutPending(tx, tx.accountId, pool.id),
    format ?? (pool.formatId === undefined ? undefined : readFormat(tx, tx.accountId, pool.formatId)),
  ])
  const orElse = [orRestore(pool), pool.total > pool.claimed ? 'Or claim fewer.' : undefined]
  const refillable = isRefillable(pool, tx.now())
  const advice =
    refillable && use?.takenTo !== undefined && availableForGeneration(use) > 0n
      ? [whileUnready(use), ...orElse]
      : [aboutFormat(pool, use, refillable), pending ?? whatToDo(pool, use, refillable), ...orElse]
  return advice.filter((part) => part !== undefined).join(' ')
}

function orRestore({ withdrawn }: Pool): string | undefined {
  if (withdrawn === 0n) return undefined
  return `Or restore the ${codes(withdrawn)} that ${withdrawn === 1n ? 'was' : 'were'} withdrawn from it (restoreCodes).`
}

function whileUnready({ name }: Format): string {
  return (
    `Its format "${name}" is still being prepared: codes that were uploaded before it was created are taken out of it. ` +
    'Claim again in a moment.'
  )
}

/** Why the pool's format cannot supply the codes. */
function aboutFormat(pool: Pool, format: Format | undefined, refillable: boolean): string | undefined {
  if (format === undefined || pool.method !== 'GENERATE') return undefined
  const available = availableForGeneration(format)
  const name = `Its format "${format.name}"`
  if (available === 0n)
    return format.reserved > 0n
      ? `${name} has no codes left to generate but ${codes(format.reserved)} that are reserved for unfinished tasks.`
      : `${name} has no codes left to generate.`
  return refillable ? `${name} has only ${codes(available)} left to refill it with.` : undefined
}

function whatToDo(pool: Pool, format: Format | undefined, refillable: boolean): string {
  if (pool.method === 'UPLOAD') return 'Upload more codes into the pool.'
  if (format === undefined) return 'Generate codes into the pool, or upload some.'
  if (refillable)
    return 'Give the pool another format with more room (saveReplenishment), for example one with longer codes.'
  if (availableForGeneration(format) === 0n)
    return 'Generate from another format with more room, for example one with longer codes, or upload codes.'
  return 'Generate more codes into the pool, or turn on autoGenerate, so that it is refilled automatically.'
}

// Only among the newest tasks: a pool can have a very long history of finished ones.
const newestTasks = 100

/** What unfinished tasks will add to the pool. */
async function aboutPending(
  books: Queryable,
  accountId: string,
  poolId: string,
): Promise<string | undefined> {
  const [row] = await books.rows<{ generated: string; uploads: string }>({
    name: 'read-pending',
    text: `
      SELECT coalesce(sum(quantity) FILTER (WHERE kind = 'GENERATION'), 0) AS generated,
        count(*) FILTER (WHERE kind = 'UPLOAD') AS uploads
      FROM (
        SELECT kind, quantity, status, dry_run FROM task
        WHERE account_id = $1 AND pool_id = $2 ORDER BY id DESC LIMIT ${newestTasks}
      ) AS newest
      WHERE status IN ('AWAITING_EXECUTION', 'RUNNING') AND NOT dry_run`,
    values: [accountId, poolId],
  })
  const generated = BigInt(row?.generated ?? 0)
  if (generated > 0n)
    return `An unfinished task will add ${codes(generated)} to the pool: claim again once it is COMPLETED.`
  if (Number(row?.uploads ?? 0) > 0)
    return 'An upload into the pool has not finished: claim again once it is COMPLETED and its codes are in the pool.'
  return undefined
}
