import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createGzip } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readCodeFile } from '../../src/codefile/read.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Bytes in use, without garbage. */
function used(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const megabyte = 2 ** 20

async function* repeated(chunk: Buffer, times: number, before = '', after = ''): AsyncGenerator<Buffer> {
  yield Buffer.from(before)
  for (let time = 0; time < times; time++) yield chunk
  yield Buffer.from(after)
}

/**
 * Reads the file, keeps nothing, and measures the memory in use some five times meanwhile: what grew with the file would
 * show in the last one. Each time takes long, as the tests of other files have left much behind in this process.
 */
async function weigh(source: AsyncIterable<Uint8Array>, length: number) {
  const before = used()
  let most = 0
  let weighed = 0
  let rows = 0
  const rejected: string[] = []
  let last: string | undefined
  for await (const read of readCodeFile(source, { maxBytes: 2 ** 40 })) {
    rows += read.rows.length
    last = read.rows.at(-1)?.code ?? last
    if (rejected.length < 10) rejected.push(...read.rejected.map(({ reason }) => reason))
    if (read.bytesRead - weighed > length / 5) {
      weighed = read.bytesRead
      most = Math.max(most, used() - before)
    }
  }
  expect(weighed).toBeGreaterThan(0)
  return { rows, rejected, last, most }
}

describe('memory stays flat', () => {
  it('with a line of 1 GB', async () => {
    const chunk = Buffer.alloc(megabyte, 'x')
    const { rows, rejected, last, most } = await weigh(repeated(chunk, 1_024, 'A1\n', '\nB2\n'), 2 ** 30)
    expect({ rows, last }).toEqual({ rows: 2, last: 'B2' })
    expect(rejected).toEqual([expect.stringContaining('The row is longer than')])
    expect(most).toBeLessThan(8 * megabyte)
  })

  it('with millions of rows', async () => {
    // So many that even one pointer kept for each of them would exceed the limit.
    const rowsOfChunk = 100_000
    const chunk = Buffer.from(Array.from({ length: rowsOfChunk }, (_, row) => `CODE-${row}\n`).join(''))
    const { rows, most } = await weigh(repeated(chunk, 25), 25 * chunk.length)
    expect(rows).toBe(2_500_000)
    expect(most).toBeLessThan(8 * megabyte)
  })

  it('with a small packed file that unpacks to a large one', async () => {
    const gzip = createGzip({ level: 1 })
    const chunk = Buffer.alloc(megabyte, 'x')
    const times = 128
    const packed: Buffer[] = []
    gzip.on('data', (bytes: Buffer) => packed.push(bytes))
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    gzip.on('end', resolve)
    gzip.write('A1\n')
    for (let time = 0; time < times; time++) gzip.write(chunk)
    gzip.end('\nB2\n')
    await ended
    const file = Buffer.concat(packed)
    expect(file.length).toBeLessThan(times * 8_192)
    const { rows, most } = await weigh(repeated(file, 1), file.length)
    expect(rows).toBe(2)
    expect(most).toBeLessThan(16 * megabyte)
  })

  it('with a quote that is never closed', async () => {
    const chunk = Buffer.from(Array.from({ length: 100_000 }, (_, row) => `CODE-${row}\n`).join(''))
    const { rows, rejected, most } = await weigh(repeated(chunk, 10, '"A1\n'), 10 * chunk.length)
    expect(rows).toBe(1_000_000)
    expect(rejected.length).toBe(1)
    expect(most).toBeLessThan(8 * megabyte)
  })
})
