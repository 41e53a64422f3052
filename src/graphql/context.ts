import type { Books } from '../domain/books.ts'
import type { Claims } from '../domain/claim.ts'
import type { EventFeed } from '../domain/feed.ts'
import type { GuessLimit } from '../domain/guess-limit.ts'
import type { KeyUses } from '../domain/key-uses.ts'
import type { KeyWatch } from '../domain/keywatch.ts'
import type { LookUps } from '../domain/lookup.ts'
import type { Uploads } from '../domain/upload.ts'
import type { Watch } from '../domain/watch.ts'
import type { Pool, Scope, Task } from '../generated/prisma/client.ts'
import { Nodes } from './nodes.ts'

/** What the service is made of, as far as the API needs it. */
export interface Services {
  books: Books
  claims: Claims
  lookUps: LookUps
  guesses: GuessLimit
  keyUses: KeyUses
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
  nodes: Nodes
  /** Where the event log stood before the operation began, if the operation asks for it. */
  eventCursor?: string
}

export function createContext(services: Services, credentials: Credentials): Context {
  const nodes = new Nodes(services.books.prisma, credentials.accountId, { toldOnce: false })
  return { ...services, ...credentials, nodes }
}
