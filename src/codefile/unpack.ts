import { createGunzip, type Gunzip } from 'node:zlib'
import { CodeFileError } from './code-file-error.ts'

const gzipMagic = Buffer.from([0x1f, 0x8b])

// Unpacked, they may be a thousand times as many, and are all in memory.
const maxPackedBytes = 4_096

/**
 * The bytes of a file, unpacked if it begins like gzip. Does not read ahead, and returns the source when the reader
 * stops. CodeFileError if the gzip data is damaged; errors of the source pass unchanged.
 */
export async function* unpack(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let beginning = Buffer.alloc(0)
  let gzip: GzipReader | undefined
  try {
    for await (const bytes of source) {
      if (gzip !== undefined) {
        yield* gzip.read(bytes)
      } else if (beginning.length >= gzipMagic.length) {
        yield bytes
      } else {
        beginning = Buffer.concat([beginning, bytes])
        if (beginning.length < gzipMagic.length) continue
        if (beginning.indexOf(gzipMagic) === 0) {
          gzip = new GzipReader()
          yield* gzip.read(beginning)
        } else yield beginning
      }
    }
    if (gzip !== undefined) yield* gzip.end()
    else if (beginning.length < gzipMagic.length) yield beginning
  } finally {
    gzip?.close()
  }
}

class GzipReader {
  readonly #stream: Gunzip = createGunzip()
  readonly #unpacked: Uint8Array[] = []
  #given = 0
  #ended = false

  constructor() {
    this.#stream.on('data', (bytes: Uint8Array) => this.#unpacked.push(bytes))
  }

  async *read(packed: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < packed.length; at += maxPackedBytes) {
      const bytes = packed.subarray(at, at + maxPackedBytes)
      if (this.#ended) checkPadding(bytes)
      else {
        await this.#run((done) => this.#stream.write(bytes, done))
        this.#given += bytes.length
        const left = this.#given - this.#stream.bytesWritten
        // Gunzip stops at a byte that does not begin another member.
        if (left > 0) {
          checkPadding(bytes.subarray(bytes.length - left))
          this.#ended = true
        }
      }
      yield* this.#unpacked.splice(0)
    }
  }

  async *end(): AsyncGenerator<Uint8Array> {
    if (!this.#stream.readableEnded)
      await this.#run((done) => {
        this.#stream.once('end', done)
        this.#stream.end()
      })
    yield* this.#unpacked.splice(0)
  }

  close(): void {
    this.#stream.destroy()
  }

  #run(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const fail = (error: Error) => reject(damaged(error))
    this.#stream.once('error', fail)
    start((error) => {
      // The listener has to stay for the event that reports the same error.
      if (error) return
      this.#stream.off('error', fail)
      resolve()
    })
    return promise
  }
}

/** Some archivers append zeros. Anything else may be codes, which would be lost. */
function checkPadding(bytes: Uint8Array): void {
  if (bytes.some((byte) => byte !== 0))
    throw damaged(new Error('there is more after the end of the packed data'))
}

function damaged(cause: Error): CodeFileError {
  return new CodeFileError(
    `The file is packed with gzip and is damaged or incomplete (${cause.message}). Pack it again, or upload it ` +
      'unpacked.',
    { cause },
  )
}
