import type { ExecutionResult } from 'graphql'
import { Room } from '../../async/room.ts'
import type { Answers } from './answers.ts'
import { type AnswerWeight, answerLimits } from './limits.ts'

// Memory for all large answers in flight. A value takes some two hundred bytes besides its name and text.
const maxInFlightBytes = 100_000_000
const bytesOfValue = 200
const smallAnswerBytes = 1_000_000

// So many values take less than a millisecond to serialise, even with long texts.
const fewValues = 100

/** The client that reads an answer. */
export interface Reader {
  /** Whether it still waits for the answer. */
  isWanted: () => boolean
  /**
   * Runs an operation that may have a long answer once the client has read the answers before it. Resolves to undefined if
   * the client has left by then. If it is not given, such operations run immediately.
   */
  enqueueLong?: <T>(run: () => Promise<T>) => Promise<T | undefined>
  /** Whether it can take several answers of a subscription at a time. */
  readsAhead?: boolean
}

/**
 * The memory for large answers, which keys share fairly. Operations with such answers wait for it; if their client has left by
 * then, they are not executed.
 */
export class AnswerRoom {
  readonly #answers: Answers
  readonly #room = new Room(maxInFlightBytes)

  constructor(answers: Answers) {
    this.#answers = answers
  }

  /** Executes an operation whose answer has at most this weight, and serialises its answer. */
  async answer(
    keyId: string,
    weight: Pick<AnswerWeight, 'bytes' | 'values'>,
    {
      execute,
      isWanted,
      enqueueLong = (run) => run(),
    }: Reader & { execute: () => Promise<ExecutionResult> | ExecutionResult },
  ): Promise<ExecutionResult> {
    // The client first: others can use the memory while it reads. If it has left, the null is not sent.
    const whenThereIsRoom = async (needed: number, work: () => Promise<ExecutionResult>) =>
      (await enqueueLong(() => this.#room.run(keyId, { needed, isWanted }, work))) ?? { data: null }
    const needed = Math.max(weight.bytes, weight.values * bytesOfValue)
    if (needed >= smallAnswerBytes)
      return await whenThereIsRoom(needed, async () => await this.#answers.written(await execute()))
    const result = await execute()
    const atOnce = weight.values <= fewValues ? this.#answers.writtenAtOnce(result) : undefined
    if (atOnce !== undefined) return atOnce
    const written = await this.#answers.writtenWithin(smallAnswerBytes, result)
    // Some are longer than estimated, for example with very long recipients.
    return (
      written ?? (await whenThereIsRoom(answerLimits.bytes, async () => await this.#answers.written(result)))
    )
  }
}
