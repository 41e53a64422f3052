import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { Poll } from '../../async/poll.ts'
import type { Books } from '../books/books.ts'

// Writing the last use for each request would cost more than the request.
const noteEveryMs = 60_000
const maxNoted = 10_000

/** Records when things, such as API keys, were last used, exact to the minute. */
export class LastUses {
  readonly #books: Books
  readonly #write: (ids: readonly string[]) => Promise<void>
  /** When this process last recorded a use of a thing. */
  readonly #noted = new LRUCache<string, number>({ max: maxNoted })
  readonly #waiting = new Set<string>()
  readonly #poll: Poll

  /** @param of what is used, as the log says it: "API keys". `write` records that things have just been used. */
  constructor(
    books: Books,
    { of, write, log }: { of: string; write: (ids: readonly string[]) => Promise<void>; log: Logger },
  ) {
    this.#books = books
    this.#write = write
    this.#poll = new Poll({ purpose: `note the last use of ${of}`, run: () => this.#writeWaiting(), log })
  }

  /** Records a use now, unless one was recorded within the last minute. The caller does not wait for the write. */
  note(id: string): void {
    const now = this.#books.now().getTime()
    if (now - (this.#noted.get(id) ?? 0) < noteEveryMs) return
    this.#noted.set(id, now)
    this.#waiting.add(id)
    this.#poll.wake()
  }

  /** Resolves when the uses noted so far are in the database, or could not be written. Never rejects. */
  async written(): Promise<void> {
    await this.#poll.idle()
  }

  async #writeWaiting(): Promise<void> {
    const ids = [...this.#waiting]
    this.#waiting.clear()
    try {
      await this.#write(ids)
    } catch (error) {
      // So that the next use of each is recorded.
      for (const id of ids) this.#noted.delete(id)
      throw error
    }
  }
}
