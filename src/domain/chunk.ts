import type { FileLayout } from '../codefile/read.ts'

/** What has been read of a file at once. */
export interface Chunk {
  /** Rows with a code, in the order of the file; numbers are of rows of the file, from 1 on. */
  rows: readonly { number: number; code: string }[]
  /** Rows that have no code in them that could be added, and why. */
  refused: readonly RejectedRow[]
  /** How far the file has been read with this chunk: rows, and bytes as they came. */
  rowsRead: bigint
  bytesRead: bigint
  /** How the file is laid out, once that is known. */
  layout?: FileLayout | undefined
}

/** A row of a file that is not added: what stood there, and why, for people. */
export interface RejectedRow {
  number: number
  text: string
  reason: string
}

/** A format under whose rules codes of a chunk are decided about. */
export interface ChunkFormat {
  id: string
  name: string
  next: bigint
  /** How many indices are neither given, nor taken, nor promised. */
  room: bigint
  /** Those of the chunk's codes that are of the format. */
  indices: ReadonlyMap<string, bigint>
  /** Those of their indices that are taken. */
  taken: ReadonlySet<bigint>
}

/** Where a code that is uploaded already comes from: further up in the same file, or another one. */
export type KnownFrom = 'FILE' | 'ACCOUNT'

export interface ChunkDecision {
  /** The codes that are added, in the order of the file, each with its place in this order. */
  accepted: Map<string, number>
  rejected: RejectedRow[]
  duplicatesInFile: number
  duplicatesInAccount: number
  refused: number
  /** By the format, what the accepted codes take out of it. */
  takes: Map<ChunkFormat, bigint[]>
}

/**
 * Decides about the rows of a chunk one after the other, so that it makes no difference where a file is cut into
 * chunks. `uploaded` has the codes that are uploaded already, as far as they were looked for: any others of them make the
 * constraint of the table fail.
 */
export function decideChunk(
  chunk: Chunk,
  uploaded: ReadonlyMap<string, KnownFrom>,
  formats: readonly ChunkFormat[],
): ChunkDecision {
  const accepted = new Map<string, number>()
  const numbers: number[] = []
  const rejected: RejectedRow[] = [...chunk.refused]
  const takes = new Map<ChunkFormat, bigint[]>(formats.map((format) => [format, []]))
  const owners = new Map<string, ChunkFormat>()
  for (const format of formats) for (const code of format.indices.keys()) owners.set(code, format)
  let [duplicatesInFile, duplicatesInAccount, refused] = [0, 0, chunk.refused.length]
  for (const { number, code } of chunk.rows) {
    const reject = (reason: string) => rejected.push({ number, text: code, reason })
    const twin = accepted.get(code)
    const known = uploaded.get(code)
    if (twin !== undefined || known === 'FILE') {
      duplicatesInFile += 1
      reject(
        twin === undefined
          ? 'The code stands further up in this file already.'
          : `The code stands in row ${numbers[twin]} of this file already.`,
      )
      continue
    }
    if (known === 'ACCOUNT') {
      duplicatesInAccount += 1
      reject('The code is in your account already: it was uploaded before.')
      continue
    }
    const format = owners.get(code)
    const index = format?.indices.get(code)
    // What is taken already belonged to a code that was uploaded, and the format passes it over in any case.
    if (format !== undefined && index !== undefined && !format.taken.has(index)) {
      if (index < format.next) {
        duplicatesInAccount += 1
        reject(`The code is in your account already: the format "${format.name}" has generated it.`)
        continue
      }
      const taking = takes.get(format) as bigint[]
      if (BigInt(taking.length) >= format.room) {
        refused += 1
        reject(
          `The format "${format.name}" could generate the code, and all that it has left are promised to tasks ` +
            'that have not finished. Upload it again when they have.',
        )
        continue
      }
      taking.push(index)
    }
    numbers[accepted.size] = number
    accepted.set(code, accepted.size)
  }
  return { accepted, rejected, duplicatesInFile, duplicatesInAccount, refused, takes }
}
