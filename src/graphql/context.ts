import DataLoader from 'dataloader'
import type { Books } from '../domain/books.ts'
import type { Claims } from '../domain/claim.ts'
import type { EventFeed } from '../domain/feed.ts'
import type { GuessLimit } from '../domain/guess-limit.ts'
import type { KeyWatch } from '../domain/keywatch.ts'
import type { LookUps } from '../domain/lookup.ts'
import { readUploadWaits, type Uploads, type UploadWait } from '../domain/upload.ts'
import type { Watch, WatchedTask } from '../domain/watch.ts'
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
  tasks: Watch<WatchedTask>
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
  /** Where the event log stood before the operation began, if the operation asks for it. */
  eventCursor?: string
}

/** Nodes of the account by id, as they are now; null where there is none. */
export interface NodeLoaders {
  format: DataLoader<string, Format | null>
  pool: DataLoader<string, Pool | null>
  task: DataLoader<string, Task | null>
  /** What an upload waits for; null for one that does not wait. */
  uploadWait: DataLoader<string, UploadWait | null>
}

export function createContext(services: Services, credentials: Credentials): Context {
  const { prisma } = services.books
  const { accountId } = credentials
  const of = (ids: readonly string[]) => ({ where: { accountId, id: { in: [...ids] } } })
  return {
    ...services,
    ...credentials,
    nodes: {
      format: byId((ids) => prisma.format.findMany(of(ids))),
      pool: byId((ids) => prisma.pool.findMany(of(ids))),
      task: byId((ids) => prisma.task.findMany(of(ids))),
      uploadWait: new DataLoader(
        async (ids) => {
          const waits = await readUploadWaits(services.books, accountId, [...new Set(ids)])
          return ids.map((id) => waits.get(id) ?? null)
        },
        { cache: false, maxBatchSize: 10_000 },
      ),
    },
  }
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
