import type { CodeSpace } from '../../codespace/codespace.ts'
import type { Pattern } from '../../codespace/pattern.ts'
import { typedKey } from '../../codespace/typed-form.ts'
import type { Queryable } from '../../database/transaction.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { type FormatUse, lockFormat } from './format.ts'
import { insertTaken, keysOf, readCodesOf, readUploaded } from './taken-indices.ts'

/**
 * A format that is created leaves out the codes of the account that were uploaded before. They are counted at once, so
 * that `takenAhead` is right from the beginning; with many of them it takes a while until all of them are in `taken`.
 * Until then `takenTo` is the last of them, in the order of their keys, that has been looked at, and
 *
 * - every code behind it that is of the format and at or after `next` counts in `takenAhead`, in `taken` or not;
 * - below `next`, whatever is uploaded is in `taken`: a refill sees to that for what it lays, and tasks wait.
 *
 * All changes of uploaded codes that are of a format are made under its lock, and so is this.
 */

/** How many uploaded codes are of a pattern. No format appears and no upload goes on meanwhile: the catalog is locked. */
export async function countEarlier(tx: BookTransaction, pattern: Pattern): Promise<number> {
  let count = 0
  for await (const codes of readCodesOf(tx, tx.accountId, pattern)) count += codes.length
  return count
}

/** A format that uploaded codes are still being taken out of. */
export interface UnreadyFormat {
  accountId: string
  formatId: string
}

// They are read in the order of their index: without statistics the planner would rather look at all formats there are.
const maxCandidates = 100

/** One of them, if there is any: any of the first ones, so that none waits for another to be done. */
export async function readUnreadyFormat(books: Queryable): Promise<UnreadyFormat | undefined> {
  const [row] = await books.rows<{ account_id: string; id: string }>({
    name: 'read-unready-format',
    text: `
      SELECT account_id, id FROM (
        SELECT account_id, id FROM format WHERE taken_to IS NOT NULL ORDER BY account_id, id LIMIT ${maxCandidates}
      ) AS unready
      ORDER BY random() LIMIT 1`,
  })
  return row === undefined ? undefined : { accountId: row.account_id, formatId: row.id }
}

/**
 * Looks at the next `limit` uploaded codes for those to take out of a format. When these were the last, the tasks that
 * waited for it can be carried on. Resolves to false when there was nothing to do, or somebody else is at it.
 */
export async function backfillFormat(
  books: Books,
  { accountId, formatId }: UnreadyFormat,
  limit: number,
): Promise<boolean> {
  const outcome = await books.write(accountId, async (tx) => {
    if (!(await tx.tryLock(formatId))) return { progress: false, isReady: false }
    const { takenTo } = await lockFormat(tx, formatId)
    if (takenTo === undefined) return { progress: false, isReady: true }
    const space = await tx.codeSpaces.get(tx, accountId, formatId)
    return { progress: true, isReady: await takePiece(tx, { id: formatId, space, takenTo }, limit) }
  })
  if (outcome.progress && outcome.isReady) books.notifications.announce({ topic: 'tasks', key: '' })
  return outcome.progress
}

/** As `backfillFormat`, in a transaction that has locked the format or created it. Resolves to whether these were the last. */
export async function takePiece(
  tx: BookTransaction,
  { id, space, takenTo }: { id: string; space: CodeSpace; takenTo: string },
  limit: number,
): Promise<boolean> {
  const { from, to } = keysOf(space.pattern)
  // In the order of the index: while the planner knows too little of the table, it would rather read all that is left, and
  // sort it, for each piece.
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

/** How many codes a refill from a format that is not ready makes sure of beyond those that are needed at once. */
export const atOnceWhileUnready = 10_000n

/**
 * Takes the uploaded codes out of the next indices of a format that is not ready, as far as `count` free ones reach, in
 * the transaction that has locked it. There are as many.
 */
export async function takeNext(tx: BookTransaction, format: FormatUse, count: bigint): Promise<void> {
  const space = await tx.codeSpaces.get(tx, tx.accountId, format.id)
  let index = format.next
  for (let missing = count; missing > 0n; ) {
    const codes = space.codesAt(index, Number(missing < atOnceWhileUnready ? missing : atOnceWhileUnready))
    const uploaded = await readUploaded(tx, tx.accountId, codes)
    const holes = codes.flatMap((code, at) => (uploaded.has(code) ? [index + BigInt(at)] : []))
    await insertTaken(tx, format.id, holes)
    index += BigInt(codes.length)
    missing -= BigInt(codes.length - holes.length)
  }
}
