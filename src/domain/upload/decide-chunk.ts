import type { FileLayout } from '../../codefile/read.ts'

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

/** A code that is there already, the same or one that somebody could take for it. */
export interface Known {
  /** Where it comes from: further up in the same file, or another one. */
  from: 'FILE' | 'ACCOUNT'
  code: string
}

/** A code of a format that has been generated, and that somebody could take an uploaded one for. */
export interface GeneratedTwin {
  code: string
  formatName: string
}

/** What is there already beside the formats that the codes of a chunk are of. */
export interface KnownCodes {
  /**
   * By the codes of the chunk, those that are uploaded, as far as they were looked for: any others make the constraint of
   * the table fail.
   */
  uploaded: ReadonlyMap<string, Known>
  /** By codes of the chunk that are of no format. */
  twins: ReadonlyMap<string, GeneratedTwin>
}

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
 * chunks. `identityOf` gives what two codes have in common of which one is taken for the other.
 */
export function decideChunk(
  chunk: Chunk,
  identityOf: (code: string) => string,
  { uploaded, twins }: KnownCodes,
  formats: readonly ChunkFormat[],
): ChunkDecision {
  const accepted = new Map<string, number>()
  const rows: { number: number; code: string }[] = []
  /** The places of accepted rows by the identities of their codes, where these are others than the codes. */
  const places = new Map<string, number>()
  const rejected: RejectedRow[] = [...chunk.refused]
  const takes = new Map<ChunkFormat, bigint[]>(formats.map((format) => [format, []]))
  const owners = new Map<string, ChunkFormat>()
  for (const format of formats) for (const code of format.indices.keys()) owners.set(code, format)
  let [duplicatesInFile, duplicatesInAccount, refused] = [0, 0, chunk.refused.length]
  for (const row of chunk.rows) {
    const { number, code } = row
    const reject = (reason: string) => rejected.push({ number, text: code, reason })
    const identity = identityOf(code)
    const place = accepted.get(code) ?? places.get(identity) ?? accepted.get(identity)
    const above = place === undefined ? undefined : rows[place]
    const known = uploaded.get(code)
    if (above !== undefined || known?.from === 'FILE') {
      duplicatesInFile += 1
      const where =
        above === undefined
          ? 'further up in this file already'
          : `in row ${above.number} of this file already`
      const twin = above?.code ?? known?.code ?? code
      reject(twin === code ? `The code stands ${where}.` : alike(twin, `which stands ${where}`))
      continue
    }
    if (known !== undefined) {
      duplicatesInAccount += 1
      reject(
        known.code === code
          ? 'The code is in your account already: it was uploaded before.'
          : alike(known.code, 'which is in your account already: it was uploaded before'),
      )
      continue
    }
    const twin = twins.get(code)
    if (twin !== undefined) {
      duplicatesInAccount += 1
      reject(
        alike(
          twin.code,
          `which is in your account already: the format "${twin.formatName}" has generated it`,
        ),
      )
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
    rows.push(row)
    if (identity !== code) places.set(identity, accepted.size)
    accepted.set(code, accepted.size)
  }
  return { accepted, rejected, duplicatesInFile, duplicatesInAccount, refused, takes }
}

function alike(code: string, where: string): string {
  return (
    `The code differs in case, spaces or dashes alone from ${JSON.stringify(code)}, ${where}. If they are different ` +
    'codes for you, upload it with caseSensitive=true.'
  )
}
