import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { Lanes, type LanesOptions } from '../../async/lanes.ts'
import { logRetry, Poll } from '../../async/poll.ts'
import { Semaphore } from '../../async/semaphore.ts'
import type { Books } from '../../domain/books/books.ts'
import {
  findAllPending,
  findOverdue,
  findPending,
  type PendingWebhook,
} from '../../domain/webhook/deliver.ts'
import { maxWebhooks } from '../../domain/webhook/webhook.ts'
import type { OutgoingClient } from '../../outgoing/client.ts'
import { type RunEnd, type RunOptions, WebhookRun } from './webhook-run.ts'

// How late a webhook is tried again, or taken over from a process that has died.
const overdueEveryMs = 1_000

// How late events are whose notification was lost. The statement looks at every webhook.
const pendingEveryMs = 5_000

// What a look finds at a time.
const maxFound = 5_000

/** Attempts in flight at a time to webhooks that work, besides `maxSlowDeliveries`. */
const maxDeliveries = 50

/**
 * Attempts that take longer than 100 ms and do not count toward `maxDeliveries`: as many webhooks can begin to hang at the same
 * time, and delay no other. Each waits for fifteen seconds at most, and is then retried among the next.
 */
const maxSlowDeliveries = 250

/** Attempts in flight at a time to webhooks that have failed: these delay each other alone. */
const maxRetries = 100

// Statements at a time: claims and requests use the same connections.
const maxStatements = 3

// How long a process that stops waits for answers.
const graceMs = 1_000

const purpose = 'deliver to a webhook'

export interface WebhookWorkerOptions {
  books: Books
  outgoing: OutgoingClient
  log: Logger
}

/**
 * Delivers the events of all accounts to their webhooks. A notification makes it look at the webhooks of an account; a clock, at
 * those whose next attempt is due and at whatever was missed. Webhooks that hang delay no others, within the bounds above, and
 * accounts have equal shares. Any number of processes can share a database.
 */
export class WebhookWorker {
  readonly #books: Books
  readonly #log: Logger
  readonly #run: RunOptions
  readonly #closing = new AbortController()
  readonly #abandoning = new AbortController()
  readonly #deliveries: Lanes<[accountId: string], PendingWebhook, void>
  readonly #retries: Lanes<[accountId: string], PendingWebhook, void>
  /** The webhooks that wait for their run or have one, by id, and whether they have to run again after it. */
  readonly #running = new Map<string, { runsAgain: boolean; ended: Promise<void> }>()
  /** The accounts that have new events. */
  readonly #accounts = new Set<string>()
  readonly #polls: { newEvents: Poll; overdue: Poll; pending: Poll }
  readonly #stopListening: () => void

  constructor({ books, outgoing, log }: WebhookWorkerOptions) {
    this.#books = books
    this.#log = log
    this.#run = {
      books,
      outgoing,
      log,
      courierId: randomUUID(),
      statements: new Semaphore(maxStatements),
      isClosing: () => this.#closing.signal.aborted,
      abandon: this.#abandoning.signal,
    }
    this.#deliveries = this.#openLanes({ maxGroups: maxDeliveries, maxSlowGroups: maxSlowDeliveries })
    this.#retries = this.#openLanes({ maxGroups: maxRetries })
    this.#polls = {
      newEvents: new Poll({
        purpose: 'look for webhooks of an account',
        run: () => this.#findOfAccounts(),
        log,
      }),
      overdue: new Poll({
        purpose: 'look for webhooks to try again',
        run: async () => this.#start(await findOverdue(books, books.now(), maxFound)),
        everyMs: overdueEveryMs,
        log,
      }),
      pending: new Poll({
        purpose: 'look for webhooks with new events',
        run: async () => this.#start(await findAllPending(books, this.#courier, maxFound)),
        everyMs: pendingEveryMs,
        log,
      }),
    }
    this.#stopListening = books.notifications.on('events', (accountId) => {
      if (accountId === undefined) this.#polls.pending.wake()
      else {
        this.#accounts.add(accountId)
        this.#polls.newEvents.wake()
      }
    })
    this.#polls.pending.wake()
    this.#polls.overdue.wake()
  }

  /** Begins no more attempts. Attempts in flight have a second to end, and are made again by another process otherwise. */
  async close(): Promise<void> {
    this.#stopListening()
    this.#closing.abort()
    await Promise.all(Object.values(this.#polls).map((poll) => poll.close()))
    const grace = setTimeout(() => this.#abandoning.abort(), graceMs)
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
    clearTimeout(grace)
  }

  get #courier() {
    return { id: this.#run.courierId, now: this.#books.now() }
  }

  async #findOfAccounts(): Promise<void> {
    for (const accountId of this.#accounts) {
      if (this.#closing.signal.aborted) return
      // First, so that an event that comes now is looked for again.
      this.#accounts.delete(accountId)
      this.#start(await findPending(this.#books, accountId, this.#courier))
    }
  }

  #start(found: readonly PendingWebhook[]): void {
    for (const webhook of found) {
      const running = this.#running.get(webhook.webhookId)
      if (running !== undefined) running.runsAgain = true
      else if (!this.#closing.signal.aborted) this.#startOne(webhook)
    }
  }

  #startOne(webhook: PendingWebhook): void {
    const lanes = webhook.isFailing ? this.#retries : this.#deliveries
    const ended = lanes.add([webhook.accountId], webhook)
    this.#running.set(webhook.webhookId, { runsAgain: false, ended })
  }

  #openLanes(bounds: Pick<LanesOptions<[string], PendingWebhook, void>, 'maxGroups' | 'maxSlowGroups'>) {
    return new Lanes<[accountId: string], PendingWebhook, void>({
      ...bounds,
      of: 'deliveries',
      // An account delays none of its own webhooks either.
      maxGroupsOfKey: maxWebhooks,
      maxItems: 1,
      serve: async (_key, group) => {
        const webhooks = group.close()
        for (const webhook of webhooks) this.#ended(webhook, await this.#runOne(webhook))
        return webhooks.map(() => undefined)
      },
    })
  }

  /** Never rejects. */
  async #runOne({ accountId, webhookId }: PendingWebhook): Promise<RunEnd> {
    const ref = { accountId, webhookId }
    try {
      return await new WebhookRun(ref, this.#run).run()
    } catch (error) {
      if (!this.#abandoning.signal.aborted) logRetry(this.#log, error, purpose, ref)
      return { hasMore: false, isFailing: false }
    }
  }

  #ended(webhook: PendingWebhook, { hasMore, isFailing }: RunEnd): void {
    const runsAgain = this.#running.get(webhook.webhookId)?.runsAgain === true
    this.#running.delete(webhook.webhookId)
    if (hasMore || runsAgain) this.#start([{ ...webhook, isFailing }])
  }
}
