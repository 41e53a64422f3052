import { v7 as newId } from 'uuid'
import { CodeSpace, currentVersion, newFormatKey } from '../../codespace/codespace.ts'
import { Pattern, ShapeError, type ShapeInput } from '../../codespace/pattern.ts'
import { type PatternWarning, warningsFor } from '../../codespace/warnings.ts'
import type { Queryable } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { lockCatalog } from '../books/catalog.ts'
import { FormatOverlapError } from '../books/errors.ts'
import { InputCheck } from '../books/input.ts'
import { checkName } from '../books/name.ts'
import { formatKeyPlace } from '../books/secrets.ts'
import { backfillNext, countEarlier } from './backfill.ts'

/** A format before it is created. `overlaps`: the ids of at most ten formats that it overlaps with. */
export interface FormatPreview {
  pattern: Pattern
  overlaps: string[]
  warnings: PatternWarning[]
}

/** Previews a format of this shape. Rejects with an InvalidInputError whose paths begin with "shape". */
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

// Few accounts have uploaded more codes that could be of a new format. In all others it is ready immediately.
const maxTakenAtOnce = 10_000

/**
 * Creates a format. It never generates codes that were uploaded before: they are counted first, which takes a second or
 * two for a million; only uploads and new formats of the account wait for that. At most `takenAtOnce` of their
 * indices are marked as taken in this transaction; if there are more, a worker marks the rest (see backfill.ts).
 * Resolves to the id of the new format. Rejects with an InvalidInputError, a NameTakenError or a FormatOverlapError.
 */
export async function createFormat(
  books: Books,
  accountId: string,
  input: { name: string; shape: ShapeInput },
  takenAtOnce = maxTakenAtOnce,
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
    await checkName(tx, 'format', name)
    const [overlapping] = await findOverlaps(tx, accountId, pattern)
    if (overlapping !== undefined) throw new FormatOverlapError(overlapping)
    const earlier = await countEarlier(tx, pattern)
    const stored = books.keyring.wrap(key, formatKeyPlace(accountId, id))
    await tx.execute({
      text: `
        INSERT INTO format
          (account_id, id, name, pattern, characters, length, version, key, wrapped_by, first_code, capacity, taken_ahead)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      values: [
        accountId,
        id,
        name,
        pattern.source,
        pattern.characters,
        pattern.length,
        currentVersion,
        stored.bytes,
        stored.wrappedBy,
        space.codeAt(0n),
        space.capacity,
        earlier,
      ],
    })
    const isReady = earlier === 0 || (await backfillNext(tx, { id, space, takenTo: '' }, takenAtOnce))
    if (!isReady) tx.queue('FORMATS')
    return id
  })
}

/**
 * An id for a new format that is greater than the ids of all formats of the account, even if the clocks of processes
 * differ: see KnownFormatsCache, which relies on it. The transaction has locked the catalog.
 */
async function nextFormatId(tx: BookTransaction): Promise<string> {
  const [newest] = await tx.rows<{ id: string }>({
    name: 'newest-format',
    text: 'SELECT id FROM format WHERE account_id = $1 ORDER BY id DESC LIMIT 1',
    values: [tx.accountId],
  })
  const id = newId()
  if (newest === undefined || newest.id < id) return id
  // The first 48 bits of a UUID of version 7 are a time in milliseconds.
  return newId({ msecs: Number.parseInt(newest.id.replace('-', '').slice(0, 12), 16) + 1 })
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
