import { Pacer } from '../../async/pacer.ts'
import type { CodeSpace } from '../../codespace/codespace.ts'
import type { Queryable } from '../../database/transaction.ts'
import type { BookTransaction } from '../books/books.ts'
import type { KnownFormats } from '../books/known-formats.ts'
import { readOwnCodes, readUploaded } from './uploaded-codes.ts'

/*
 * The table `taken` has the indices of formats that belong to uploaded codes. While a code is uploaded, its index in the
 * format that it is of, if any, is taken. An index that a batch has passed over stays taken permanently.
 */

/** The codes that are of one format, with their indices in it. */
export interface FormatCodes {
  formatId: string
  codes: string[]
  indices: bigint[]
}

/**
 * The codes by the format that they are of, in the order of the formats' ids. Formats do not overlap, so a code is in at
 * most one entry. The catalog was locked before `known` was read.
 */
export async function groupCodes(
  tx: BookTransaction,
  known: KnownFormats,
  codes: readonly string[],
): Promise<FormatCodes[]> {
  const own = new Map<string, string[]>()
  const pacer = new Pacer()
  for (const code of codes) {
    if (pacer.isDue()) await pacer.yield()
    const formatId = known.codes.find(code)
    if (formatId === undefined) continue
    const some = own.get(formatId)
    if (some === undefined) own.set(formatId, [code])
    else some.push(code)
  }
  const found: FormatCodes[] = []
  for (const [formatId, codes] of [...own].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const space = await tx.codeSpaces.get(tx, tx.accountId, formatId)
    found.push({ formatId, codes, indices: space.indicesOf(codes) as bigint[] })
  }
  return found
}

/** By format, codes that could be mistaken for a code of it, `twin`: they differ only in case, spaces and dashes. */
export type FormatTwins = ReadonlyMap<string, readonly { code: string; index: bigint; twin: string }[]>

/**
 * The codes of formats that look-ups could mistake for one of `codes`, which are of no format: see `readTyped`. `plain` has
 * their plain forms.
 */
export async function findTwins(
  tx: BookTransaction,
  known: KnownFormats,
  codes: readonly string[],
  plain: ReadonlyMap<string, string>,
): Promise<FormatTwins> {
  const found = new Map<string, { code: string; index: bigint; twin: string }[]>()
  const pacer = new Pacer()
  for (const code of codes) {
    if (pacer.isDue()) await pacer.yield()
    for (const formatId of known.plainCodes.findAll(plain.get(code) ?? code)) {
      const space = await tx.codeSpaces.get(tx, tx.accountId, formatId)
      const reading = space.readTyped(code)
      const index = reading === undefined || reading.mixedUp ? undefined : space.indexOf(reading.code)
      if (reading === undefined || index === undefined) continue
      const own = found.get(formatId) ?? []
      found.set(formatId, own)
      own.push({ code, index, twin: reading.code })
    }
  }
  return found
}

/** Which of the indices of a format are taken. */
export async function readTaken(
  books: Queryable,
  accountId: string,
  formatId: string,
  indices: readonly bigint[],
): Promise<Set<bigint>> {
  const rows = await books.rows<{ index: string }>({
    // Not prepared: a plan made while the table is empty would be kept while it grows to millions of rows.
    text: `
      SELECT taken.index FROM unnest($3::numeric[]) AS wanted (index)
      CROSS JOIN LATERAL (
        SELECT index FROM taken WHERE account_id = $1 AND format_id = $2 AND index = wanted.index LIMIT 1
      ) AS taken`,
    values: [accountId, formatId, indices],
  })
  return new Set(rows.map(({ index }) => BigInt(index)))
}

/** Marks indices at or after `next`, none of which is taken, of a format that this transaction has locked. */
export async function take(tx: BookTransaction, formatId: string, indices: readonly bigint[]): Promise<void> {
  if (indices.length === 0) return
  await Promise.all([
    insertTaken(tx, formatId, indices),
    tx.execute({
      name: 'count-taken',
      text: 'UPDATE format SET taken_ahead = taken_ahead + $3 WHERE account_id = $1 AND id = $2',
      values: [tx.accountId, formatId, indices.length],
    }),
  ])
}

/** Inserts indices that `takenAhead` already counts. Some may be in `taken` already. */
export async function insertTaken(
  tx: BookTransaction,
  formatId: string,
  indices: readonly bigint[],
): Promise<void> {
  if (indices.length === 0) return
  await tx.execute({
    text: `
      INSERT INTO taken (account_id, format_id, index) SELECT $1, $2, index FROM unnest($3::numeric[]) AS mine (index)
      ON CONFLICT DO NOTHING`,
    values: [tx.accountId, formatId, indices.toSorted(ascending)],
  })
}

/**
 * Frees taken indices of a format that this transaction has locked, so that it can generate their codes. Those below `next`
 * were passed over and stay taken.
 */
export async function giveBack(
  tx: BookTransaction,
  formatId: string,
  indices: readonly bigint[],
): Promise<void> {
  await tx.execute({
    // By ctid, which cannot change while the format is locked: so each row is found by the index, whatever the planner
    // believes about the size of the table. All have been counted, although some may not be in the table yet (see
    // backfill.ts).
    text: `
      WITH given AS (
        DELETE FROM taken WHERE account_id = $1 AND ctid = ANY (ARRAY(
          SELECT hole.ctid FROM unnest($3::numeric[]) AS mine (index)
          CROSS JOIN LATERAL (
            SELECT ctid FROM taken WHERE account_id = $1 AND format_id = $2 AND index = mine.index
              AND index >= (SELECT next FROM format WHERE account_id = $1 AND id = $2) LIMIT 1
          ) AS hole
        ))
      )
      UPDATE format
      SET taken_ahead = taken_ahead - (SELECT count(*) FROM unnest($3::numeric[]) AS mine (index) WHERE index >= next)
      WHERE account_id = $1 AND id = $2`,
    values: [tx.accountId, formatId, indices],
  })
}

/** The number of indices at or after `next` that a dry run would have taken so far. */
export async function countDryRun(
  tx: BookTransaction,
  taskId: string,
  { space, next }: { space: CodeSpace; next: bigint },
): Promise<bigint> {
  let count = 0
  const own = readOwnCodes(tx, space.pattern, {
    text: 'SELECT code FROM dry_run_code WHERE account_id = $1 AND length(code) = $2 AND task_id = $3',
    values: [tx.accountId, space.pattern.length, taskId],
  })
  for await (const codes of own) {
    const indices = space.indicesOf(codes) as bigint[]
    const ahead = codes.filter((_code, at) => (indices[at] as bigint) >= next)
    count += ahead.length - (await readUploaded(tx, tx.accountId, ahead)).size
  }
  return BigInt(count)
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
