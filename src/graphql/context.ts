import DataLoader from 'dataloader'
import type { Books } from '../domain/books.ts'
import type { Claims } from '../domain/claim.ts'
import type { EventFeed } from '../domain/feed.ts'
import type { GuessLimit } from '../domain/guess-limit.ts'
import type { KeyWatch } from '../domain/keywatch.ts'
import type { LookUps } from '../domain/lookup.ts'
import type { Uploads } from '../domain/upload.ts'
import type { Watch } from '../domain/watch.ts'
import type { Format, Pool, Scope, Task } from '../generated/prisma/client.ts'

/** What the service is made of, as far as the API needs it. */
export interface Services {
  books: Books
  claims: Claims
  lookUps: LookUps
  guesses: GuessLimit
  uploads: Uploads
  feed: EventFeed
  pools: Watch<Pool>
  tasks: Watch<Task>
  keys: KeyWatch
}

/** Whose request it is. */
export interface Credentials {
  accountId: string
  keyId: string
  scopes: readonly Scope[]
}

/** What every resolver is given: the services, whose request it is, and nodes of that account by their ids. */
export interface Context extends Services, Credentials {
  nodes: NodeLoaders
  /** How long the request was, in characters. */
  requestLength: number
  /** Where the event log stood before the operation began, if the operation asks for it. */
  eventCursor?: string
}

/** Nodes of the account by id, as they are now; null where there is none. */
export interface NodeLoaders {
  format: DataLoader<string, Format | null>
  pool: DataLoader<string, Pool | null>
  task: DataLoader<string, Task | null>
}

export function createContext(services: Services, credentials: Credentials, requestLength: number): Context {
  const { prisma } = services.books
  const { accountId } = credentials
  const of = (ids: readonly string[]) => ({ where: { accountId, id: { in: padded(ids) } } })
  return {
    ...services,
    ...credentials,
    requestLength,
    nodes: {
      format: byId((ids) => prisma.format.findMany(of(ids))),
      pool: byId((ids) => prisma.pool.findMany(of(ids))),
      task: byId((ids) => prisma.task.findMany(of(ids))),
    },
  }
}

/**
 * The ids, of which the last comes again until they are a power of two. Prisma keeps how it runs a query for each number
 * of ids, which a client chooses: for 300 numbers above a thousand that took 18 MB.
 */
function padded(ids: readonly string[]): string[] {
  const count = 2 ** Math.ceil(Math.log2(ids.length))
  return [...ids, ...ids.slice(-1).flatMap((last) => Array<string>(count - ids.length).fill(last))]
}

/**
 * Loads what is asked for in one turn together. Nothing is kept: a subscription's context lives long, and a node
 * is always told as it is now.
 */
function byId<Row extends { id: string }>(
  load: (ids: readonly string[]) => Promise<Row[]>,
): DataLoader<string, Row | null> {
  return new DataLoader(
    async (ids) => {
      const rows = new Map((await load([...new Set(ids)])).map((row) => [row.id, row]))
      return ids.map((id) => rows.get(id) ?? null)
    },
    { cache: false, maxBatchSize: 10_000 },
  )
}
