import { Gunzip, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { CodeFileError } from '../../src/codefile/code-file-error.ts'
import { type FileRows, readCodeFile } from '../../src/codefile/read.ts'
import { maxBatchRows } from '../../src/codefile/row-batch.ts'
import { codesOf, cut, readAll, Source } from '../support/code-file.ts'

const maxBytes = 2 ** 30

const lines = (count: number) => Array.from({ length: count }, (_, row) => `C-${row}\n`).join('')

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a file of codes', () => {
  it.each(['', '\ufeff'])('is read with %j before it', async (mark) => {
    expect(await codesOf(`${mark}code\nA1\n`)).toEqual(['A1'])
    expect(await codesOf(`${mark}A1\n`)).toEqual(['A1'])
    expect(await codesOf(`${mark}"code",x\nA1\n`, { column: 'code' })).toEqual(['A1'])
  })

  it('is read the same however its bytes are divided', async () => {
    const file = '\ufeffcode;text\r\nÄ1;"x\r\n🎁"\r\n\r\n"B ""2""";\r\nC3;é'
    const whole = await readAll(file)
    expect(whole.rows.map(({ code }) => code)).toEqual(['Ä1', 'B "2"', 'C3'])
    for (const bytes of [Buffer.from(file), gzipSync(file)])
      for (let size = 1; size <= bytes.length; size++)
        expect(await readAll(Source.of(bytes, size))).toEqual(whole)
    const withEmptyPieces = [Buffer.alloc(0), Buffer.from('A1\r'), Buffer.alloc(0), Buffer.from('\nB2')]
    expect(await codesOf(new Source(withEmptyPieces))).toEqual(['A1', 'B2'])
  })

  it('is returned in batches of limited size, with the number of bytes read', async () => {
    const bytes = Buffer.from(lines(50_000))
    const all: FileRows[] = await Array.fromAsync(readCodeFile(Source.of(bytes, 1_000_000), { maxBytes }))
    expect(Math.max(...all.map(({ rows }) => rows.length))).toBe(maxBatchRows)
    expect(all.flatMap(({ rows }) => rows).map(({ number }) => number)).toEqual(
      Array.from({ length: 50_000 }, (_, row) => row + 1),
    )
    expect(all.at(-1)?.bytesRead).toBe(bytes.length)
    const packed = gzipSync(bytes)
    const some = await Array.fromAsync(readCodeFile(Source.of(packed, 1_000), { maxBytes }))
    const progress = some.map(({ bytesRead }) => bytesRead)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(progress[1]).toBeLessThan(packed.length)
    expect(progress.at(-1)).toBe(packed.length)
  })

  it('reports progress even if there are no rows for long', async () => {
    const line = Buffer.alloc(2 ** 20, 'x')
    const all = await Array.fromAsync(
      readCodeFile(new Source([Buffer.from('A1\n'), ...Array(40).fill(line)]), { maxBytes }),
    )
    expect(all.length).toBeGreaterThan(4)
    expect(all.flatMap(({ rows }) => rows)).toEqual([{ number: 1, code: 'A1' }])
  })

  it('does not block the event loop', async () => {
    const chunk = Buffer.from(lines(100_000))
    let iterations = 0
    let done = false
    const count = () => {
      iterations += 1
      if (!done) setImmediate(count)
    }
    setImmediate(count)
    const source = new Source(Array(10).fill(chunk))
    for await (const { rows } of readCodeFile(source, { maxBytes }))
      expect(rows.length).toBeLessThanOrEqual(maxBatchRows)
    done = true
    expect(iterations).toBeGreaterThan(3)
  })
})

