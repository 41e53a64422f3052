import type { Logger } from 'pino'
import { Pacer } from './async/pacer.ts'
import { Scheduler } from './async/scheduler.ts'
import { Revocations } from './domain/account/revocations.ts'
import type { Books } from './domain/books/books.ts'
import { Claims } from './domain/claim/claim.ts'
import { GuessLimit } from './domain/code/guess-limit.ts'
import { LookUps } from './domain/code/lookup.ts'
import { followPools } from './domain/pool/live-pools.ts'
import { EventFeed } from './domain/subscription/event-feed.ts'
import { followUploads } from './domain/upload/live-uploads.ts'
import { Uploads } from './domain/upload/receive.ts'
import type { Services } from './graphql/context.ts'
import { Subscriber } from './graphql/subscriber.ts'
import type { Lifecycle } from './lifecycle.ts'
import { Authentication } from './server/authentication.ts'

export interface PartsOptions {
  /** The largest file of codes that is accepted. */
  maxUploadBytes: number
  /** How many look-ups of a key may find nothing in a minute; 0 sets no limit. */
  failedLookUpsPerMinute: number
  log: Logger
}

/** What all servers of a process answer with, whatever requests come over. */
export interface Parts {
  services: Services
  authentication: Authentication
  subscriber: Subscriber
}

/** Opens the parts with `lifecycle`, which closes them. */
export async function openParts(lifecycle: Lifecycle, books: Books, options: PartsOptions): Promise<Parts> {
  const { log } = options
  const open = <Part extends { close(): unknown }>(name: string, make: () => Part) =>
    lifecycle.open(name, make, (opened) => opened.close())
  const pacer = new Pacer()
  const authentication = await open('authentication', () => new Authentication(books, log))
  const services: Services = {
    books,
    claims: new Claims(books),
    uploads: new Uploads(books, options.maxUploadBytes),
    lookUps: new LookUps(books),
    keyUses: authentication.keyUses,
    guesses: new GuessLimit(options.failedLookUpsPerMinute),
    feed: await open('events', () => new EventFeed(books, pacer, log)),
    livePools: await open('live pools', () => followPools(books, log)),
    liveUploads: await open('live uploads', () => followUploads(books, log)),
    revocations: await open('revocations', () => new Revocations(books, log)),
    scheduler: new Scheduler(),
    pacer,
  }
  const subscriber = await open('subscriptions', () => new Subscriber(pacer, log))
  return { services, authentication, subscriber }
}
