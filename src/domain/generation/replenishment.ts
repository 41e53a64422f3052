import type { ReplenishmentMethod } from '../../generated/prisma/client.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { NotFoundError } from '../books/errors.ts'
import { InputCheck } from '../books/input.ts'
import { lockFormat, readFormat } from '../format/format.ts'
import { lockPool, type Pool, recordPoolChange, writePoolCounters } from '../pool/pool.ts'
import { isValidityOver } from '../pool/terms.ts'
import { isRefillable, refill } from './refill.ts'

/** The Promo Codes section of a pool. Counts are codes. */
export interface ReplenishmentInput {
  poolId: string
  method: ReplenishmentMethod
  formatId?: string | undefined
  quantity?: bigint | undefined
  autoGenerate: boolean
  refillThreshold: bigint
}

/**
 * Saves the whole Promo Codes section of a pool. If auto-generation is on and the stock is at the threshold, the same
 * transaction refills the pool, unless that is archived. Resolves to the id of the refill's task, if there is one.
 * Rejects with an InvalidInputError or a NotFoundError.
 */
export async function saveReplenishment(
  books: Books,
  accountId: string,
  input: ReplenishmentInput,
): Promise<string | undefined> {
  const check = new InputCheck()
  if (input.method === 'GENERATE' && input.formatId === undefined)
    check.issue(['formatId'], 'With the method GENERATE, give the format to generate from.')
  if (input.method === 'UPLOAD' && input.autoGenerate)
    check.issue(
      ['autoGenerate'],
      'With the method UPLOAD, no codes are generated. Turn autoGenerate off, or use GENERATE.',
    )
  if (input.quantity !== undefined) check.count(['quantity'], input.quantity, 1n)
  else if (input.autoGenerate)
    check.issue(['quantity'], 'With autoGenerate, give the number of codes that each refill generates.')
  check.count(['refillThreshold'], input.refillThreshold, 0n)
  check.done()
  return await books.write(accountId, async (tx) => {
    const pool = await lockPool(tx, input.poolId)
    if (pool === undefined) throw new NotFoundError('pool', ['poolId'])
    if (input.formatId !== undefined && (await readFormat(tx, accountId, input.formatId)) === undefined)
      throw new NotFoundError('format', ['formatId'])
    const { method, formatId, quantity, autoGenerate, refillThreshold } = input
    await writeReplenishment(tx, pool, { method, formatId, quantity, autoGenerate, refillThreshold }, [])
    if (!isRefillable(pool, tx.now()) || pool.total - pool.claimed > refillThreshold) return undefined
    const taskId = await refill(tx, pool, await lockFormat(tx, pool.formatId), 0n)
    await writePoolCounters(tx, pool)
    return taskId
  })
}

/**
 * Writes the Promo Codes section to the database and to `pool`, clears the mark of a failed refill, and records an event if
 * a setting has changed. Rejects with an InvalidInputError if auto-generation is to be on although the codes of the pool are
 * no longer good. `path` leads to the input with the settings.
 */
export async function writeReplenishment(
  tx: BookTransaction,
  pool: Pool,
  settings: Pick<Pool, 'method' | 'formatId' | 'quantity' | 'autoGenerate' | 'refillThreshold'>,
  path: string[],
): Promise<void> {
  const check = new InputCheck()
  if (settings.autoGenerate && isValidityOver(pool.terms, tx.now()))
    check.issue(
      [...path, 'autoGenerate'],
      `The codes of the pool expired at ${pool.terms.validUntil?.toISOString()} (validUntil of its terms), so none are ` +
        'generated automatically. Turn autoGenerate off, or first choose a later validUntil (saveTerms).',
    )
  check.done()
  const isChange =
    pool.method !== settings.method ||
    pool.formatId !== settings.formatId ||
    pool.quantity !== settings.quantity ||
    pool.autoGenerate !== settings.autoGenerate ||
    pool.refillThreshold !== settings.refillThreshold
  Object.assign(pool, settings, { refillFailed: false })
  await tx.execute({
    text: `
      UPDATE pool SET method = $3, format_id = $4, quantity = $5, auto_generate = $6, refill_threshold = $7,
        refill_failed_at = NULL
      WHERE account_id = $1 AND id = $2`,
    values: [
      tx.accountId,
      pool.id,
      settings.method,
      settings.formatId ?? null,
      settings.quantity ?? null,
      settings.autoGenerate,
      settings.refillThreshold,
    ],
  })
  if (isChange) recordPoolChange(tx, pool, ['REPLENISHMENT'])
}
