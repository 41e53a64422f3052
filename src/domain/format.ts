import { v7 as newId } from 'uuid'
import { CodeSpace, currentVersion, newFormatKey } from '../codespace/codespace.ts'
import { Pattern, ShapeError, type ShapeInput } from '../codespace/pattern.ts'
import { type PatternWarning, warningsFor } from '../codespace/warnings.ts'
import { violatedConstraint } from '../database/errors.ts'
import type { Queryable } from '../database/transaction.ts'
import type { Books, BookTransaction } from './books.ts'
import { FormatOverlapError, NameTakenError, NotFoundError } from './errors.ts'
import { InputCheck } from './input.ts'
import { takeUploaded } from './taken.ts'

/** What a format would be: `overlaps` are ids of formats it could not stand beside, ten at most. */
export interface FormatPreview {
  pattern: Pattern
  overlaps: string[]
  warnings: PatternWarning[]
}

/** Rejects with an InvalidInputError whose paths begin with "shape". */
export async function previewFormat(
  books: Books,
  accountId: string,
  shape: ShapeInput,
): Promise<FormatPreview> {
  const check = new InputCheck()
  const pattern = checkShape(check, shape)
  check.done()
  const overlapping = await findOverlaps(books, accountId, pattern)
  return {
    pattern,
    overlaps: overlapping.slice(0, 10).map((format) => format.id),
    warnings: warningsFor(pattern),
  }
}

/**
 * Creates a format, which leaves out the codes that were uploaded before: with millions of these it takes a while, in
 * which no other format can be created and uploads of the account wait, and nothing else does.
 * Resolves to the id of the new format. Rejects with an InvalidInputError, a NameTakenError or a FormatOverlapError.
 */
export async function createFormat(
  books: Books,
  accountId: string,
  input: { name: string; shape: ShapeInput },
): Promise<string> {
  const check = new InputCheck()
  const name = check.name(input.name)
  const pattern = checkShape(check, input.shape)
  check.done()
  const key = newFormatKey()
  const space = CodeSpace.open({ pattern, key, version: currentVersion })
  return await books.write(accountId, async (tx) => {
    await lockCatalog(tx)
    const id = await nextFormatId(tx)
    const [namesake] = await tx.rows({
      text: 'SELECT 1 FROM format WHERE account_id = $1 AND name = $2',
      values: [accountId, name],
    })
    if (namesake !== undefined) throw new NameTakenError('format', name)
    const [overlapping] = await findOverlaps(tx, accountId, pattern)
    if (overlapping !== undefined) throw new FormatOverlapError(overlapping)
    const inserted = await tx.execute({
      text: `
        INSERT INTO format (account_id, id, name, pattern, characters, length, version, key, first_code, capacity)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (account_id, name) DO NOTHING`,
      values: [
        accountId,
        id,
        name,
        pattern.source,
        pattern.characters,
        pattern.length,
        currentVersion,
        key,
        space.codeAt(0n),
        space.capacity,
      ],
    })
    // Renaming another format does not lock the catalog: it may have taken the name since the look above.
    if (inserted === 0) throw new NameTakenError('format', name)
    await takeUploaded(tx, { id, space })
    return id
  })
}

/**
 * An id for a new format that is greater than those of all others of the account, in the transaction that has locked
 * the catalog: whoever knows the newest format knows that there are no others, though the clocks of processes differ.
 */
async function nextFormatId(tx: BookTransaction): Promise<string> {
  const [newest] = await tx.rows<{ id: string }>({
    text: 'SELECT id FROM format WHERE account_id = $1 ORDER BY id DESC LIMIT 1',
    values: [tx.accountId],
  })
  const id = newId()
  if (newest === undefined || newest.id < id) return id
  // The first 48 bits of a UUID of version 7 are milliseconds.
  return newId({ msecs: Number.parseInt(newest.id.replace('-', '').slice(0, 12), 16) + 1 })
}

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

const useColumns = 'name, capacity, next, reserved, taken_ahead'

type FormatRow = Record<'name' | 'capacity' | 'next' | 'reserved' | 'taken_ahead', string>

function decodeUse(formatId: string, row: FormatRow): FormatUse {
  return {
    id: formatId,
    name: row.name,
    capacity: BigInt(row.capacity),
    next: BigInt(row.next),
    reserved: BigInt(row.reserved),
    takenAhead: BigInt(row.taken_ahead),
  }
}

/** Locks the account's catalog: no other format appears, and no overlap with one, until the transaction ends. */
async function lockCatalog(tx: BookTransaction): Promise<void> {
  await tx.rows({
    text: 'SELECT 1 FROM account WHERE id = $1 FOR NO KEY UPDATE',
    values: [tx.accountId],
  })
}

/** Keeps the account's catalog as it is until the transaction ends: no format appears. Others can do so as well. */
export async function holdCatalog(tx: BookTransaction): Promise<void> {
  await tx.rows({
    name: 'hold-catalog',
    text: 'SELECT 1 FROM account WHERE id = $1 FOR SHARE',
    values: [tx.accountId],
  })
}

function checkShape(check: InputCheck, shape: ShapeInput): Pattern {
  try {
    return Pattern.fromShape(shape)
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error
    check.issues(['shape'], error.issues)
    check.done()
    throw error
  }
}

interface NamedFormat {
  id: string
  name: string
  pattern: string
}

async function findOverlaps(books: Queryable, accountId: string, pattern: Pattern): Promise<NamedFormat[]> {
  const sameLength = await books.rows<NamedFormat & { characters: string }>({
    text: 'SELECT id, name, pattern, characters FROM format WHERE account_id = $1 AND length = $2 ORDER BY id',
    values: [accountId, pattern.length],
  })
  return sameLength.filter((row) => pattern.overlaps(Pattern.parse(row.pattern, row.characters)))
}
