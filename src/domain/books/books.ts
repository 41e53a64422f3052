import type { Pool, QueryResultRow } from 'pg'
import type { Logger } from 'pino'
import { DatabaseUnavailableError, isUnavailable } from '../../database/errors.ts'
import type { Notifications, Topic } from '../../database/notifications.ts'
import { type Queryable, type Statement, type Transaction, transaction } from '../../database/transaction.ts'
import type { PrismaClient } from '../../generated/prisma/client.ts'
import { Catalogs } from './catalog.ts'
import type { CodeSpaces } from './codespaces.ts'
import { appendEvents, type EventDraft } from './event-log.ts'

/** What the domain works on: the database, the caches of what never changes in it, and who is told of changes. */
export class Books implements Queryable {
  readonly pool: Pool
  /** For reads of tasks, accounts and API keys: see graphql/nodes.ts for why not others. */
  readonly prisma: PrismaClient
  readonly notifications: Notifications
  readonly codeSpaces: CodeSpaces
  readonly catalogs = new Catalogs()
  readonly #log: Logger

  constructor(parts: {
    pool: Pool
    prisma: PrismaClient
    notifications: Notifications
    codeSpaces: CodeSpaces
    log: Logger
  }) {
    this.pool = parts.pool
    this.prisma = parts.prisma
    this.notifications = parts.notifications
    this.codeSpaces = parts.codeSpaces
    this.#log = parts.log
  }

  /** Runs one statement outside any transaction. Rejects with a DatabaseUnavailableError when it could not be run. */
  async rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]> {
    try {
      return (await this.pool.query<Row>(statement)).rows
    } catch (error) {
      throw isUnavailable(error) ? new DatabaseUnavailableError(error) : error
    }
  }

  /**
   * Runs `work` in a transaction (see `transaction`). Appends the events that it recorded to the account's event log as
   * the last statement before the commit. After the commit, writes its log entries and notifies subscribers and workers.
   *
   * `work` locks in this order, always FOR NO KEY UPDATE: account, pool, format (by id), idempotency keys (sorted). It
   * locks first and reads in a later statement: a statement that locks a row and joins others reads the others as they
   * were before it got the lock.
   */
  async write<T>(accountId: string, work: (tx: BookTransaction) => Promise<T>): Promise<T> {
    let recorded: readonly EventDraft[] = []
    let logged: readonly LogEntry[] = []
    let topics: ReadonlySet<Topic> = new Set()
    const result = await transaction(this.pool, async (plain) => {
      const tx = new BookTransaction(plain, accountId, this.codeSpaces)
      const value = await work(tx)
      recorded = tx.events
      logged = tx.logEntries
      topics = tx.topics
      if (recorded.length > 0) await appendEvents(plain, accountId, recorded)
      return value
    })
    for (const { fields, message } of logged) this.#log.info(fields, message)
    if (recorded.length > 0) this.notifications.announce({ topic: 'events', key: accountId })
    for (const topic of topics) this.notifications.announce({ topic, key: '' })
    return result
  }
}

interface LogEntry {
  fields: object
  message: string
}

/** A transaction on one account's books. */
export class BookTransaction implements Queryable {
  readonly accountId: string
  readonly codeSpaces: CodeSpaces
  readonly events: EventDraft[] = []
  readonly logEntries: LogEntry[] = []
  readonly topics = new Set<Topic>()
  readonly #tx: Transaction

  constructor(tx: Transaction, accountId: string, codeSpaces: CodeSpaces) {
    this.#tx = tx
    this.accountId = accountId
    this.codeSpaces = codeSpaces
  }

  rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]> {
    return this.#tx.rows<Row>(statement)
  }

  execute(statement: Statement): Promise<number> {
    return this.#tx.execute(statement)
  }

  /** Acquires an advisory lock on an id until the transaction ends. Does not wait: false when another one holds it. */
  async tryLock(id: string): Promise<boolean> {
    const [lock] = await this.#tx.rows<{ mine: boolean }>({
      name: 'try-lock',
      text: 'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS mine',
      values: [id],
    })
    return lock?.mine === true
  }

  /** Adds an event to those that this transaction writes, in the order of the calls. */
  record(event: EventDraft): void {
    this.events.push(event)
  }

  /** Logs an entry at level info once the transaction has committed; nothing if the commit fails or is unanswered. */
  logOnCommit(fields: object, message: string): void {
    this.logEntries.push({ fields, message })
  }

  /** Notifies those who listen for a topic once the transaction has committed. */
  announceOnCommit(topic: Topic): void {
    this.topics.add(topic)
  }
}
