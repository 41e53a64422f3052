import { violatedConstraint } from '../database/errors.ts'
import type { Queryable } from '../database/transaction.ts'
import type { Books, BookTransaction } from './books.ts'
import { NameTakenError, NotFoundError } from './errors.ts'
import { InputCheck } from './input.ts'

/** Rejects with an InvalidInputError, a NotFoundError or a NameTakenError. */
export async function renameFormat(
  books: Books,
  accountId: string,
  input: { formatId: string; name: string },
): Promise<void> {
  const check = new InputCheck()
  const name = check.name(input.name)
  check.done()
  try {
    const [renamed] = await books.rows({
      text: 'UPDATE format SET name = $3 WHERE account_id = $1 AND id = $2 RETURNING id',
      values: [accountId, input.formatId, name],
    })
    if (renamed === undefined) throw new NotFoundError('format', ['formatId'])
  } catch (error) {
    if (violatedConstraint(error) === 'format_account_id_name_key') throw new NameTakenError('format', name)
    throw error
  }
}

/** How far a format has been used. All counts are codes. */
export interface FormatUse {
  id: string
  name: string
  capacity: bigint
  next: bigint
  reserved: bigint
  takenAhead: bigint
  /** While codes that were uploaded before it are still being taken out of it, the last one that was looked at. */
  takenTo: string | undefined
}

/** 'Available codes for generation': what a new task can ask for. */
export function availableForGeneration(
  format: Pick<FormatUse, 'capacity' | 'next' | 'reserved' | 'takenAhead'>,
): bigint {
  return format.capacity - format.next - format.reserved - format.takenAhead
}

/**
 * Locks a format until the transaction ends and reads it as it is then. Rejects with a NotFoundError for
 * `formatId` when the account has no such format.
 */
export async function lockFormat(tx: BookTransaction, formatId: string): Promise<FormatUse> {
  // A row that is locked and read in one statement, with no other table, is read as it is once the lock is had.
  const [row] = await tx.rows<FormatRow>({
    name: 'lock-format',
    text: `SELECT ${useColumns} FROM format WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    values: [tx.accountId, formatId],
  })
  if (row === undefined) throw new NotFoundError('format', ['formatId'])
  return decodeUse(formatId, row)
}

/** Reads a format without a lock; nothing if the account has no such format. */
export async function readFormat(
  books: Queryable,
  accountId: string,
  formatId: string,
): Promise<FormatUse | undefined> {
  const [row] = await books.rows<FormatRow>({
    name: 'read-format',
    text: `SELECT ${useColumns} FROM format WHERE account_id = $1 AND id = $2`,
    values: [accountId, formatId],
  })
  return row === undefined ? undefined : decodeUse(formatId, row)
}

const useColumns = 'name, capacity, next, reserved, taken_ahead, taken_to'

type FormatRow = Record<'name' | 'capacity' | 'next' | 'reserved' | 'taken_ahead', string> & {
  taken_to: string | null
}

function decodeUse(formatId: string, row: FormatRow): FormatUse {
  return {
    id: formatId,
    name: row.name,
    capacity: BigInt(row.capacity),
    next: BigInt(row.next),
    reserved: BigInt(row.reserved),
    takenAhead: BigInt(row.taken_ahead),
    takenTo: row.taken_to ?? undefined,
  }
}

/**
 * Keeps the account's catalog as it is until the transaction ends: no format appears. Others can do so as well. Resolves
 * to whether the account has codes that differ in case, spaces and dashes alone: see identity.ts.
 */
export async function holdCatalog(tx: BookTransaction): Promise<boolean> {
  // A row that is locked and read in one statement, with no other table, is read as it is once the lock is had.
  const [row] = await tx.rows<{ case_sensitive: boolean }>({
    name: 'hold-catalog',
    text: 'SELECT case_sensitive FROM account WHERE id = $1 FOR SHARE',
    values: [tx.accountId],
  })
  return row?.case_sensitive === true
}

/**
 * Locks the account's catalog: no other format appears, no overlap with one, and nobody adds uploaded codes, until the
 * transaction ends. Resolves as `holdCatalog`.
 */
export async function lockCatalog(tx: BookTransaction): Promise<boolean> {
  const [row] = await tx.rows<{ case_sensitive: boolean }>({
    name: 'lock-catalog',
    text: 'SELECT case_sensitive FROM account WHERE id = $1 FOR NO KEY UPDATE',
    values: [tx.accountId],
  })
  return row?.case_sensitive === true
}
