import { type CodeFileOptions, type FileRows, readCodeFile } from '../../src/codefile/read.ts'

/** A source of bytes in pieces, which notes how much was read, and whether it was returned. */
export class Source implements AsyncIterable<Uint8Array> {
  readonly #pieces: Iterable<Uint8Array>
  given = 0
  returned = false

  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces
  }

  static of(content: string | Uint8Array, size = 65_536): Source {
    return new Source(cut(Buffer.from(content), size))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (const piece of this.#pieces) {
        this.given += piece.length
        yield piece
      }
    } finally {
      this.returned = true
    }
  }
}

export function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export type FileContent = Omit<FileRows, 'bytesRead' | 'layout' | 'beginning'>

/** Reads a whole file. */
export async function readAll(
  source: string | Uint8Array | AsyncIterable<Uint8Array>,
  options: Partial<CodeFileOptions> = {},
): Promise<FileContent> {
  const bytes = typeof source === 'string' || source instanceof Uint8Array ? Source.of(source) : source
  const reading: FileContent = { rows: [], rejected: [] }
  for await (const { rows, rejected } of readCodeFile(bytes, { maxBytes: 2 ** 40, ...options })) {
    reading.rows.push(...rows)
    reading.rejected.push(...rejected)
  }
  return reading
}

/** The codes of a file without rejected rows. */
export async function codesOf(
  source: string | Uint8Array | AsyncIterable<Uint8Array>,
  options: Partial<CodeFileOptions> = {},
): Promise<string[]> {
  const { rows, rejected } = await readAll(source, options)
  if (rejected.length > 0) throw new Error(`rejected: ${JSON.stringify(rejected)}`)
  return rows.map(({ code }) => code)
}
