import type { Pacer } from '../async/pacer.ts'
import type { Scheduler } from '../async/scheduler.ts'
import type { KeyUses } from '../domain/account/key-uses.ts'
import type { KeyWatch } from '../domain/account/revocations.ts'
import type { Books } from '../domain/books/books.ts'
import type { Claims } from '../domain/claim/claim.ts'
import type { GuessLimit } from '../domain/code/guess-limit.ts'
import type { LookUps } from '../domain/code/lookup.ts'
import type { EventFeed } from '../domain/subscription/event-feed.ts'
import type { RowPoller } from '../domain/subscription/row-poller.ts'
import type { LiveUpload } from '../domain/upload/live-uploads.ts'
import type { Uploads } from '../domain/upload/receive.ts'
import type { Pool, Scope } from '../generated/prisma/client.ts'
import { Nodes } from './nodes.ts'
import { Lane } from './pacing.ts'

// How much of what an operation reads from the database is read at a time.
const maxReading = 8

/** What the service is made of, as far as the API needs it. */
export interface Services {
  books: Books
  claims: Claims
  lookUps: LookUps
  guesses: GuessLimit
  keyUses: KeyUses
  uploads: Uploads
  feed: EventFeed
  livePools: RowPoller<Pool>
  liveUploads: RowPoller<LiveUpload>
  keys: KeyWatch
  scheduler: Scheduler
  pacer: Pacer
}

/** Whose request it is. */
export interface Credentials {
  accountId: string
  keyId: string
  scopes: readonly Scope[]
}

/** What every resolver is given: the services, whose request it is, and nodes of that account by their ids. */
export interface Context extends Services, Credentials {
  nodes: Nodes
  /** How long the request was, in characters. */
  requestLength: number
  /** What the operation reads from the database, a part at a time. */
  reading: Lane
  /** Where the event log stood before the operation began, if the operation asks for it. */
  eventCursor?: string
}

export function createContext(services: Services, credentials: Credentials, requestLength: number): Context {
  const nodes = new Nodes(services.books, credentials.accountId, { toldOnce: false })
  const reading = new Lane(maxReading, services.pacer)
  return { ...services, ...credentials, requestLength, reading, nodes }
}
