import type { Queryable } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { lockCatalog } from '../books/catalog-lock.ts'
import { codes, NotFoundError, UserError } from '../books/errors.ts'
import { InputCheck } from '../books/input.ts'
import { askedSearch, checkName, nameContains } from '../books/name.ts'

/** Rejects with an InvalidInputError, a NotFoundError or a NameTakenError. */
export async function renameFormat(
  books: Books,
  accountId: string,
  input: { formatId: string; name: string },
): Promise<void> {
  const check = new InputCheck()
  const name = check.name(input.name)
  check.done()
  await books.write(accountId, async (tx) => {
    await lockCatalog(tx)
    const format = await lockFormat(tx, input.formatId)
    if (format.name === name) return
    await checkName(tx, 'format', name, input.formatId)
    await tx.execute({
      text: 'UPDATE format SET name = $3 WHERE account_id = $1 AND id = $2',
      values: [accountId, input.formatId, name],
    })
  })
}

/** Ids of the account's formats whose name contains `search`, newest first, after and before those given; `limit` at most. */
export async function listFormats(
  books: Queryable,
  accountId: string,
  search: string | undefined,
  page: { after?: string | undefined; before?: string | undefined; limit: number; fromOldest: boolean },
): Promise<string[]> {
  const rows = await books.rows<{ id: string }>({
    text: `
      SELECT id FROM format
      WHERE ${formatFilter} AND ($3::uuid IS NULL OR id < $3) AND ($4::uuid IS NULL OR id > $4)
      ORDER BY id ${page.fromOldest ? 'ASC' : 'DESC'} LIMIT $5`,
    values: [
      accountId,
      search === undefined ? null : askedSearch(search),
      page.after ?? null,
      page.before ?? null,
      page.limit,
    ],
  })
  return rows.map((row) => row.id)
}

export async function countFormats(
  books: Queryable,
  accountId: string,
  search: string | undefined,
): Promise<bigint> {
  const [row] = await books.rows<{ count: string }>({
    text: `SELECT count(*) FROM format WHERE ${formatFilter}`,
    values: [accountId, search === undefined ? null : askedSearch(search)],
  })
  return BigInt(row?.count ?? 0)
}

const formatFilter = `account_id = $1 AND ($2::text[] IS NULL OR ${nameContains('name', '$2')})`

/** How far a format has been used. All counts are codes. */
export interface FormatUse {
  id: string
  name: string
  capacity: bigint
  next: bigint
  reserved: bigint
  takenAhead: bigint
  generated: bigint
  /** While codes that were uploaded before it are still being taken out of it, the last one that was looked at. */
  takenTo: string | undefined
}

/** 'Available codes for generation': what a new task can ask for. */
export function availableForGeneration(
  format: Pick<FormatUse, 'capacity' | 'next' | 'reserved' | 'takenAhead'>,
): bigint {
  return format.capacity - format.next - format.reserved - format.takenAhead
}

/** A generation was asked for more codes than the format has left. */
export class QuantityExceedsAvailableError extends UserError {
  readonly code = 'QUANTITY_EXCEEDS_AVAILABLE'
  readonly availableForGeneration: bigint
  readonly formatId: string
  /** As it stood when the request was refused. */
  readonly format: FormatUse

  constructor(format: FormatUse, available: bigint) {
    super(
      available === 0n
        ? `The format "${format.name}" has no codes left to generate. Choose or create a format with more room.`
        : `The format "${format.name}" has ${codes(available)} left to generate. Ask for no more than that, or use ` +
            'a format with more room.',
      ['quantity'],
    )
    this.availableForGeneration = available
    this.formatId = format.id
    this.format = { ...format }
  }
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

const useColumns = 'name, capacity, next, reserved, taken_ahead, generated, taken_to'

type FormatRow = Record<'name' | 'capacity' | 'next' | 'reserved' | 'taken_ahead' | 'generated', string> & {
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
    generated: BigInt(row.generated),
    takenTo: row.taken_to ?? undefined,
  }
}
