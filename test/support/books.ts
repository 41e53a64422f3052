import { randomUUID } from 'node:crypto'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { pino } from 'pino'
import type { ShapeInput } from '../../src/codespace/pattern.ts'
import { Notifications } from '../../src/database/notifications.ts'
import { connectionConfig, openConnections } from '../../src/database/open.ts'
import { createAccount } from '../../src/domain/account/account.ts'
import { Books } from '../../src/domain/books/books.ts'
import { createFormat } from '../../src/domain/format/create.ts'
import { type Format, readFormat } from '../../src/domain/format/format.ts'
import { generateCodes, runGeneration } from '../../src/domain/generation/generation.ts'
import { type ReplenishmentInput, saveReplenishment } from '../../src/domain/generation/replenishment.ts'
import { createPool, type PoolState, readPool } from '../../src/domain/pool/pool.ts'
import { PrismaClient } from '../../src/generated/prisma/client.ts'
import type { Keyring } from '../../src/keys/keyring.ts'
import { Lifecycle } from '../../src/lifecycle.ts'
import { testDatabase } from './database.ts'
import { shared } from './shared.ts'

export const silent = pino({ level: 'silent' })

export interface BooksOptions {
  /** The URL of a proxy, for example, if the database is not reached directly. */
  url?: string
  /** The maximum number of connections. */
  maxConnections?: number
  /** Neither sends nor receives notifications, as if they were lost. */
  losesNotices?: boolean
  /** Where it logs; nowhere by default. */
  log?: pino.Logger
  /** Its master keys; none by default. */
  keyring?: Keyring
  /** Its clock; by default that of the machine. */
  now?: () => Date
}

/** Books on a new database, or on that of a service, with a new account. */
export interface TestBooks extends AsyncDisposable {
  readonly books: Books
  readonly accountId: string
  readonly databaseUrl: string
  /** Books on the same database, as of another process. */
  another(options?: BooksOptions): Promise<Books>
  close(): Promise<void>
}

export async function openBooks(existing?: { databaseUrl: string }): Promise<TestBooks> {
  const lifecycle = new Lifecycle()
  const databaseUrl = existing?.databaseUrl ?? (await openDatabase(lifecycle))
  const another = (options: BooksOptions = {}) =>
    openProcess(lifecycle, { ...options, url: options.url ?? databaseUrl })
  const books = await another()
  const accountId = await newAccount(books)
  const close = () => lifecycle.close()
  return { books, accountId, databaseUrl, another, close, [Symbol.asyncDispose]: close }
}

/** Books for the tests of a file or suite, opened before them and closed after them: see `shared`. */
export function useBooks(existing?: { databaseUrl: string }): TestBooks {
  return shared(() => openBooks(existing))
}

async function openDatabase(lifecycle: Lifecycle): Promise<string> {
  const database = await lifecycle.open(
    'test database',
    () => testDatabase({ max: 2 }),
    (opened) => opened.close(),
  )
  return database.url
}

async function openProcess(lifecycle: Lifecycle, options: BooksOptions & { url: string }): Promise<Books> {
  const { url, maxConnections = 6, losesNotices = false, log = silent, keyring, now } = options
  const connections = await lifecycle.open(
    'connections',
    () => openConnections(url, { max: maxConnections, log: silent }),
    (opened) => opened.end(),
  )
  const prisma = await lifecycle.open(
    'Prisma',
    () => new PrismaClient({ adapter: new PrismaPg(connections) }),
    (opened) => opened.$disconnect(),
  )
  const notifications = await lifecycle.open(
    'notifications',
    () => openNotifications(connections, url, losesNotices),
    (opened) => opened.close(),
  )
  return new Books({
    connections,
    prisma,
    notifications,
    log,
    ...(keyring && { keyring }),
    ...(now && { now }),
  })
}

async function openNotifications(
  connections: pg.Pool,
  url: string,
  losesNotices: boolean,
): Promise<Notifications> {
  const connection = connectionConfig(url)
  if (!losesNotices) {
    const notifications = new Notifications({ connections, connection, log: silent })
    await notifications.open()
    return notifications
  }
  const ended = new pg.Pool(connection)
  await ended.end()
  return new Notifications({ connections: ended, connection, log: silent })
}

/** Resolves to the id of a new account. */
export async function newAccount(books: Books): Promise<string> {
  return (await createAccount(books.connections, randomUUID())).accountId
}

/** An account, and the books that it is in. */
export type Place = Pick<TestBooks, 'books' | 'accountId'>

/** A new account on the same books. */
export async function newPlace({ books }: Pick<Place, 'books'>): Promise<Place> {
  return { books, accountId: await newAccount(books) }
}

/** Resolves to the id of a new format that overlaps with no other: `length` random characters after a prefix. */
export async function newFormat(
  { books, accountId }: Place,
  shape: { length?: number; characters?: ShapeInput['characters'] } = {},
): Promise<string> {
  const { length = 10, characters = { set: 'UNAMBIGUOUS' } } = shape
  const prefix = `${randomUUID()}-`
  return await createFormat(books, accountId, {
    name: prefix,
    shape: { prefix, suffix: '', body: { length }, characters },
  })
}

/** Resolves to the id of a new format with this capacity. */
export async function newSmallFormat(place: Place, capacity: number): Promise<string> {
  const list = Array.from({ length: capacity }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('')
  return await newFormat(place, { length: 1, characters: { list } })
}

/** Resolves to the id of a new pool, with a Promo Codes section if one is given. */
export async function newPool(
  { books, accountId }: Place,
  settings?: Partial<Omit<ReplenishmentInput, 'poolId'>>,
): Promise<string> {
  const poolId = await createPool(books, accountId, { name: randomUUID() })
  if (settings !== undefined)
    await saveReplenishment(books, accountId, {
      poolId,
      method: 'GENERATE',
      autoGenerate: false,
      refillThreshold: 0n,
      ...settings,
    })
  return poolId
}

/** Generates codes into a pool. Resolves to the id of the completed task. */
export async function fill(
  { books, accountId }: Place,
  poolId: string,
  formatId: string,
  quantity: bigint,
): Promise<string> {
  const taskId = await generateCodes(books, accountId, { poolId, formatId, quantity })
  if (!(await runGeneration(books, { accountId, taskId }))) throw new Error('Somebody else has the task.')
  return taskId
}

export async function poolNow({ books, accountId }: Place, poolId: string): Promise<PoolState> {
  const pool = await readPool(books, accountId, poolId)
  if (pool === undefined) throw new Error(`There is no pool ${poolId}.`)
  return pool
}

export async function formatNow({ books, accountId }: Place, formatId: string): Promise<Format> {
  const format = await readFormat(books, accountId, formatId)
  if (format === undefined) throw new Error(`There is no format ${formatId}.`)
  return format
}
