import { expect, test } from 'vitest'
import type { FileRows } from '../../../src/codefile/read.ts'
import { maxChunkRows } from '../../../src/domain/upload/add-chunk.ts'
import { chunksOf } from '../../../src/worker/uploads/chunks.ts'

/** A file in batches of `batch` rows, each of them rejected if its number is odd. */
async function* file(rows: number, batch: number, bytesPerBatch: number): AsyncGenerator<FileRows> {
  for (let from = 0; from < rows; from += batch) {
    const numbers = Array.from({ length: Math.min(batch, rows - from) }, (_, at) => from + at + 1)
    yield {
      rows: numbers.filter((number) => number % 2 === 0).map((number) => ({ number, code: `C${number}` })),
      rejected: numbers
        .filter((number) => number % 2 === 1)
        .map((number) => ({ number, text: `R${number}`, reason: 'It is odd.' })),
      bytesRead: (from / batch + 1) * bytesPerBatch,
      layout: undefined,
      beginning: undefined,
    }
  }
}

async function sizesOf(rows: number, batch: number, bytesPerBatch: number, from = 0n) {
  const chunks = await Array.fromAsync(chunksOf(file(rows, batch, bytesPerBatch), from))
  for (const [at, { rowsRead, rows, rejected }] of chunks.entries())
    expect(rowsRead).toBe((chunks[at - 1]?.rowsRead ?? from) + BigInt(rows.length + rejected.length))
  return chunks.map(({ rows, rejected, bytesRead }) => [rows.length + rejected.length, Number(bytesRead)])
}

test('a chunk has the rows of whole batches, up to the maximum, and where the file was read to', async () => {
  const half = maxChunkRows / 2
  expect(await sizesOf(5 * half, half, 1_000)).toEqual([
    [maxChunkRows, 2_000],
    [maxChunkRows, 4_000],
    [half, 5_000],
  ])
  expect(await sizesOf(10, 10, 1_000, 700n)).toEqual([[10, 1_000]])
})

test('a chunk has fewer rows where these have many bytes', async () => {
  expect(await sizesOf(4, 1, 5_000_000)).toEqual([
    [2, 10_000_000],
    [2, 20_000_000],
  ])
})

test('a file without rows has no chunk', async () => {
  expect(await sizesOf(0, 1, 0)).toEqual([])
})
