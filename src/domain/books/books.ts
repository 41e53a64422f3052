import { LRUCache } from 'lru-cache'
import type { Pool, QueryResultRow } from 'pg'
import type { Logger } from 'pino'
import { CodeSpace } from '../../codespace/codespace.ts'
import { Pattern } from '../../codespace/pattern.ts'
import { DatabaseUnavailableError, isUnavailable } from '../../database/errors.ts'
import type { Notifications } from '../../database/notifications.ts'
import { Reach } from '../../database/reach.ts'
import {
  type Queryable,
  type Statement,
  spanNameOf,
  type Transaction,
  transaction,
} from '../../database/transaction.ts'
import type { PrismaClient, QueueKind } from '../../generated/prisma/client.ts'
import { Keyring } from '../../keys/keyring.ts'
import { type Fact, facts } from '../../telemetry/facts.ts'
import { inDatabaseSpan, isTraced } from '../../telemetry/spans.ts'
import { appendEvents, type EventDraft } from './event-log.ts'
import { KnownFormatsCache } from './known-formats.ts'
import { enqueue, queueTopics } from './queue.ts'
import { formatKeyPlace } from './secrets.ts'

export interface BooksParts {
  connections: Pool
  prisma: PrismaClient
  notifications: Notifications
  log: Logger
  /** The master keys; by default none. */
  keyring?: Keyring
  /** The clock of this process; by default that of the machine. */
  now?: () => Date
}

/** The database, the caches of what never changes in it, and the notifications of changes. */
export class Books implements Queryable {
  readonly connections: Pool
  /** Reads accounts and API keys; graphql/nodes.ts says why nothing else. */
  readonly prisma: PrismaClient
  readonly notifications: Notifications
  readonly keyring: Keyring
  readonly codeSpaces: CodeSpaces
  readonly knownFormats: KnownFormatsCache
  /** Which accounts are within reach: a node of a distributed database may be away. */
  readonly reach: Reach
  readonly now: () => Date
  /** The API key whose requests write through these books: the actor of their events. */
  readonly actorId: string | undefined
  readonly #parts: BooksParts

  /** `acting`: the books to share the caches of, and who acts through the new ones. */
  constructor(parts: BooksParts, acting?: { as: string; through: Books }) {
    this.connections = parts.connections
    this.prisma = parts.prisma
    this.notifications = parts.notifications
    this.now = parts.now ?? (() => new Date())
    this.keyring = parts.keyring ?? new Keyring()
    this.codeSpaces = acting?.through.codeSpaces ?? new CodeSpaces(this.keyring)
    this.knownFormats = acting?.through.knownFormats ?? new KnownFormatsCache()
    this.reach = acting?.through.reach ?? new Reach(parts)
    this.actorId = acting?.as
    this.#parts = parts
  }

  /** The same books for the requests of an API key. */
  actingAs(keyId: string): Books {
    return new Books(this.#parts, { as: keyId, through: this })
  }

  /** Runs one statement outside any transaction. Rejects with a DatabaseUnavailableError if it could not be run. */
  async rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]> {
    try {
      const run = () => this.connections.query<Row>(statement)
      return (await (isTraced() ? inDatabaseSpan(spanNameOf(statement), run) : run())).rows
    } catch (error) {
      throw isUnavailable(error) ? new DatabaseUnavailableError(error) : error
    }
  }

  /**
   * Runs `work` in a transaction (see `transaction`). As the last statements before the commit, puts the account into the queue
   * if it has made work for a worker, and appends the recorded events to the account's event log. After the commit, writes its
   * log entries, tells its facts, and notifies subscribers and workers.
   *
   * `work` locks in the order of docs/design.md: catalog, pool, formats (by id), usage of pools (by pool), idempotency keys
   * (sorted), webhook. The queue and the event log follow. It locks first and reads in a later statement: a statement that locks
   * a row and joins others reads the others as they were before it got the lock.
   */
  async write<T>(accountId: string, work: (tx: BookTransaction) => Promise<T>): Promise<T> {
    const { tx, result } = await transaction(this.connections, async (plain) => {
      const tx = new BookTransaction(plain, accountId, this)
      const result = await work(tx)
      // In one round trip, in this order.
      const last: Promise<void>[] = []
      if (tx.queued.size > 0) last.push(enqueue(plain, accountId, [...tx.queued], tx.now()))
      if (tx.events.length > 0) last.push(appendEvents(plain, accountId, tx.events))
      await Promise.all(last)
      return { tx, result }
    })
    for (const { fields, message } of tx.logEntries) this.#parts.log.info(fields, message)
    for (const { kind, poolId } of tx.events)
      if (kind in warnings) this.#parts.log.warn({ accountId, poolId }, warnings[kind])
    for (const tell of tx.untold) tell()
    if (tx.events.length > 0) {
      facts.events.tell(tx)
      this.notifications.announce({ topic: 'events', key: accountId })
    }
    for (const kind of tx.queued) this.notifications.announce({ topic: queueTopics[kind], key: '' })
    return result
  }
}

