import { min } from '../../bigint.ts'
import type { CodeSpace } from '../../codespace/codespace.ts'
import type { Pattern } from '../../codespace/pattern.ts'
import { typedKey } from '../../codespace/typed-form.ts'
import type { Queryable } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { type Format, lockFormat } from './format.ts'
import { insertTaken } from './taken-indices.ts'
import { keysOf, readCodesOf, readUploaded } from './uploaded-codes.ts'

/*
 * A new format never generates codes of the account that were uploaded before. They are counted when it is created, so
 * `takenAhead` is exact from the beginning. If there are many, it takes a while until all of them are in `taken`. Until
 * then the format is not ready: `takenTo` is the last one that was processed, in the order of their keys, and
 *
 * - each uploaded code after it that is of the format, at or after `next`, counts in `takenAhead`, whether it is in
 *   `taken` or not;
 * - below `next`, all uploaded codes are in `taken`: a refill ensures that with `takeNext`, and generations wait.
 *
 * The format is locked for this, as for all changes of uploaded codes that are of a format.
 */

/** The number of uploaded codes that are of a pattern. The transaction has locked the catalog, so it stays exact. */
export async function countEarlier(tx: BookTransaction, pattern: Pattern): Promise<number> {
  let count = 0
  for await (const codes of readCodesOf(tx, tx.accountId, pattern)) count += codes.length
  return count
}

export interface UnreadyFormat {
  accountId: string
  formatId: string
}

// In the order of their index: without statistics, the planner would scan all formats.
const maxCandidates = 100

/** A format of the account that is not ready, if there is one: a random one, so that none waits until another is done. */
export async function readUnreadyFormat(
  books: Queryable,
  accountId: string,
): Promise<UnreadyFormat | undefined> {
  const [unready] = await books.rows<UnreadyFormat>({
    name: 'read-unready-format',
    text: `
      SELECT account_id AS "accountId", id AS "formatId" FROM (
        SELECT account_id, id FROM format WHERE account_id = $1 AND taken_to IS NOT NULL
        ORDER BY account_id, id LIMIT ${maxCandidates}
      ) AS unready
      ORDER BY random() LIMIT 1`,
    values: [accountId],
  })
  return unready
}

/**
 * Looks at the next `limit` uploaded codes, and marks the indices of those that are of the format as taken. After the last
 * ones, tasks that wait for the format can run. Resolves to false if there is nothing to do, or another process does it.
 */
export async function backfillFormat(
  books: Books,
  { accountId, formatId }: UnreadyFormat,
  limit: number,
): Promise<boolean> {
  return await books.write(accountId, async (tx) => {
    if (!(await tx.tryLock(formatId))) return false
    const { takenTo } = await lockFormat(tx, formatId)
    if (takenTo === undefined) return false
    const space = await tx.codeSpaces.get(tx, accountId, formatId)
    if (await backfillNext(tx, { id: formatId, space, takenTo }, limit)) tx.queue('GENERATIONS')
    return true
  })
}

/** Like `backfillFormat`, in a transaction that has locked or created the format. Resolves to whether these were the last. */
export async function backfillNext(
  tx: BookTransaction,
  { id, space, takenTo }: { id: string; space: CodeSpace; takenTo: string },
  limit: number,
): Promise<boolean> {
  const { from, to } = keysOf(space.pattern)
  // Read in the order of the index: without statistics, the planner would read and sort all that is left for each step.
  await tx.execute({ text: 'SET LOCAL enable_sort = off' })
  const rows = await tx.rows<{ code: string }>({
    text: `
      SELECT code FROM uploaded_code
      WHERE account_id = $1 AND typed >= $2 AND (typed, code) > ($2, $3) AND typed < $4
      ORDER BY account_id, typed, code LIMIT $5`,
    values: [tx.accountId, takenTo === '' ? from : typedKey(takenTo), takenTo, to, limit],
  })
  const codes = rows.map(({ code }) => code).filter((code) => space.pattern.has(code))
  await insertTaken(tx, id, space.indicesOf(codes) as bigint[])
  const last = rows.length < limit ? null : rows.at(-1)?.code
  await tx.execute({
    text: 'UPDATE format SET taken_to = $3 WHERE account_id = $1 AND id = $2',
    values: [tx.accountId, id, last],
  })
  return last === null
}

/** How many codes a refill lays beyond those that are needed immediately, while the format is not ready. */
export const atOnceWhileUnready = 10_000n

/** How many codes of a format that is not ready one file can claim: each of them is looked up while the format is locked. */
export const maxFileWhileUnready = 1_000_000n

/**
 * Marks uploaded codes as taken among the next indices of a format that is not ready, until `count` indices are free. The
 * format has that many, and the transaction has locked it.
 */
export async function takeNext(tx: BookTransaction, format: Format, count: bigint): Promise<void> {
  const space = await tx.codeSpaces.get(tx, tx.accountId, format.id)
  let index = format.next
  for (let missing = count; missing > 0n; ) {
    const codes = space.codesAt(index, Number(min(missing, atOnceWhileUnready)))
    const uploaded = await readUploaded(tx, tx.accountId, codes)
    const holes = codes.flatMap((code, at) => (uploaded.has(code) ? [index + BigInt(at)] : []))
    await insertTaken(tx, format.id, holes)
    index += BigInt(codes.length)
    missing -= BigInt(codes.length - holes.length)
  }
}
