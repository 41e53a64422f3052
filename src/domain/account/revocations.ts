import type { Logger } from 'pino'
import { Poll } from '../../async/poll.ts'
import type { Books } from '../books/books.ts'

// A subscription outlives its key by at most this if the notification of the revocation is lost.
const pollEveryMs = 2_000

/** Tells subscriptions, and other long-lived work, when the key that they were opened with is revoked. */
export class Revocations {
  readonly #books: Books
  readonly #watched = new Map<string, Set<() => void>>()
  readonly #stopListening: () => void
  readonly #poll: Poll

  constructor(books: Books, log: Logger) {
    this.#books = books
    const run = () => this.#look()
    this.#poll = new Poll({ purpose: 'check the API keys in use', run, everyMs: pollEveryMs, log })
    this.#stopListening = books.notifications.on('keys', () => this.#poll.wake())
  }

  async close(): Promise<void> {
    this.#stopListening()
    await this.#poll.close()
  }

  /** Calls `onRevoked` once, when the key no longer works. The returned function cancels that. */
  watch(keyId: string, onRevoked: () => void): () => void {
    const watchers = this.#watched.get(keyId) ?? new Set()
    this.#watched.set(keyId, watchers.add(onRevoked))
    return () => {
      watchers.delete(onRevoked)
      if (watchers.size === 0 && this.#watched.get(keyId) === watchers) this.#watched.delete(keyId)
    }
  }

  async #look(): Promise<void> {
    if (this.#watched.size === 0) return
    const keyIds = [...this.#watched.keys()]
    const rows = await this.#books.rows<{ id: string }>({
      name: 'working-keys',
      text: 'SELECT id FROM api_key WHERE id = ANY($1::uuid[]) AND revoked_at IS NULL',
      values: [keyIds],
      query_timeout: pollEveryMs,
    })
    const working = new Set(rows.map((row) => row.id))
    for (const keyId of keyIds) if (!working.has(keyId)) this.#revoke(keyId)
  }

  #revoke(keyId: string): void {
    const watchers = this.#watched.get(keyId)
    this.#watched.delete(keyId)
    for (const onRevoked of watchers ?? []) onRevoked()
  }
}
