import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Queryable } from '../../../src/database/transaction.ts'
import { storeFile } from '../../../src/domain/upload/file.ts'

/** Stores pieces in memory. */
function openPieces(): { books: Queryable; pieces: Buffer[] } {
  const pieces: Buffer[] = []
  const books: Queryable = {
    rows: async ({ values = [] }) => {
      pieces.push(Buffer.from(values[3] as Uint8Array))
      return []
    },
  }
  return { books, pieces }
}

test.each([
  ['many small chunks', Array.from({ length: 3_000 }, () => 999)],
  ['chunks larger than a piece', [3_000_000, 1, 2_500_000]],
  ['chunks that end where a piece does', [2 ** 20, 2 ** 19, 2 ** 19]],
])('a file that arrives in %s is stored in pieces of the same size', async (_, sizes) => {
  const bytes = Buffer.from(Array.from({ length: sizes.reduce((a, b) => a + b) }, (_, i) => i % 251))
  async function* chunks() {
    let at = 0
    for (const size of sizes) {
      yield bytes.subarray(at, at + size)
      at += size
    }
  }
  const { books, pieces } = openPieces()
  const stored = await storeFile(books, { accountId: 'a', taskId: 't' }, chunks(), bytes.length)
  expect(stored).toEqual({ size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
  const full = Math.floor(bytes.length / 2 ** 20)
  const rest = bytes.length % 2 ** 20
  expect(pieces.map(({ length }) => length)).toEqual([
    ...Array.from({ length: full }, () => 2 ** 20),
    ...(rest === 0 ? [] : [rest]),
  ])
})
