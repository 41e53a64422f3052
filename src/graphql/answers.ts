import type { ExecutionResult } from 'graphql'
import type { Pacer } from '../async/pacer.ts'
import { grouped } from '../grouped.ts'
import { answerLimits } from './admission.ts'
import { jsonOf } from './json.ts'
import { problem } from './problems.ts'

// Each error of an answer can be of many bytes, and takes long to make; whoever has read so many knows what is the matter.
const maxErrors = 500

/**
 * Answers as they are written: never longer than they may be, whatever was expected of them, with yields to the event loop
 * in between.
 */
export class Answers {
  readonly #pacer: Pacer
  readonly #maxBytes: number
  /** The data of answers, as it was written when it was found to be short enough. */
  readonly #written = new WeakMap<object, Buffer<ArrayBuffer>[]>()

  constructor(pacer: Pacer, maxBytes = answerLimits.bytes) {
    this.#pacer = pacer
    this.#maxBytes = maxBytes
  }

  /** The same result, or ANSWER_TOO_LARGE instead of one whose data would be longer than it may be. */
  async bounded(result: ExecutionResult): Promise<ExecutionResult> {
    return (await this.#write(result, () => {}, this.#maxBytes)) ?? tooLarge(this.#maxBytes)
  }

  /** As `bounded`; and `json` has the data at hand. */
  async written(result: ExecutionResult): Promise<ExecutionResult> {
    return (await this.writtenWithin(this.#maxBytes, result)) ?? tooLarge(this.#maxBytes)
  }

  /** As `written`, but to nothing if the data is longer than so many bytes. */
  async writtenWithin(maxBytes: number, result: ExecutionResult): Promise<ExecutionResult | undefined> {
    const pieces: Buffer<ArrayBuffer>[] = []
    const bounded = await this.#write(result, (piece) => pieces.push(piece), maxBytes)
    if (bounded?.data != null) this.#written.set(bounded.data, pieces)
    return bounded
  }

  /** Data of an answer as it was written, unless it was not. */
  dataOf(data: ExecutionResult['data']): readonly Buffer<ArrayBuffer>[] | undefined {
    return data == null ? undefined : this.#written.get(data)
  }

  /** A result as JSON, in pieces. */
  json(result: ExecutionResult): Buffer<ArrayBuffer>[] {
    const { data, ...rest } = result
    const written = this.dataOf(data)
    if (written === undefined) return [Buffer.from(JSON.stringify(result))]
    const others = JSON.stringify(rest)
    return [Buffer.from('{"data":'), ...written, Buffer.from(others === '{}' ? '}' : `,${others.slice(1)}`)]
  }

  async #write(
    result: ExecutionResult,
    keep: (piece: Buffer<ArrayBuffer>) => void,
    maxBytes: number,
  ): Promise<ExecutionResult | undefined> {
    const { data, errors } = result
    let bytes = 0
    for (const text of jsonOf(data ?? null)) {
      const piece = Buffer.from(text)
      bytes += piece.length
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
  const error = problem(
    'ANSWER_TOO_LARGE',
    `The answer has more than ${grouped(maxBytes)} bytes, so none of it is sent. Ask for fewer items or ` +
      'fewer fields, in several requests. What a mutation has done is done: send it again with the same idempotencyKey ' +
      'and a smaller selection.',
  )
  return { data: null, errors: [error] }
}
