import { expect, test } from 'vitest'
import { readClaimPages } from '../../../src/domain/pool/claim-rows.ts'
import { newPool, useBooks } from '../../support/books.ts'

const place = useBooks()

/** A pool with claims that begin and end at these positions, as damaged books may have them. */
async function poolWith(...claims: [first: number, end: number][]): Promise<string> {
  const poolId = await newPool(place)
  await place.books.rows({
    text: `
      INSERT INTO claim (account_id, pool_id, first, count, recipient, at, expires_at, nonce)
      SELECT $1, $2, first, "end" - first, CASE WHEN first > 0 THEN 'of ' || first END,
        '2026-01-02T03:04:05.678Z', CASE WHEN first > 2 THEN timestamptz '2027-12-31T23:59:59.999Z' END, 0
      FROM unnest($3::numeric[], $4::numeric[]) AS claim (first, "end")`,
    values: [place.accountId, poolId, claims.map(([first]) => first), claims.map(([, end]) => end)],
  })
  return poolId
}

function read(poolId: string, from: number, to: number, limit: number) {
  const range = { from: BigInt(from), to: BigInt(to), limit }
  return Array.fromAsync(readClaimPages(place.books, place.accountId, poolId, range))
}

test.each([2, 3, 4, 5, 100])(
  'the claims of some positions are read in pages of at most %i',
  async (limit) => {
    const poolId = await poolWith([0, 1], [1, 2], [2, 7], [7, 8], [8, 9], [9, 30], [30, 31])
    const pages = await read(poolId, 4, 20, limit)
    for (const page of pages) expect(page.length).toBeLessThanOrEqual(limit)
    const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
    const expiresAt = Date.UTC(2027, 11, 31, 23, 59, 59, 999)
    expect(pages.flat()).toEqual([
      { first: 2n, count: 5n, recipient: 'of 2', at, expiresAt: undefined },
      { first: 7n, count: 1n, recipient: 'of 7', at, expiresAt },
      { first: 8n, count: 1n, recipient: 'of 8', at, expiresAt },
      { first: 9n, count: 21n, recipient: 'of 9', at, expiresAt },
    ])
    expect((await read(poolId, 0, 1, limit)).flat()).toEqual([
      { first: 0n, count: 1n, recipient: undefined, at, expiresAt: undefined },
    ])
  },
)

// With pages of two and three, the fault is within a page, or between two.
test.each([2, 3, 100])(
  'claims that do not tile a line are noticed, in pages of at most %i',
  async (limit) => {
    for (const claims of [
      // A gap.
      [[0, 1], [1, 2], [3, 4], [4, 5]], // biome-ignore format: a line each
      [[0, 1], [1, 2], [2, 3], [4, 5]], // biome-ignore format: a line each
      // An overlap.
      [[0, 1], [1, 4], [2, 3], [3, 4], [4, 5]], // biome-ignore format: a line each
      [[0, 3], [1, 2], [2, 3], [3, 4], [4, 5]], // biome-ignore format: a line each
      // No beginning, and no end.
      [[1, 2], [2, 5]], // biome-ignore format: a line each
      [[0, 1], [1, 2], [2, 4]], // biome-ignore format: a line each
    ] as [number, number][][])
      await expect(read(await poolWith(...claims), 0, 5, limit)).rejects.toThrow(/claim/i)
  },
)
