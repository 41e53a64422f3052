import type { FileBeginning } from '../../codefile/first-rows.ts'
import type { FileLayout } from '../../codefile/read.ts'
import type { CodeRow, RejectedRow } from '../../codefile/row-batch.ts'

/** Rows of a file that are added in one transaction. */
export interface Chunk {
  /** Rows with a code, in the order of the file. */
  rows: readonly CodeRow[]
  /** Rows without a code that could be added. */
  rejected: readonly RejectedRow[]
  /** How much of the file has been read, including this chunk. Bytes are those of the file as sent, which may be packed. */
  rowsRead: bigint
  bytesRead: bigint
  layout?: FileLayout | undefined
  beginning?: FileBeginning | undefined
}

/** A format that has some of a chunk's codes. */
export interface ChunkFormat {
  id: string
  name: string
  next: bigint
  /** How many indices are neither generated, nor taken, nor reserved. */
  available: bigint
  /** The chunk's codes of this format, with their indices. */
  indices: ReadonlyMap<string, bigint>
  /** Which of these indices are taken. */
  taken: ReadonlySet<bigint>
}

/** An uploaded code that equals a code of the chunk, or is alike. */
export interface KnownCode {
  /** Whether it is from the same file, further up. */
  from: 'FILE' | 'ACCOUNT'
  code: string
}

/** A generated code that is like a code of the chunk. */
export interface GeneratedTwin {
  code: string
  formatName: string
}

/** Codes that the account has already, by the codes of the chunk that equal them or are alike. */
export interface KnownCodes {
  /** Lacks codes that were not looked up: if one of those exists, the unique index rejects it. */
  uploaded: ReadonlyMap<string, KnownCode>
  twins: ReadonlyMap<string, GeneratedTwin>
}

export interface ChunkDecision {
  /** The codes to add, in the order of the file, each with its index in this order. */
  accepted: Map<string, number>
  /** Duplicates and refused rows, together. */
  rejected: RejectedRow[]
  duplicatesInFile: number
  duplicatesInAccount: number
  /** How many of `rejected` are not duplicates. */
  refused: number
  /** The indices that the accepted codes take from each format. */
  takes: Map<ChunkFormat, bigint[]>
}

/**
 * Decides about the rows of a chunk one by one, so that the outcome does not depend on how a file is cut into chunks.
 * Codes with the same identity are alike.
 */
export function decideChunk(
  chunk: Chunk,
  identityOf: (code: string) => string,
  { uploaded, twins }: KnownCodes,
  formats: readonly ChunkFormat[],
): ChunkDecision {
  const accepted = new Map<string, number>()
  const rows: CodeRow[] = []
  /** Indices in `rows` by the codes' identities, where these differ from the codes. */
  const byIdentity = new Map<string, number>()
  const rejected: RejectedRow[] = [...chunk.rejected]
  const takes = new Map<ChunkFormat, bigint[]>(formats.map((format) => [format, []]))
  const owners = new Map<string, ChunkFormat>()
  for (const format of formats) for (const code of format.indices.keys()) owners.set(code, format)
  let [duplicatesInFile, duplicatesInAccount, refused] = [0, 0, chunk.rejected.length]
  for (const row of chunk.rows) {
    const { number, code } = row
    const reject = (reason: string) => rejected.push({ number, text: code, reason })
    const identity = identityOf(code)
    const earlier = accepted.get(code) ?? byIdentity.get(identity) ?? accepted.get(identity)
    const above = earlier === undefined ? undefined : rows[earlier]
    const known = uploaded.get(code)
    if (above !== undefined || known?.from === 'FILE') {
      duplicatesInFile += 1
      const where = above === undefined ? 'further up in this file' : `in row ${above.number} of this file`
      reject(duplicate(code, above?.code ?? known?.code ?? code, `is already ${where}`))
      continue
    }
    if (known !== undefined) {
      duplicatesInAccount += 1
      reject(duplicate(code, known.code, `${inAccount}: it was uploaded before`))
      continue
    }
    const twin = twins.get(code)
    if (twin !== undefined) {
      duplicatesInAccount += 1
      reject(duplicate(code, twin.code, `${inAccount}: the format "${twin.formatName}" has generated it`))
      continue
    }
    const format = owners.get(code)
    const index = format?.indices.get(code)
    // A taken index belonged to an uploaded code, and the format skips it in any case.
    if (format !== undefined && index !== undefined && !format.taken.has(index)) {
      if (index < format.next) {
        duplicatesInAccount += 1
        reject(duplicate(code, code, `${inAccount}: the format "${format.name}" has generated it`))
        continue
      }
      const taking = takes.get(format) as bigint[]
      if (BigInt(taking.length) >= format.available) {
        refused += 1
        reject(
          `The format "${format.name}" can generate the code, and all codes that it has left are reserved for tasks that ` +
            'have not finished. Upload the code again when they have.',
        )
        continue
      }
      taking.push(index)
    }
    rows.push(row)
    if (identity !== code) byIdentity.set(identity, accepted.size)
    accepted.set(code, accepted.size)
  }
  return { accepted, rejected, duplicatesInFile, duplicatesInAccount, refused, takes }
}

const inAccount = 'is already in your account'

/** `twin`: the existing code, equal or alike. */
function duplicate(code: string, twin: string, where: string): string {
  return twin === code
    ? `The code ${where}.`
    : `The code differs only in case, spaces or dashes from ${JSON.stringify(twin)}, which ${where}. If they are ` +
        'different codes for you, upload it with caseSensitive=true.'
}
