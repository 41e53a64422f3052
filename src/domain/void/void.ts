import type { Books, BookTransaction } from '../books/books.ts'
import { InputCheck, maxReasonLength } from '../books/input.ts'
import { countOf } from '../pool/ranges.ts'
import { inPages, maxVoidPageSize } from './page.ts'
import { endVoids, layVoids } from './rows.ts'
import { checkSelect, findSelected, type Select } from './select.ts'

/*
 * Both acts do their work in pages, so that a redemption waits for a page and not for the act, however many codes have been
 * redeemed one by one between the others. A page is a transaction with its own event. If a later page fails, or the process
 * ends, whole pages have been done; repeating the act does the rest, and counts what was done before as already done.
 */

/** For tests: how much one transaction does. */
export interface VoidOptions {
  pageSize?: number
}

/** What became of the codes of a choice when they were voided. Counts are codes; each is counted once. */
export interface Voided {
  voided: bigint
  /** Those that are redeemed, and so stay as they are. */
  redeemed: bigint
  /** Those that were void already. They keep their time and their reason. */
  alreadyVoid: bigint
  /** Those that are available or withdrawn, and so cannot be voided. */
  notClaimed: bigint
  /** The pools in which codes were voided. */
  poolIds: string[]
}

/**
 * Voids claimed codes: they are no longer good. Doing it again changes nothing, and finishes what was interrupted. A code that
 * is redeemed before its page has its turn stays redeemed.
 *
 * Rejects with an InvalidInputError, or with a NotFoundError if something that `select` names does not exist.
 */
export async function voidCodes(
  books: Books,
  accountId: string,
  { reason, ...input }: { select: Select; reason?: string | undefined },
  { pageSize = maxVoidPageSize }: VoidOptions = {},
): Promise<Voided> {
  const check = new InputCheck()
  const select = checkSelect(check, input.select)
  if (reason !== undefined) check.visibleText(['reason'], reason, maxReasonLength, 'optional')
  check.done()
  const { ranges, notClaimed } = await findSelected(books, accountId, select)
  const { changed, redeemed } = await inPages(books, accountId, ranges, pageSize, async (tx, page) => {
    const done = await layVoids(tx, page, reason)
    await note(tx, 'CODES_VOIDED', done.changed, { select, reason })
    return done
  })
  const voided = sum(changed)
  const alreadyVoid = countOf(ranges) - voided - redeemed
  return { voided, redeemed, alreadyVoid, notClaimed, poolIds: poolsOf(changed) }
}

/** What became of the codes of a choice when they were unvoided. */
export interface Unvoided {
  unvoided: bigint
  /** Those that were not void. */
  notVoid: bigint
  /** The pools in which codes were unvoided. */
  poolIds: string[]
}

/**
 * Makes void codes good again, unless they have expired. Doing it again changes nothing, and finishes what was interrupted.
 *
 * Rejects with an InvalidInputError, or with a NotFoundError if something that `select` names does not exist.
 */
export async function unvoidCodes(
  books: Books,
  accountId: string,
  input: { select: Select },
  { pageSize = maxVoidPageSize }: VoidOptions = {},
): Promise<Unvoided> {
  const check = new InputCheck()
  const select = checkSelect(check, input.select)
  check.done()
  const { ranges, notClaimed } = await findSelected(books, accountId, select)
  const { changed } = await inPages(books, accountId, ranges, pageSize, async (tx, page) => {
    const done = await endVoids(tx, page)
    await note(tx, 'CODES_UNVOIDED', done.changed, { select })
    return done
  })
  const unvoided = sum(changed)
  return { unvoided, notVoid: countOf(ranges) + notClaimed - unvoided, poolIds: poolsOf(changed) }
}

/** Counts the codes that a page has voided or unvoided, and records it. */
async function note(
  tx: BookTransaction,
  kind: 'CODES_VOIDED' | 'CODES_UNVOIDED',
  changed: ReadonlyMap<string, bigint>,
  { select, reason = null }: { select: Select; reason?: string | null | undefined },
): Promise<void> {
  if (changed.size === 0) return
  const taskId = 'taskId' in select ? select.taskId : null
  await tx.execute({
    text: `
      UPDATE pool_usage SET voided = voided + change.count, version = version + 1
      FROM unnest($2::uuid[], $3::numeric[]) AS change (pool_id, count)
      WHERE account_id = $1 AND pool_usage.pool_id = change.pool_id`,
    values: [
      tx.accountId,
      [...changed.keys()],
      [...changed.values()].map((count) => (kind === 'CODES_VOIDED' ? count : -count)),
    ],
  })
  for (const [poolId, count] of changed)
    tx.record({ poolId, kind, payload: { count: String(count), reason, taskId } })
}

function sum(changed: ReadonlyMap<string, bigint>): bigint {
  return [...changed.values()].reduce((total, count) => total + count, 0n)
}

function poolsOf(changed: ReadonlyMap<string, bigint>): string[] {
  return [...changed.keys()].toSorted()
}
