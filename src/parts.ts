import type { Logger } from 'pino'
import { Scheduler } from './async/scheduler.ts'
import type { Books } from './domain/books.ts'
import { Claims } from './domain/claim.ts'
import { EventFeed } from './domain/feed.ts'
import { GuessLimit } from './domain/guess-limit.ts'
import { KeyWatch } from './domain/keywatch.ts'
import { LookUps } from './domain/lookup.ts'
import { Turns } from './domain/turns.ts'
import { Uploads } from './domain/upload.ts'
import { watchPools, watchTasks } from './domain/watch.ts'
import type { Services } from './graphql/context.ts'
import { Subscriber } from './graphql/subscribe.ts'
import type { Lifecycle } from './lifecycle.ts'
import { Authentication } from './server/authentication.ts'

export interface PartsOptions {
  /** The largest file of codes that is accepted. */
  maximumUploadBytes: number
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
    uploads: new Uploads(books, options.maximumUploadBytes),
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
