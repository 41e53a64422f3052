import type { ExecutionResult, FormattedExecutionResult } from 'graphql'
import type { Pacer } from '../../async/pacer.ts'
import { grouped } from '../../grouped.ts'
import { topLevelError } from '../errors/top-level.ts'
import { answerLimits } from './limits.ts'

// Errors can be large and slow to write, and clients need no more of them than this.
const maxErrors = 500

// The length of a piece of JSON, in characters. A single string can make it longer.
const pieceLength = 16_384

/** A piece of JSON. Short ones are strings, so that a short answer is copied once. */
export type Piece = string | Buffer<ArrayBuffer>

/** Writes answers as JSON, yielding to the event loop in between, and refuses answers that turn out too long. */
export class Answers {
  readonly #pacer: Pacer
  readonly #maxBytes: number
  /** The data of answers that were written. */
  readonly #written = new WeakMap<object, Piece[]>()

  constructor(pacer: Pacer, maxBytes = answerLimits.bytes) {
    this.#pacer = pacer
    this.#maxBytes = maxBytes
  }

  /** The result, whose data is kept as JSON for `json`, or ANSWER_TOO_LARGE in place of one whose data is too long. */
  async written(result: ExecutionResult): Promise<ExecutionResult> {
    return (await this.writtenWithin(this.#maxBytes, result)) ?? tooLarge(this.#maxBytes)
  }

  /** Like `written`, but undefined if the data is longer than `maxBytes`. */
  async writtenWithin(maxBytes: number, result: ExecutionResult): Promise<ExecutionResult | undefined> {
    const pieces: Piece[] = []
    const bounded = await this.#write(result, (piece) => pieces.push(piece), maxBytes)
    if (bounded?.data != null) this.#written.set(bounded.data, pieces)
    return bounded
  }

  /**
   * Like `written` for an answer of a few values, without yielding to the event loop; undefined if it turns out longer than a
   * piece.
   */
  writtenAtOnce(result: ExecutionResult): ExecutionResult | undefined {
    const { data, errors } = result
    if (data == null || errors !== undefined) return undefined
    const piece = JSON.stringify(data)
    if (piece.length >= pieceLength) return undefined
    this.#written.set(data, [piece])
    return result
  }

  /** The result as JSON, in pieces. */
  json(result: ExecutionResult | FormattedExecutionResult): Piece[] {
    const { data, ...rest } = result
    const written = data == null ? undefined : this.#written.get(data)
    if (written === undefined) return [JSON.stringify(result)]
    const others = JSON.stringify(rest)
    const end = others === '{}' ? '}' : `,${others.slice(1)}`
    const [only] = written
    if (written.length === 1 && typeof only === 'string') return [`{"data":${only}${end}`]
    return ['{"data":', ...written, end]
  }

  async #write(
    result: ExecutionResult,
    keep: (piece: Piece) => void,
    maxBytes: number,
  ): Promise<ExecutionResult | undefined> {
    const { data, errors } = result
    let bytes = 0
    for (const text of jsonPieces(data ?? null)) {
      const piece = text.length < pieceLength ? text : Buffer.from(text)
      bytes += Buffer.byteLength(piece)
      if (bytes > maxBytes) return undefined
      keep(piece)
      if (this.#pacer.isDue()) await this.#pacer.yield()
    }
    return errors !== undefined && errors.length > maxErrors
      ? { ...result, errors: errors.slice(0, maxErrors) }
      : result
  }
}

function tooLarge(maxBytes: number): ExecutionResult {
  const error = topLevelError(
    'ANSWER_TOO_LARGE',
    `The answer has more than ${grouped(maxBytes)} bytes, so it is not sent. Ask for fewer items or fewer fields, in ` +
      'several requests. If it was a mutation, it has been carried out: send it again with the same idempotencyKey and ' +
      'a smaller selection.',
  )
  return { data: null, errors: [error] }
}

interface Level {
  keys: readonly string[] | undefined
  values: readonly unknown[]
  next: number
}

/** The pieces in one. */
export function joined(pieces: readonly Piece[]): Buffer<ArrayBuffer> {
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
}

/** The length of pieces, in bytes. */
export function bytesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((bytes, piece) => bytes + Buffer.byteLength(piece), 0)
}

/** JSON.stringify for plain objects, arrays and primitives, in pieces, so that a writer can pause or stop. */
export function* jsonPieces(value: unknown): Generator<string, void> {
  let text = ''
  const levels: Level[] = []
  let current = value
  for (;;) {
    if (typeof current === 'object' && current !== null) {
      const level = levelOf(current)
      levels.push(level)
      text += level.keys === undefined ? '[' : '{'
    } else text += JSON.stringify(current) ?? 'null'
    for (
      let level = levels.at(-1);
      level !== undefined && level.next === level.values.length;
      level = levels.at(-1)
    ) {
      text += level.keys === undefined ? ']' : '}'
      levels.pop()
    }
    const level = levels.at(-1)
    if (level === undefined) break
    if (level.next > 0) text += ','
    if (level.keys !== undefined) text += `${JSON.stringify(level.keys[level.next])}:`
    current = level.values[level.next]
    level.next += 1
    if (text.length >= pieceLength) {
      yield text
      text = ''
    }
  }
  yield text
}

function levelOf(value: object): Level {
  if (Array.isArray(value)) return { keys: undefined, values: value, next: 0 }
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return { keys: entries.map(([key]) => key), values: entries.map(([, each]) => each), next: 0 }
}
