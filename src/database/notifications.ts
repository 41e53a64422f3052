import pg from 'pg'
import type { Logger } from 'pino'
import { prepareSession } from './session.ts'

/** That something has changed: which kind of thing, and which one of them. It never says how. */
export interface Notice {
  topic: 'events' | 'tasks' | 'keys'
  /** The account for `events`; empty for the others. */
  key: string
}

/** Called with what has changed, or with nothing when notices may have been lost: look at everything again. */
export type NoticeListener = (key: string | undefined) => void

const channel = 'promo_codes'
const reconnectAfterMs = 1_000

/**
 * Carries notices between the processes on one database, by LISTEN and NOTIFY, and inside this process directly.
 *
 * NOTIFY is a transaction of its own, sent after the change has been committed and never beside it: inside the
 * transactions it takes one lock for the whole server. Notices that pile up while one is under way are sent
 * together, each once. A notice can be lost with a connection, so whoever listens also looks now and then.
 */
export class Notifications {
  readonly #pool: pg.Pool
  readonly #connection: pg.ClientConfig
  readonly #log: Logger
  readonly #listeners = new Map<Notice['topic'], Set<NoticeListener>>()
  readonly #pending = new Set<string>()
  #sending: Promise<void> | undefined
  #client: pg.Client | undefined
  #reconnect: NodeJS.Timeout | undefined
  #closed = false

  /** `connection` is for a connection of its own to the pool's database: LISTEN holds it for good. */
  constructor(options: { pool: pg.Pool; connection: pg.ClientConfig; log: Logger }) {
    this.#pool = options.pool
    this.#connection = options.connection
    this.#log = options.log
  }

  /** Begins to listen; rejects when the database cannot be reached. A connection lost later is made again. */
  async open(): Promise<void> {
    await this.#connect()
  }

  /** Calls `listener` for every notice of the topic until the function that is returned is called. */
  on(topic: Notice['topic'], listener: NoticeListener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Tells every process. Returns at once; a notice that cannot be sent is logged and lost. */
  announce(notice: Notice): void {
    this.#deliver(notice.topic, notice.key)
    this.#pending.add(`${notice.topic} ${notice.key}`)
    this.#sending ??= this.#send()
  }

  async close(): Promise<void> {
    await this.#sending
    this.#closed = true
    clearTimeout(this.#reconnect)
    await this.#client?.end()
  }

  async #send(): Promise<void> {
    // After the callers of this turn have announced theirs too.
    await Promise.resolve()
    while (this.#pending.size > 0) {
      const messages = [...this.#pending]
      this.#pending.clear()
      try {
        await this.#pool.query('SELECT pg_notify($1, message) FROM unnest($2::text[]) message', [
          channel,
          messages,
        ])
      } catch (error) {
        this.#log.warn({ err: error }, 'other processes could not be notified; they find out by themselves')
      }
    }
    this.#sending = undefined
  }

  #deliver(topic: Notice['topic'], key: string | undefined): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener(key)
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(this.#connection)
    client.on('notification', (message) => {
      const [topic, key] = (message.payload ?? '').split(' ')
      if (topic === 'events' || topic === 'tasks' || topic === 'keys') this.#deliver(topic, key)
    })
    let failed = false
    const onLost = (error?: Error) => {
      if (failed) return
      failed = true
      this.#lost(client, error)
    }
    client.on('error', onLost)
    client.on('end', () => onLost())
    try {
      await client.connect()
      await prepareSession(client)
      await client.query(`LISTEN ${channel}`)
    } catch (error) {
      failed = true
      await client.end().catch(() => undefined)
      throw error
    }
    this.#client = client
  }

  #lost(client: pg.Client, error: Error | undefined): void {
    if (this.#client === client) this.#client = undefined
    if (this.#closed) return
    this.#log.warn({ err: error }, 'the connection that listens for changes was lost')
    this.#retry()
  }

  #retry(): void {
    this.#reconnect = setTimeout(() => {
      this.#connect().then(
        () => {
          this.#log.info('listening for changes again')
          for (const topic of this.#listeners.keys()) this.#deliver(topic, undefined)
        },
        () => {
          if (!this.#closed) this.#retry()
        },
      )
    }, reconnectAfterMs)
  }
}
