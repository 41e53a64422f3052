import { type Channel, channel } from 'node:diagnostics_channel'

// What happens in the service, as the code tells it to whoever listens: today the metrics (metrics.ts). Nobody has to
// listen, and then telling costs next to nothing. Durations are in milliseconds.

/** A kind of fact. */
export class Fact<Content extends object> {
  readonly #channel: Channel

  /** `name` is that of its channel, for tools that follow the channels of node:diagnostics_channel. */
  constructor(name: string) {
    this.#channel = channel(`promo-codes:${name}`)
  }

  /** Whether anybody listens. Ask before work that is done only for the telling. */
  get isWanted(): boolean {
    return this.#channel.hasSubscribers
  }

  /** Tells a fact. Listeners run before it returns, and must not throw: an exception would end the process. */
  tell(content: Content): void {
    this.#channel.publish(content)
  }

  /** Calls `listener` for each fact until the returned function is called. */
  on(listener: (content: Content) => void): () => void {
    // Only `tell` publishes on this channel.
    const onMessage = (content: unknown) => listener(content as Content)
    this.#channel.subscribe(onMessage)
    return () => this.#channel.unsubscribe(onMessage)
  }
}

export type OperationKind = 'query' | 'mutation' | 'subscription' | 'unknown'
export type Transport = 'http' | 'websocket'

/** What work in the background is for, as the log says it after "could not". A test holds that none is missing. */
export const workPurposes = [
  'answer an event',
  'backfill a format',
  'backfill formats',
  'check the API keys in use',
  'deliver to a webhook',
  'look after the embedded PostgreSQL',
  'look for a rewind',
  'look for webhooks',
  'look for webhooks of accounts with new events',
  'look for webhooks that have something to send',
  'note the last use of API keys',
  'note the last use of sessions',
  'read an event log',
  'read the event logs',
  'read the followed pools',
  'read the followed uploads',
  'read the overview for the metrics',
  'remove expired rows',
  'run a generation',
  'run the generations of an account',
  'work on uploads',
  'work through the queue of generations',
]

/** What the code tells. The texts in a fact are names that the code has; none comes from a client. */
export const facts = {
  /** An operation of the API was answered; a subscription has begun, or was refused. */
  operation: new Fact<{
    kind: OperationKind
    /** Its root field; "several" for different ones, "other" for none of the schema's own. */
    field: string
    transport: Transport
    /** "OK", or the code of its first error. */
    outcome: string
    durationMs: number
  }>('operation'),
  /**
   * An HTTP request other than an operation has ended. `route`: its name; `status`: 0 if the client left before the answer
   * had begun.
   */
  request: new Fact<{ route: string; status: number; durationMs: number }>('request'),
  /** A key or a session was refused: it does not exist, or no longer works. */
  credentialsRefused: new Fact<{ of: 'key' | 'session' }>('credentials-refused'),
  /** A group of items that were served together (see Groups) has ended. */
  group: new Fact<{
    /** What the items are: "claims". */
    of: string
    /** How long each of them waited for the group. */
    waitsMs: readonly number[]
    /** How long the group has held its place. */
    durationMs: number
  }>('group'),
  /** Codes were claimed, in one transaction. */
  claimed: new Fact<{ claims: number; codes: bigint }>('claimed'),
  /** Requests to redeem codes were decided in one transaction. */
  redeemed: new Fact<{ redeemed: number; repeated: number; refused: number }>('redeemed'),
  /** A redemption was rolled back. */
  rolledBack: new Fact<object>('rolled-back'),
  /** A text was looked up as a code. "refused": its key had looked up too many that do not exist. */
  lookedUp: new Fact<{ outcome: 'found' | 'nothing' | 'refused' }>('looked-up'),
  /** A transaction with events was committed. */
  events: new Fact<{ events: readonly { kind: string }[] }>('events'),
  /** A transaction that added a refill to a pool was committed. */
  refilled: new Fact<{ codes: bigint }>('refilled'),
  /** A task was accepted, or has changed its status. */
  task: new Fact<{
    kind: string
    trigger: string
    status: string
    /** Of one that has just started: how long it waited. */
    waitedMs: number | undefined
    /** Of one that has just ended, and had started: how long it ran. */
    durationMs: number | undefined
    /** Of one that has just failed. */
    failureCode: string | undefined
    /** Of one that has just been completed: how many codes it has added. */
    added: bigint | undefined
  }>('task'),
  /** Rows of an uploaded file were read, and added or rejected. */
  rows: new Fact<{
    accepted: number
    duplicatesInFile: number
    duplicatesInAccount: number
    refused: number
  }>('rows'),
  /** A process with subscribers has read new events of an account: how long after they were written. */
  eventsRead: new Fact<{ delaysMs: readonly number[] }>('events-read'),
  /** A message was sent to a webhook. */
  delivery: new Fact<{
    /** "refused": the receiver has answered, and not accepted it; "unanswered": there was no answer. */
    outcome: 'accepted' | 'refused' | 'unanswered'
    durationMs: number
    /** Of one that was accepted and is for an event: how long after the event. */
    delayMs: number | undefined
  }>('delivery'),
  /** A webhook that worked has failed, one that had failed works again, or one was disabled as it has failed for too long. */
  webhook: new Fact<{ change: 'failed' | 'recovered' | 'disabled' }>('webhook'),
  /** A subscription has begun or ended. */
  subscriptions: new Fact<{ change: 1 | -1 }>('subscriptions'),
  /** A WebSocket was opened or closed. */
  sockets: new Fact<{ change: 1 | -1 }>('sockets'),
  /**
   * Work in the background has failed, and will be tried again, except a generation with the reason "error". `purpose`: as
   * the log says it.
   */
  workFailed: new Fact<{ purpose: string; reason: 'unavailable' | 'conflict' | 'error' }>('work-failed'),
}
