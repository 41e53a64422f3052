import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { Groups, type GroupsOptions } from '../../async/groups.ts'
import { logRetry, Poll } from '../../async/poll.ts'
import { Semaphore } from '../../async/semaphore.ts'
import { isUnavailable } from '../../database/errors.ts'
import type { Books } from '../../domain/books/books.ts'
import { leaveQueue, readQueue } from '../../domain/books/queue.ts'
import { findPending, findSending, type PendingWebhook } from '../../domain/webhook/deliver.ts'
import { maxWebhooks } from '../../domain/webhook/webhook.ts'
import type { OutgoingClient } from '../../outgoing/client.ts'
import { type RunEnd, type RunOptions, WebhookRun } from './webhook-run.ts'

// How late a webhook may be tried again, or taken over from a process that has died; and how late events whose notification was
// lost are noticed.
const pollEveryMs = 5_000

// Accounts with new events whose webhooks are looked for at a time.
const maxAccountsAtOnce = 100

/** Webhooks that are delivered to at a time, besides `maxSlowRuns`. */
const maxRuns = 50

/**
 * Webhooks that have taken longer than 100 ms and do not count toward `maxRuns`: as many can begin to hang at the same time, and
 * delay no other. Each waits for fifteen seconds at most, and is then retried among those that have failed.
 */
const maxSlowRuns = 250

/** Webhooks that have failed and are tried again at a time: these delay each other alone. */
const maxRetries = 100

// Statements at a time: claims and requests use the same connections.
const maxStatements = 3

// How long a process that stops waits for answers.
const graceMs = 1_000

const purpose = 'deliver to a webhook'

const idle: RunEnd = { hasMore: false, isFailing: false }

export interface WebhookWorkerOptions {
  books: Books
  outgoing: OutgoingClient
  log: Logger
}

type RunGroups = Groups<[accountId: string], PendingWebhook, void>
type RunBounds = Pick<
  GroupsOptions<[accountId: string], PendingWebhook, void>,
  'of' | 'maxGroups' | 'maxSlowGroups'
>

/**
 * Delivers the events of all accounts to their webhooks. A notification makes it look at the webhooks of an account that has new
 * events; a clock, at those of all accounts in the queue, which are those that have webhooks. Webhooks that hang delay no others,
 * within the bounds above, and accounts have equal shares. Any number of processes can share a database.
 */
export class WebhookWorker {
  readonly #books: Books
  readonly #log: Logger
  readonly #options: RunOptions
  readonly #closing = new AbortController()
  readonly #abandoning = new AbortController()
  readonly #working: RunGroups
  readonly #failing: RunGroups
  /** The webhooks that wait for their run or have one, by id, and whether they have to run again after it. */
  readonly #running = new Map<string, { runsAgain: boolean; ended: Promise<void> }>()
  /** The accounts in the queue, as of the last look: events of others are of no interest. */
  #withWebhooks = new Set<string>()
  /** Those of them that have new events. */
  readonly #withEvents = new Set<string>()
  readonly #newEvents: Poll
  readonly #all: Poll
  readonly #stopListening: (() => void)[]

