import type { FileRows } from '../../codefile/read.ts'
import { maxChunkRows } from '../../domain/upload/add-chunk.ts'
import type { Chunk } from '../../domain/upload/decide-chunk.ts'

// For files with few rows in many bytes: only the end of a chunk is a checkpoint.
const maxChunkBytes = 8_000_000

/** Groups the rows of a file into chunks. `from`: how many of its rows were read before. */
export async function* chunksOf(file: AsyncIterable<FileRows>, from: bigint): AsyncGenerator<Chunk, void> {
  let [rows, rejected]: [FileRows['rows'], FileRows['rejected']] = [[], []]
  let rowsRead = from
  let bytesRead = 0
  let chunkStart = 0
  let shown: Pick<FileRows, 'layout' | 'beginning'> | undefined
  const drain = (): Chunk => {
    rowsRead += BigInt(rows.length + rejected.length)
    chunkStart = bytesRead
    const chunk = { rows, rejected, rowsRead, bytesRead: BigInt(bytesRead), ...shown }
    ;[rows, rejected] = [[], []]
    return chunk
  }
  for await (const batch of file) {
    rows.push(...batch.rows)
    rejected.push(...batch.rejected)
    bytesRead = batch.bytesRead
    shown = { layout: batch.layout, beginning: batch.beginning }
    if (rows.length + rejected.length >= maxChunkRows || bytesRead - chunkStart >= maxChunkBytes)
      yield drain()
  }
  if (rows.length + rejected.length > 0) yield drain()
}