/** Of what events the log warns whoever runs the service: metrics do not say which pool it is. */
const warnings: { readonly [Kind in EventDraft['kind']]?: string } = {
  POOL_LOW: 'a pool is low',
  POOL_EMPTY: 'a pool is empty',
  POOL_REFILL_FAILED: 'a pool could not be refilled',
}

/** A transaction on one account's books. */
export class BookTransaction implements Queryable {
  readonly accountId: string
  readonly codeSpaces: CodeSpaces
  /** The API key whose request this transaction carries out; undefined for what the service does by itself. */
  actorId: string | undefined
  readonly events: (EventDraft & { actorId: string | undefined })[] = []
  readonly logEntries: { fields: object; message: string }[] = []
  /** Tell the facts of this transaction. */
  readonly untold: (() => void)[] = []
  readonly queued = new Set<QueueKind>()
  readonly #tx: Transaction
  readonly #clock: () => Date
  #now: Date | undefined

  constructor(tx: Transaction, accountId: string, { codeSpaces, now, actorId }: Books) {
    this.#tx = tx
    this.accountId = accountId
    this.codeSpaces = codeSpaces
    this.actorId = actorId
    this.#clock = now
  }

  /** The time of this transaction: when it was first asked for. So ask after the locks are held. */
  now(): Date {
    this.#now ??= this.#clock()
    return this.#now
  }

  rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]> {
    return this.#tx.rows<Row>(statement)
  }

  execute(statement: Statement): Promise<number> {
    return this.#tx.execute(statement)
  }

  /** Acquires an advisory lock on an id until the transaction ends. Does not wait: false if another one holds it. */
  async tryLock(id: string): Promise<boolean> {
    const [lock] = await this.#tx.rows<{ mine: boolean }>({
      name: 'try-lock',
      text: 'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS mine',
      values: [id],
    })
    return lock?.mine === true
  }

  /** Adds an event, to be written just before the commit, in the order of the calls. `actorId`: of whom, if not of `tx`. */
  record(event: EventDraft, actorId = this.actorId): void {
    this.events.push({ ...event, actorId })
  }

  /** Logs an entry at level info once the transaction has committed; nothing if the commit fails or is unanswered. */
  logOnCommit(fields: object, message: string): void {
    this.logEntries.push({ fields, message })
  }

  /** Tells a fact once the transaction has committed; nothing if the commit fails or is unanswered. */
  tellOnCommit<Content extends object>(fact: Fact<Content>, content: Content): void {
    this.untold.push(() => fact.tell(content))
  }

  /** Puts the account into the queue, as this transaction makes work for a worker, and notifies workers once it has committed. */
  queue(kind: QueueKind): void {
    this.queued.add(kind)
  }
}

// A code space takes a few kilobytes. An account with more formats than this reads some of them again now and then.
const maxOpen = 1_000

/** The code spaces of the formats used most recently. What makes a code space never changes, so they never expire. */
export class CodeSpaces {
  readonly #open = new LRUCache<string, CodeSpace>({ max: maxOpen })
  readonly #keyring: Keyring

  constructor(keyring = new Keyring()) {
    this.#keyring = keyring
  }

  /**
   * Rejects when the format does not exist, or when its key, version and pattern no longer belong together; with a
   * MasterKeyMissingError when its key is wrapped with a master key that this process does not have.
   */
  async get(books: Queryable, accountId: string, formatId: string): Promise<CodeSpace> {
    const open = this.#open.get(formatId)
    if (open !== undefined) return open
    const space = await openCodeSpace(books, accountId, formatId, this.#keyring)
    this.#open.set(formatId, space)
    return space
  }
}

async function openCodeSpace(
  books: Queryable,
  accountId: string,
  formatId: string,
  keyring: Keyring,
): Promise<CodeSpace> {
  const [row] = await books.rows<FormatKeyRow>({
    name: 'open-code-space',
    text: `
      SELECT pattern, characters, version, key, wrapped_by, first_code FROM format
      WHERE account_id = $1 AND id = $2`,
    values: [accountId, formatId],
  })
  if (row === undefined) throw new Error(`The format ${formatId} does not exist.`)
  const space = CodeSpace.open({
    pattern: Pattern.parse(row.pattern, row.characters),
    key: keyring.open({ bytes: row.key, wrappedBy: row.wrapped_by }, formatKeyPlace(accountId, formatId)),
    version: row.version,
  })
  if (space.codeAt(0n) !== row.first_code)
    throw new Error(
      `The format ${formatId} no longer yields the code that it was created with: its pattern, key or version was changed.`,
    )
  return space
}

interface FormatKeyRow {
  pattern: string
  characters: string
  version: number
  key: Uint8Array
  wrapped_by: string | null
  first_code: string
}
