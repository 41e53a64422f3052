import { createGunzip, type Gunzip } from 'node:zlib'
import { CodeFileError } from './code-file-error.ts'

const gzipMagic = Buffer.from([0x1f, 0x8b])

// What gzip makes of so many bytes is at most a thousand times as much, and that is in memory at once.
const packedAtOnce = 4_096

/**
 * The bytes of a file, unpacked if it is gzip, which is known by how it begins. Nothing is read ahead: whoever stops
 * reading has the source returned. CodeFileError if it is damaged gzip; errors of the source pass unchanged.
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
  #unpacked: Uint8Array[] = []
  #given = 0
  #ended = false

  constructor() {
    this.#stream.on('data', (bytes: Uint8Array) => this.#unpacked.push(bytes))
  }

  async *read(packed: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < packed.length; at += packedAtOnce) {
      const bytes = packed.subarray(at, at + packedAtOnce)
      if (this.#ended) checkPadding(bytes)
      else {
        await this.#do((done) => this.#stream.write(bytes, done))
        this.#given += bytes.length
        const left = this.#given - this.#stream.bytesWritten
        // Gunzip takes no more once it comes to a byte that begins no other member.
        if (left > 0) {
          checkPadding(bytes.subarray(bytes.length - left))
          this.#ended = true
        }
      }
      yield* this.#take()
    }
  }

  async *end(): AsyncGenerator<Uint8Array> {
    if (!this.#stream.readableEnded)
      await this.#do((done) => {
        this.#stream.once('end', done)
        this.#stream.end()
      })
    yield* this.#take()
  }

  close(): void {
    this.#stream.destroy()
  }

  #take(): Uint8Array[] {
    const unpacked = this.#unpacked
    this.#unpacked = []
    return unpacked
  }

  #do(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const fail = (error: Error) => reject(damaged(error))
    this.#stream.once('error', fail)
    start((error) => {
      // The stream reports it as well, and as an event it has to be heard.
      if (error) return
      this.#stream.off('error', fail)
      resolve()
    })
    return promise
  }
}

/** Some archivers fill up with zeros. Anything else would be codes that nobody reads. */
function checkPadding(bytes: Uint8Array): void {
  if (bytes.some((byte) => byte !== 0))
    throw damaged(new Error('something follows the end of the packed data'))
}

function damaged(cause: Error): CodeFileError {
  return new CodeFileError(
    `The file is packed with gzip and is damaged or incomplete (${cause.message}). Pack it again, or upload it ` +
      'unpacked.',
    { cause },
  )
}
