import type { Logger } from 'pino'
import { Poll } from '../../async/poll.ts'
import type { Books } from '../books/books.ts'
import type { LastUses } from './last-uses.ts'
import { findSessions } from './sessions.ts'

// A subscription outlives its key or its session by at most this if the notification of the end is lost.
const pollEveryMs = 2_000

/** What long-lived work was opened with: the key itself, or a session of the key. */
export interface Watched {
  keyId: string
  sessionHash?: string | undefined
}

/**
 * Tells subscriptions, and other long-lived work, when the key or the session that they were opened with no longer works. As
 * long as a session is watched, it counts as used.
 */
export class Revocations {
  readonly #books: Books
  readonly #sessionUses: LastUses
  readonly #keys = new Watchers()
  readonly #sessions = new Watchers()
  readonly #stopListening: () => void
  readonly #poll: Poll

  constructor(books: Books, { sessionUses, log }: { sessionUses: LastUses; log: Logger }) {
    this.#books = books
    this.#sessionUses = sessionUses
    const run = () => this.#look()
    this.#poll = new Poll({ purpose: 'check the API keys in use', run, everyMs: pollEveryMs, log })
    this.#stopListening = books.notifications.on('keys', () => this.#poll.wake())
  }

  async close(): Promise<void> {
    this.#stopListening()
    await this.#poll.close()
  }

  /** Calls `onEnded` once, when the key or the session no longer works. The returned function cancels that. */
  watch({ keyId, sessionHash }: Watched, onEnded: () => void): () => void {
    return sessionHash === undefined
      ? this.#keys.add(keyId, onEnded)
      : this.#sessions.add(sessionHash, onEnded)
  }

  async #look(): Promise<void> {
    const [keyIds, hashes] = [this.#keys.ids(), this.#sessions.ids()]
    if (keyIds.length > 0) {
      const rows = await this.#books.rows<{ id: string }>({
        name: 'working-keys',
        text: 'SELECT id FROM api_key WHERE id = ANY($1::uuid[]) AND revoked_at IS NULL',
        values: [keyIds],
        query_timeout: pollEveryMs,
      })
      this.#keys.endExcept(new Set(rows.map((row) => row.id)), keyIds)
    }
    if (hashes.length > 0) {
      const open = await findSessions(this.#books, hashes, { maxWaitMs: pollEveryMs })
      this.#sessions.endExcept(open, hashes)
      for (const hash of open.keys()) this.#sessionUses.note(hash)
    }
  }
}

/** Who is to be told, by the id of what is watched. */
class Watchers {
  readonly #watchers = new Map<string, Set<() => void>>()

  add(id: string, onEnded: () => void): () => void {
    const watchers = this.#watchers.get(id) ?? new Set()
    this.#watchers.set(id, watchers.add(onEnded))
    return () => {
      watchers.delete(onEnded)
      if (watchers.size === 0 && this.#watchers.get(id) === watchers) this.#watchers.delete(id)
    }
  }

  ids(): string[] {
    return [...this.#watchers.keys()]
  }

  /** Tells those who watch one of these ids, unless it is among the `working` ones. */
  endExcept(working: { has(id: string): boolean }, ids: readonly string[]): void {
    for (const id of ids) {
      if (working.has(id)) continue
      const watchers = this.#watchers.get(id)
      this.#watchers.delete(id)
      for (const onEnded of watchers ?? []) onEnded()
    }
  }
}
