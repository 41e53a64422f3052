/** Some of the bytes of a stream, which are valid until the next block is asked for. */
export interface Block {
  bytes: Buffer
  /** Whether the stream ends with it. */
  last: boolean
}

/**
 * The bytes of a stream in blocks of `size`, of which the last is shorter, or empty. They are copied into one buffer, however
 * small the chunks are in which they come: a chunk of a few bytes would take up hundreds.
 */
export async function* inBlocks(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Block, void> {
  const block = Buffer.allocUnsafe(size)
  let filled = 0
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + size - filled)
      block.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < size) continue
      yield { bytes: block, last: false }
      filled = 0
    }
  yield { bytes: block.subarray(0, filled), last: true }
}