describe('a packed file', () => {
  it('may have several members, and zeros after them', async () => {
    const members = [gzipSync('A1\nB'), gzipSync(''), gzipSync('2\nC3\n')]
    for (const padding of [0, 1, 600]) {
      const bytes = Buffer.concat([...members, Buffer.alloc(padding)])
      for (const size of [1, 2, 3, 7, 20, 21, 22, 23, 24, 25, 1_000])
        expect(await codesOf(Source.of(bytes, size))).toEqual(['A1', 'B2', 'C3'])
    }
  })

  it.each<[string, Buffer]>([
    ['cut off', gzipSync(lines(1_000)).subarray(0, -100)],
    ['cut off in its checksum', gzipSync(lines(1_000)).subarray(0, -2)],
    ['nothing but its beginning', Buffer.from([0x1f, 0x8b])],
    ['not what it was', gzipSync(lines(1_000)).fill(0x55, 500, 520)],
    ['followed by text', Buffer.concat([gzipSync('A1\n'), Buffer.from('B2\n')])],
    ['followed by zeros and more', Buffer.concat([gzipSync('A1\n'), Buffer.alloc(20), gzipSync('B2\n')])],
  ])('is rejected as damaged: %s', async (_, bytes) => {
    for (const size of [1, 2, 3, 17, 23, 24, 25, 43, 10_000])
      await expect(readAll(Source.of(bytes, size))).rejects.toThrow(
        /^The file is packed with gzip and is damaged or incomplete \(.+\)\. Pack it again, or upload it unpacked\.$/,
      )
  })

  it('that is too large when unpacked is rejected before it has been read to its end', async () => {
    const bomb = gzipSync(Buffer.alloc(2 ** 26, 'x'))
    const source = Source.of(bomb, 4_096)
    await expect(readAll(source, { maxBytes: 10_000_000 })).rejects.toThrow(
      new CodeFileError(
        'The file has more than 10,000,000 bytes (unpacked, if it is packed), which is the limit. Split it ' +
          'into several files.',
      ),
    )
    expect(source.returned).toBe(true)
    expect(source.given).toBeLessThan(bomb.length / 2)
  })
})

describe('a file of the maximum size', () => {
  it('is read; one byte more is rejected', async () => {
    const file = lines(10_000)
    expect((await codesOf(file, { maxBytes: file.length })).length).toBe(10_000)
    await expect(readAll(file, { maxBytes: file.length - 1 })).rejects.toThrow('The file has more than')
  })
})

describe('the source of the bytes', () => {
  const failing = (bytes: Uint8Array, error: Error) => ({
    async *[Symbol.asyncIterator]() {
      yield* cut(bytes, 10)
      throw error
    },
  })

  it.each<[string, (text: string) => Uint8Array]>([
    ['plain', Buffer.from],
    ['packed', gzipSync],
  ])('passes its error on unchanged: %s', async (_, pack) => {
    const error = new Error('the connection was cut')
    await expect(readAll(failing(pack('A1\nB2\n'), error))).rejects.toBe(error)
    await expect(readAll(failing(Buffer.alloc(0), error))).rejects.toBe(error)
  })

  it.each<[string, (text: string) => Uint8Array]>([
    ['plain', Buffer.from],
    ['packed', gzipSync],
  ])('is returned when nobody reads on: %s', async (_, pack) => {
    const destroy = vi.spyOn(Gunzip.prototype, 'destroy')
    const source = Source.of(pack(lines(200_000)), 1_000)
    for await (const { rows } of readCodeFile(source, { maxBytes })) {
      expect(rows.length).toBe(maxBatchRows)
      break
    }
    expect(source.returned).toBe(true)
    expect(source.given).toBeLessThan(200_000)
    expect(destroy.mock.calls.length).toBe(pack === gzipSync ? 1 : 0)
  })

  it('is returned if the file is not a file of codes', async () => {
    const source = new Source([Buffer.from('%PDF-1.7\n'), ...Array(1_000).fill(Buffer.alloc(1_000, 'x'))])
    await expect(readAll(source)).rejects.toThrow('a PDF')
    expect(source.returned).toBe(true)
    expect(source.given).toBeLessThan(100_000)
  })
})
