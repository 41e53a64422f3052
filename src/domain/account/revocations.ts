import type { Logger } from 'pino'
import { isUnavailable } from '../../database/errors.ts'
import type { Books } from '../books/books.ts'

// How long a subscription outlives its key at most in a process that the notice of the revocation did not reach.
const lookEveryMs = 2_000

/** Tells those who go on for long, such as subscriptions, that the key they came with has been revoked. */
export class KeyWatch {
  readonly #books: Books
  readonly #log: Logger
  readonly #watched = new Map<string, Set<() => void>>()
  readonly #stopListening: () => void
  readonly #timer: NodeJS.Timeout

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.#log = log
    this.#stopListening = books.notifications.on('keys', () => this.#look())
    this.#timer = setInterval(() => this.#look(), lookEveryMs)
  }

  close(): void {
    this.#stopListening()
    clearInterval(this.#timer)
  }

  /** Calls `onRevoked`, once, when the key no longer works, unless the function that is returned was called before. */
  watch(keyId: string, onRevoked: () => void): () => void {
    const watchers = this.#watched.get(keyId) ?? new Set()
    this.#watched.set(keyId, watchers.add(onRevoked))
    return () => {
      watchers.delete(onRevoked)
      if (watchers.size === 0 && this.#watched.get(keyId) === watchers) this.#watched.delete(keyId)
    }
  }

  #look(): void {
    if (this.#watched.size === 0) return
    const keyIds = [...this.#watched.keys()]
    this.#books
      .rows<{ id: string }>({
        name: 'working-keys',
        text: 'SELECT id FROM api_key WHERE id = ANY($1::uuid[]) AND revoked_at IS NULL',
        values: [keyIds],
        query_timeout: lookEveryMs,
      })
      .then((rows) => {
        const working = new Set(rows.map((row) => row.id))
        for (const keyId of keyIds) if (!working.has(keyId)) this.#revoke(keyId)
      })
      .catch((error: unknown) => {
        if (isUnavailable(error)) this.#log.warn({ err: error }, 'keys in use are out of reach; trying again')
        else this.#log.error({ err: error }, 'keys in use could not be checked; trying again')
      })
  }

  #revoke(keyId: string): void {
    const watchers = this.#watched.get(keyId)
    this.#watched.delete(keyId)
    for (const onRevoked of watchers ?? []) onRevoked()
  }
}
