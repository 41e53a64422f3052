import type { Logger } from 'pino'
import { isUnavailable } from '../../database/errors.ts'
import type { Books } from '../books/books.ts'
import { touchApiKeys } from './account.ts'

// A last use is exact to the minute: a row for each request would cost more than the request.
const noteEveryMs = 60_000
const maxNoted = 10_000

/** Notes when API keys are used, in their rows. */
export class KeyUses {
  readonly #books: Books
  readonly #log: Logger
  /** When the last use of a key was noted, in this process. */
  readonly #noted = new Map<string, number>()
  readonly #waiting = new Set<string>()
  #writing: Promise<void> | undefined

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.#log = log
  }

  /** Resolves when all that was noted has been written. */
  close(): Promise<void> {
    return this.written()
  }

  /** Notes that a key is used now, unless that was noted within the last minute. Whoever used it does not wait. */
  note(keyId: string): void {
    const now = Date.now()
    if (now - (this.#noted.get(keyId) ?? 0) < noteEveryMs) return
    if (this.#noted.size >= maxNoted) this.#noted.clear()
    this.#noted.set(keyId, now)
    this.#waiting.add(keyId)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** Resolves when the uses that were noted before are in the rows of their keys, so that whoever reads these finds them. */
  async written(): Promise<void> {
    await this.#writing
  }

  /** Writes until nothing waits: what is noted meanwhile is written together. Never rejects. */
  async #write(): Promise<void> {
    while (this.#waiting.size > 0) {
      const keyIds = [...this.#waiting]
      this.#waiting.clear()
      try {
        await touchApiKeys(this.#books, keyIds)
      } catch (error) {
        // Nothing but a time that is shown: the next use tells it again.
        for (const keyId of keyIds) this.#noted.delete(keyId)
        if (isUnavailable(error)) this.#log.warn({ err: error }, 'the last use of keys could not be noted')
        else this.#log.error({ err: error }, 'the last use of keys could not be noted')
      }
    }
  }
}
