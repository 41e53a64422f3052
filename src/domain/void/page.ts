import { min } from '../../bigint.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { countOf, type LineRange } from '../pool/ranges.ts'
import { lockUsages } from '../usage/lock.ts'

/**
 * How much one transaction does: at most so many ranges, and so many of the redeemed codes and voids in them. Redemptions in the
 * same pools wait meanwhile.
 */
export const maxVoidPageSize = 10_000

/** A range of a pool whose usage is locked, with the version that a change will have. */
export type LockedRange = LineRange & { version: bigint }

/** The part of an act that is one transaction. */
export interface Page {
  ranges: readonly LockedRange[]
  /** How many redeemed codes and voids to look for in each range: at least one. */
  each: number
}

/** What a page has done. */
export interface PageOutcome {
  /** How many codes it has changed, by pool; only pools in which it has changed any. */
  changed: ReadonlyMap<string, bigint>
  /** How many redeemed codes it has come across. */
  redeemed: bigint
  /** What remains of its ranges, in their order: those in which there is more than the page has looked for. */
  rest: readonly LineRange[]
}

/**
 * Acts on ranges page by page, each a transaction that begins by locking the usage of its pools. Resolves to all that was done.
 * Whatever the number of codes, one page is enough unless there are many ranges, or many redeemed codes or voids in them.
 */
export async function inPages(
  books: Books,
  accountId: string,
  ranges: readonly LineRange[],
  pageSize: number,
  act: (tx: BookTransaction, page: Page) => Promise<PageOutcome>,
): Promise<Omit<PageOutcome, 'rest'>> {
  const changed = new Map<string, bigint>()
  let redeemed = 0n
  let rest: readonly LineRange[] = []
  let passed = 0
  while (rest.length > 0 || passed < ranges.length) {
    const more = ranges.slice(passed, passed + pageSize - rest.length)
    const part = [...rest, ...more]
    const done = await books.write(accountId, async (tx) =>
      act(tx, { ranges: await lock(tx, part), each: shareOf(part, pageSize) }),
    )
    for (const [poolId, count] of done.changed) add(changed, poolId, count)
    redeemed += done.redeemed
    rest = done.rest
    passed += more.length
  }
  return { changed, redeemed }
}

async function lock(tx: BookTransaction, ranges: readonly LineRange[]): Promise<LockedRange[]> {
  const versions = await lockUsages(tx, [...new Set(ranges.map(({ poolId }) => poolId))])
  return ranges.map((range) => {
    const version = versions.get(range.poolId)
    if (version === undefined) throw new Error(`The pool ${range.poolId} has no usage.`)
    return { ...range, version: version + 1n }
  })
}

/** How much to look for in each range, so that it is no more than `pageSize` in all. No range has more in it than codes. */
function shareOf(ranges: readonly LineRange[], pageSize: number): number {
  const total = (each: number) =>
    ranges.reduce((sum, range) => sum + Number(min(countOf([range]), BigInt(each))), 0)
  let each = Math.max(1, Math.floor(pageSize / ranges.length))
  while (each < pageSize && total(2 * each) <= pageSize) each *= 2
  return each
}

/** Adds to the count of a pool. */
export function add(counts: Map<string, bigint>, poolId: string, count: bigint): void {
  counts.set(poolId, (counts.get(poolId) ?? 0n) + count)
}
