import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { FileRows } from '../../../src/codefile/read.ts'
import { maxChunkRows } from '../../../src/domain/upload/add-chunk.ts'
import { chunksOf, readAhead } from '../../../src/worker/uploads/chunks.ts'

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

/** Yields the numbers from 1 to `count`, and then fails if there is an error. Notes what is requested and returned. */
function numbers(count: number, error?: Error) {
  const log: string[] = []
  async function* generate() {
    try {
      for (let number = 1; number <= count; number++) {
        log.push(`${number} requested`)
        yield number
      }
      log.push('end requested')
      if (error !== undefined) throw error
    } finally {
      log.push('returned')
    }
  }
  return { log, values: generate() }
}

describe('reading ahead', () => {
  test('gives the same values, each requested while the one before it is used', async () => {
    const { log, values } = numbers(3)
    for await (const number of readAhead(values)) {
      await setImmediate()
      log.push(`${number} used`)
    }
    expect(log).toEqual([
      '1 requested',
      '2 requested',
      '1 used',
      '3 requested',
      '2 used',
      'end requested',
      'returned',
      '3 used',
    ])
  })

  test('fails after the last value, and not before', async () => {
    const { values } = numbers(1, new Error('Gone.'))
    const ahead = readAhead(values)
    expect((await ahead.next()).value).toBe(1)
    // The source has failed by now, and nobody has asked for more.
    await setImmediate()
    await expect(ahead.next()).rejects.toThrow('Gone.')
  })

  test('returns the source when the reader stops', async () => {
    const { log, values } = numbers(3)
    for await (const _number of readAhead(values)) break
    expect(log.at(-1)).toBe('returned')
  })
})
