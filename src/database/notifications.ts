import pg from 'pg'
import type { Logger } from 'pino'
import { prepareSession } from './session.ts'

/**
 * What is listened for: new events, generations and uploads that wait for a worker, unready formats, revoked keys and ended
 * sessions.
 */
const topics = ['events', 'generations', 'uploads', 'formats', 'webhooks', 'keys'] as const
export type Topic = (typeof topics)[number]

/** Called with the key of what has changed; with undefined when notices may have been lost, to check everything. */
export type NoticeListener = (key: string | undefined) => void

const channel = 'promo_codes'
const reconnectAfterMs = 1_000

/**
 * Carries notices between the processes of one database, by LISTEN and NOTIFY, and directly inside this process.
 *
 * NOTIFY is sent in a separate transaction after the change has been committed: within the transaction of the change,
 * it would acquire a lock for the whole server. Notices that arrive while others are in flight are sent together, each
 * once. A notice can be lost with a connection, so listeners also poll. The sending is not a Poll, which would log a lost
 * notice as retried.
 */
export class Notifications {
  readonly #connections: pg.Pool
  readonly #connection: pg.ClientConfig
  readonly #log: Logger
  readonly #listeners = new Map<Topic, Set<NoticeListener>>()
  readonly #pending = new Set<string>()
  #sending: Promise<void> | undefined
  /** The connection that listens. */
  #client: pg.Client | undefined
  /** The connection that is being made. */
  #next: pg.Client | undefined
  #reconnect: NodeJS.Timeout | undefined
  /** Until the connection that is being made listens, or could not be made. Never rejects. */
  #reconnecting: Promise<void> | undefined
  #closed = false

  /** `connection`: how to make the connection to the same database that LISTEN needs for itself. */
  constructor(options: { connections: pg.Pool; connection: pg.ClientConfig; log: Logger }) {
    this.#connections = options.connections
    this.#connection = options.connection
    this.#log = options.log
  }

  /** Calls `listener` for every notice of the topic until the returned function is called. */
  on(topic: Topic, listener: NoticeListener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /**
   * Tells every process that something has changed, and not how. `key` is the account for `events`, and empty for the
   * others. Returns immediately; a failure is logged, and the notice lost.
   */
  announce({ topic, key }: { topic: Topic; key: string }): void {
    this.#deliver(topic, key)
    this.#pending.add(`${topic} ${key}`)
    this.#sending ??= this.#send()
  }

  /** Leaves no connection behind, also if one is just being made to replace one that was lost. */
  async close(): Promise<void> {
    await this.#sending
    this.#closed = true
    clearTimeout(this.#reconnect)
    // A server that is silent would be waited for. To end a connection politely takes one that has been made.
    this.#next?.connection.stream.destroy()
    await this.#reconnecting
    await this.#client?.end()
  }

  async #send(): Promise<void> {
    // Collect what is announced synchronously after this.
    await Promise.resolve()
    while (this.#pending.size > 0) {
      const messages = [...this.#pending]
      this.#pending.clear()
      try {
        await this.#connections.query({
          name: 'notify',
          text: 'SELECT pg_notify($1, message) FROM unnest($2::text[]) message',
          values: [channel, messages],
        })
      } catch (error) {
        this.#log.warn(
          { err: error },
          'could not notify other processes; they notice the change when they poll',
        )
      }
    }
    this.#sending = undefined
  }

  #deliver(topic: Topic, key: string | undefined): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener(key)
  }

  /** Starts to listen. Rejects when the database cannot be reached; a connection that is lost later is replaced. */
  async open(): Promise<void> {
    // A server that falls silent after connecting is waited for no longer than the connection itself.
    const client = new pg.Client({
      query_timeout: this.#connection.connectionTimeoutMillis,
      ...this.#connection,
    })
    client.on('notification', (message) => {
      const [name, key] = (message.payload ?? '').split(' ')
      const topic = topics.find((known) => known === name)
      if (topic !== undefined) this.#deliver(topic, key)
    })
    let isLost = false
    const onLost = (error?: Error) => {
      isLost = true
      // One that does not listen yet fails below.
      if (this.#client !== client) return
      this.#client = undefined
      if (this.#closed) return
      this.#log.warn({ err: error }, 'lost the connection that listens for changes; reconnecting')
      this.#retry()
    }
    client.on('error', onLost)
    client.on('end', () => onLost())
    this.#next = client
    try {
      await client.connect()
      await prepareSession(client)
      await client.query(`LISTEN ${channel}`)
      if (isLost) throw new Error('The connection that listens was lost at once.')
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    } finally {
      this.#next = undefined
    }
    this.#client = client
  }

  #retry(): void {
    this.#reconnect = setTimeout(() => {
      this.#reconnecting = this.open().then(
        () => {
          if (this.#closed) return
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
