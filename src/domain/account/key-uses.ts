import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { Poll } from '../../async/poll.ts'
import type { Books } from '../books/books.ts'
import { touchApiKeys } from './account.ts'

// The last use is exact to the minute: writing it for each request would cost more than the request.
const noteEveryMs = 60_000
const maxNoted = 10_000

/** Records when API keys were last used. */
export class KeyUses {
  readonly #books: Books
  /** When this process last recorded a use of a key. */
  readonly #noted = new LRUCache<string, number>({ max: maxNoted })
  readonly #waiting = new Set<string>()
  readonly #poll: Poll

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.#poll = new Poll({ purpose: 'note the last use of API keys', run: () => this.#write(), log })
  }

  /** Records that a key is used now, unless it was used within the last minute. The caller does not wait for the write. */
  note(keyId: string): void {
    const now = Date.now()
    if (now - (this.#noted.get(keyId) ?? 0) < noteEveryMs) return
    this.#noted.set(keyId, now)
    this.#waiting.add(keyId)
    this.#poll.wake()
  }

  /** Resolves when the uses noted so far are in the rows of their keys, or could not be written. Never rejects. */
  async written(): Promise<void> {
    await this.#poll.idle()
  }

  async #write(): Promise<void> {
    const keyIds = [...this.#waiting]
    this.#waiting.clear()
    try {
      await touchApiKeys(this.#books, keyIds)
    } catch (error) {
      // So that the next use of each is recorded.
      for (const keyId of keyIds) this.#noted.delete(keyId)
      throw error
    }
  }
}