  constructor({ books, outgoing, log }: WebhookWorkerOptions) {
    this.#books = books
    this.#log = log
    this.#options = {
      books,
      outgoing,
      log,
      courierId: randomUUID(),
      statements: new Semaphore(maxStatements),
      isClosing: () => this.#closing.signal.aborted,
      abandon: this.#abandoning.signal,
    }
    this.#working = this.#openGroups({ of: 'webhooks', maxGroups: maxRuns, maxSlowGroups: maxSlowRuns })
    this.#failing = this.#openGroups({ of: 'failing webhooks', maxGroups: maxRetries })
    this.#newEvents = new Poll({
      purpose: 'look for webhooks of accounts with new events',
      run: () => this.#findOfAccounts(),
      log,
    })
    this.#all = new Poll({
      purpose: 'look for webhooks that have something to send',
      run: () => this.#findAll(),
      everyMs: pollEveryMs,
      log,
    })
    this.#stopListening = [
      books.notifications.on('webhooks', () => this.#all.wake()),
      books.notifications.on('events', (accountId) => {
        if (accountId === undefined) this.#all.wake()
        else if (this.#withWebhooks.has(accountId)) {
          this.#withEvents.add(accountId)
          this.#newEvents.wake()
        }
      }),
    ]
    this.#all.wake()
  }

  /** Begins no more attempts. Attempts in flight have a second to end, and are made again by another process otherwise. */
  async close(): Promise<void> {
    for (const stop of this.#stopListening) stop()
    this.#closing.abort()
    await Promise.all([this.#newEvents.close(), this.#all.close()])
    const grace = setTimeout(() => this.#abandoning.abort(), graceMs)
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
    clearTimeout(grace)
  }

  get #courier() {
    return { id: this.#options.courierId, now: this.#books.now() }
  }

  /** Resolves to whether more accounts wait. */
  async #findOfAccounts(): Promise<boolean> {
    const accountIds = [...this.#withEvents].slice(0, maxAccountsAtOnce)
    // Before the look, so that an event that comes during it is looked for again.
    for (const accountId of accountIds) this.#withEvents.delete(accountId)
    await this.#books.reach.eachNode(accountIds, (ids) =>
      this.#told(ids, async () => this.#start(await findPending(this.#books, ids, this.#courier))),
    )
    return this.#withEvents.size > 0
  }

  async #findAll(): Promise<void> {
    const found = new Set<string>()
    for await (const page of readQueue(this.#books, 'WEBHOOKS')) {
      if (this.#closing.signal.aborted) return
      const queued = new Map(page.map((account) => [account.accountId, account]))
      // Before the look at their webhooks, so that an event that comes during it is looked for.
      for (const accountId of queued.keys()) {
        found.add(accountId)
        this.#withWebhooks.add(accountId)
      }
      await this.#books.reach.eachNode([...queued.keys()], async (ids) => {
        await this.#told(ids, async () => this.#start(await findPending(this.#books, ids, this.#courier)))
        await this.#told(ids, async () => {
          const sending = await findSending(this.#books, ids)
          for (const id of ids) {
            const account = queued.get(id)
            if (account !== undefined && !sending.has(id))
              await this.#told([id], () => leaveQueue(this.#books, account))
          }
        })
      })
    }
    this.#withWebhooks = found
  }

  /**
   * Does something for accounts, and tells if it fails, so that others do not wait. Rejects only if the database is
   * unavailable.
   */
  async #told(accountIds: readonly string[], work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (isUnavailable(error)) throw error
      logRetry(this.#log, error, 'look for webhooks', { accountIds })
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
    const groups = webhook.isFailing ? this.#failing : this.#working
    const ended = groups.add([webhook.accountId], webhook)
    this.#running.set(webhook.webhookId, { runsAgain: false, ended })
  }

  #openGroups(bounds: RunBounds): RunGroups {
    return new Groups<[accountId: string], PendingWebhook, void>({
      ...bounds,
      // An account delays none of its own webhooks either.
      maxGroupsOfKey: maxWebhooks,
      maxItems: 1,
      serve: async (_key, group) => {
        const webhooks = group.close()
        for (const webhook of webhooks) this.#ended(webhook, await this.#run(webhook))
        return webhooks.map(() => undefined)
      },
    })
  }

  /** Never rejects. */
  async #run({ accountId, webhookId }: PendingWebhook): Promise<RunEnd> {
    const { reach } = this.#books
    const ref = { accountId, webhookId }
    try {
      return (await reach.has(accountId)) ? await new WebhookRun(ref, this.#options).run() : idle
    } catch (error) {
      const isExpected = this.#abandoning.signal.aborted || (await reach.isLost(accountId, error))
      if (!isExpected) logRetry(this.#log, error, purpose, ref)
      return idle
    }
  }

  #ended(webhook: PendingWebhook, { hasMore, isFailing }: RunEnd): void {
    const runsAgain = this.#running.get(webhook.webhookId)?.runsAgain === true
    this.#running.delete(webhook.webhookId)
    if (hasMore || runsAgain) this.#start([{ ...webhook, isFailing }])
  }
}
