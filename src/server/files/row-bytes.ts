import { TimeWriter } from '../../dates.ts'
import { cell } from './csv.ts'

// Of the characters below 128, by their codes. A cell of letters and digits, and others of these between them, is written
// as it is.
const isUsual = flags(/(?![",;])[ -~]/)
const isAlphanumeric = flags(/[A-Za-z0-9]/)

/**
 * Writes the rows of a file as bytes, cell by cell. Rows that are joined as strings take several times as long: for each part of
 * a string, V8 makes an object, and reads it again when the string is encoded.
 */
export class RowBytes {
  readonly #raw: boolean
  #bytes: Buffer
  #length = 0
  readonly #times = new TimeWriter()

  /** `raw`: as in CsvForm. `size`: for how many bytes there is room at first. */
  constructor(raw: boolean, size: number) {
    this.#raw = raw
    this.#bytes = Buffer.allocUnsafeSlow(size)
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#length
  }

  /** What was written. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  bytes(written: Uint8Array): void {
    this.#makeRoom(written.length)
    const bytes = this.#bytes
    const begin = this.#length
    // Faster than `set` for the few bytes of a cell.
    for (let i = 0; i < written.length; i++) bytes[begin + i] = written[i] as number
    this.#length = begin + written.length
  }

  /** Writes the cell of a text, as `cell` does. */
  cell(text: string): void {
    const { length } = text
    this.#makeRoom(length)
    const bytes = this.#bytes
    const begin = this.#length
    let isPlain =
      isAlphanumeric[text.charCodeAt(0)] === 1 && isAlphanumeric[text.charCodeAt(length - 1)] === 1
    for (let i = 0; i < length && isPlain; i++) {
      const unit = text.charCodeAt(i)
      bytes[begin + i] = unit
      isPlain = isUsual[unit] === 1
    }
    if (isPlain) this.#length = begin + length
    else this.bytes(Buffer.from(cell(text, this.#raw)))
  }

  /** Writes a time as `TimeWriter` does. */
  time(ms: number): void {
    this.#makeRoom(TimeWriter.size)
    this.#times.write(ms, this.#bytes, this.#length)
    this.#length += TimeWriter.size
  }

  /** Writes again, `times` times, what was written from `begin` on. */
  repeat(begin: number, times: number): void {
    const size = this.#length - begin
    this.#makeRoom(size * times)
    const end = this.#length + size * times
    // Each copy doubles what there is.
    for (; this.#length < end; this.#length = Math.min(end, 2 * this.#length - begin))
      this.#bytes.copyWithin(this.#length, begin, Math.min(this.#length, begin + end - this.#length))
  }

  #makeRoom(size: number): void {
    if (this.#length + size <= this.#bytes.length) return
    const bytes = Buffer.allocUnsafeSlow(2 * (this.#length + size))
    this.#bytes.copy(bytes, 0, 0, this.#length)
    this.#bytes = bytes
  }
}

function flags(character: RegExp): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => Number(character.test(String.fromCharCode(code))))
}
