import { errorTypeMap } from '@pothos/plugin-errors'
import type { GraphQLField, GraphQLFieldResolver } from 'graphql'
import type { Pacer } from '../async/pacer.ts'
import type { Scheduler } from '../async/scheduler.ts'
import { Semaphore } from '../async/semaphore.ts'
import type { LastUses } from '../domain/account/last-uses.ts'
import type { Revocations } from '../domain/account/revocations.ts'
import type { Books } from '../domain/books/books.ts'
import type { Claims } from '../domain/claim/claim.ts'
import type { GuessLimit } from '../domain/code/guess-limit.ts'
import type { LookUps } from '../domain/code/lookup.ts'
import type { PoolState } from '../domain/pool/pool.ts'
import type { Redemptions } from '../domain/redemption/redeem.ts'
import type { EventFeed } from '../domain/subscription/event-feed.ts'
import type { RowPoller } from '../domain/subscription/row-poller.ts'
import type { LiveUpload } from '../domain/upload/live-uploads.ts'
import type { Uploads } from '../domain/upload/receive.ts'
import type { TestLimit } from '../domain/webhook/test-limit.ts'
import type { Scope } from '../generated/prisma/client.ts'
import type { OutgoingClient } from '../outgoing/client.ts'
import type { RequestRecord } from '../telemetry/request-record.ts'
import { Nodes } from './nodes.ts'

// Concurrent database reads of one operation.
const maxReading = 8

/** The parts of the service that the API needs. */
export interface Services {
  books: Books
  claims: Claims
  redemptions: Redemptions
  lookUps: LookUps
  guesses: GuessLimit
  keyUses: LastUses
  uploads: Uploads
  feed: EventFeed
  livePools: RowPoller<PoolState>
  liveUploads: RowPoller<LiveUpload>
  revocations: Revocations
  outgoing: OutgoingClient
  webhookTests: TestLimit
  scheduler: Scheduler
  pacer: Pacer
}

/** The account and the API key of a request. */
export interface Credentials {
  accountId: string
  keyId: string
  scopes: readonly Scope[]
  /** The session of the key, if the request was authenticated by one. */
  sessionHash?: string
}

/** The context of every resolver. */
export interface Context extends Services, Credentials {
  /** Loads nodes of the account by id. */
  nodes: Nodes
  /** The length of the request, in characters. */
  requestLength: number
  /** What becomes of the operation, for the log and the metrics. */
  record: RequestRecord
  /** Bounds the concurrent database reads of the operation. */
  reading: Semaphore
  /** The cursor of the event log from before the operation began, if the operation asks for it. */
  eventCursor?: string
}

export function createContext(
  services: Services,
  credentials: Credentials,
  { requestLength, record }: Pick<Context, 'requestLength' | 'record'>,
): Context {
  const books = services.books.actingAs(credentials.keyId)
  const nodes = new Nodes(books, credentials.accountId, { cache: false })
  return {
    ...services,
    ...credentials,
    books,
    requestLength,
    record,
    reading: new Semaphore(maxReading),
    nodes,
  }
}

/**
 * Gives a mutation its own nodes, each loaded once and after its change, and notes the code of its typed error. They can be
 * set on the context, as the mutations of a request run one after the other, each until its payload is complete.
 */
export function withOwnNodes({
  name,
  resolve,
}: GraphQLField<unknown, Context>): GraphQLFieldResolver<unknown, Context> {
  if (resolve === undefined) throw new Error(`The mutation ${name} has no resolver.`)
  return async (root, args, context, info) => {
    context.nodes = new Nodes(context.books, context.accountId, { cache: true })
    const result = await resolve(root, args, context, info)
    if (isTypedError(result)) context.record.noteCode(result.code)
    return result
  }
}

/** Whether a mutation has resolved to a typed error. The errors plugin wraps these, so they are no instances of their class. */
function isTypedError(result: unknown): result is { code: unknown } {
  return typeof result === 'object' && result !== null && errorTypeMap.has(result) && 'code' in result
}
