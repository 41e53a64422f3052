import { expect, test } from 'vitest'
import { inBlocks } from '../../src/async/blocks.ts'

async function* chunksOf(sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let next = 0
  for (const size of sizes) yield Uint8Array.from({ length: size }, () => next++)
}

test.each([
  { sizes: [], lengths: [0] },
  { sizes: [1, 1, 1], lengths: [3] },
  { sizes: [3, 1], lengths: [4, 0] },
  { sizes: [9, 0, 2], lengths: [4, 4, 3] },
])(
  'chunks of $sizes bytes come in blocks of $lengths, of which only the last is short',
  async ({ sizes, lengths }) => {
    const blocks: { bytes: number[]; last: boolean }[] = []
    for await (const { bytes, last } of inBlocks(chunksOf(sizes), 4)) blocks.push({ bytes: [...bytes], last })
    const total = sizes.reduce((sum, size) => sum + size, 0)
    expect(blocks.flatMap(({ bytes }) => bytes)).toEqual(Array.from({ length: total }, (_, i) => i))
    expect(blocks.map(({ bytes }) => bytes.length)).toEqual(lengths)
    expect(blocks.map(({ last }) => last)).toEqual(lengths.map((_, i) => i === lengths.length - 1))
  },
)

test('chunks are returned when nobody asks for more', async () => {
  const chunks = chunksOf([8, 8])
  for await (const _block of inBlocks(chunks, 4)) break
  expect(await chunks.next()).toEqual({ done: true, value: undefined })
})
