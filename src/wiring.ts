import type { Logger } from 'pino'
import { Scheduler } from './async/scheduler.ts'
import { KeyWatch } from './domain/account/revocations.ts'
import type { Books } from './domain/books/books.ts'
import { Claims } from './domain/claim/claim.ts'
import { GuessLimit } from './domain/code/guess-limit.ts'
import { LookUps } from './domain/code/lookup.ts'
import { EventFeed } from './domain/subscription/event-feed.ts'
import { watchPools, watchTasks } from './domain/subscription/row-poller.ts'
import { Turns } from './domain/turns.ts'
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
  const turns = new Turns()
  const authentication = await open('authentication', () => new Authentication(books, log))
  const services: Services = {
    books,
    claims: new Claims(books),
    uploads: new Uploads(books, options.maxUploadBytes),
    lookUps: new LookUps(books),
    keyUses: authentication.keyUses,
    guesses: new GuessLimit(options.failedLookUpsPerMinute),
    feed: await open('events', () => new EventFeed(books, turns, log)),
    pools: await open('watched pools', () => watchPools(books, log)),
    tasks: await open('watched tasks', () => watchTasks(books, log)),
    keys: await open('keys in use', () => new KeyWatch(books, log)),
    scheduler: new Scheduler(),
    turns,
  }
  const subscriber = await open('subscriptions', () => new Subscriber(turns, log))
  return { services, authentication, subscriber }
}
