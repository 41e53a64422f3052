import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { rowsById } from '../books/by-id.ts'
import { lockCatalog } from '../books/catalog.ts'
import { codes, NotFoundError, UserError } from '../books/errors.ts'
import { InputCheck } from '../books/input.ts'
import type { Filter } from '../books/listing.ts'
import { askedSearch, checkName, nameContains } from '../books/name.ts'

/**
 * A set of codes in a secret order, and how far it has been used: the indices before `next` have been laid into pools or
 * passed over. All counts are codes. What only the code space needs is read by CodeSpaces.
 */
export interface Format {
  id: string
  name: string
  pattern: string
  characters: string
  capacity: bigint
  next: bigint
  /** Promised to tasks that have not finished. */
  reserved: bigint
  /** Indices from `next` on that belong to uploaded codes. */
  takenAhead: bigint
  generated: bigint
  /** The last code that the backfill has processed, while it runs: see backfill.ts. */
  takenTo: string | undefined
  createdAt: Date
}

/** "Available codes for generation": how many codes a new task can ask for. */
export function availableForGeneration(
  format: Pick<Format, 'capacity' | 'next' | 'reserved' | 'takenAhead'>,
): bigint {
  return format.capacity - format.next - format.reserved - format.takenAhead
}

/** A generation was to produce more codes than the format has left. */
export class QuantityExceedsAvailableError extends UserError {
  readonly code = 'QUANTITY_EXCEEDS_AVAILABLE'
  readonly availableForGeneration: bigint
  readonly formatId: string
  /** As of the refusal. */
  readonly format: Format

  constructor(format: Format, available: bigint) {
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

/** Renames a format. Rejects with an InvalidInputError, a NotFoundError or a NameTakenError. */
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

/** The formats whose name contains `search`. */
export function formatsNamed(search: string | undefined): Filter {
  return {
    table: 'format',
    condition: `($2::text[] IS NULL OR ${nameContains('name', '$2')})`,
    values: [search === undefined ? null : askedSearch(search)],
  }
}

/** Locks a format until the transaction ends, and reads it. Rejects with a NotFoundError for `formatId`. */
export async function lockFormat(tx: BookTransaction, formatId: string): Promise<Format> {
  // A statement that locks a row and reads no other table returns the row as it is once the lock is held.
  const [row] = await tx.rows<RowOf<Format>>({
    name: 'lock-format',
    text: `SELECT ${formatColumns} FROM format WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE`,
    values: [tx.accountId, formatId],
  })
  if (row === undefined) throw new NotFoundError('format', ['formatId'])
  return decodeFormat(row)
}

/** Reads those of the formats that exist, without a lock. */
export async function readFormats(
  books: Queryable,
  accountId: string,
  ids: readonly string[],
): Promise<Format[]> {
  const rows = await books.rows<RowOf<Format>>({
    name: 'read-formats',
    text: `SELECT format.* FROM ${rowsById('format', formatColumns)}`,
    values: [accountId, ids],
  })
  return rows.map(decodeFormat)
}

/** Reads a format without a lock; undefined if the account has no such format. */
export async function readFormat(
  books: Queryable,
  accountId: string,
  formatId: string,
): Promise<Format | undefined> {
  return (await readFormats(books, accountId, [formatId]))[0]
}

const formatColumns = `id, name, pattern, characters, capacity, next, reserved, taken_ahead AS "takenAhead", generated,
  taken_to AS "takenTo", created_at AS "createdAt"`

function decodeFormat(row: RowOf<Format>): Format {
  return {
    ...row,
    capacity: BigInt(row.capacity),
    next: BigInt(row.next),
    reserved: BigInt(row.reserved),
    takenAhead: BigInt(row.takenAhead),
    generated: BigInt(row.generated),
    takenTo: row.takenTo ?? undefined,
  }
}
