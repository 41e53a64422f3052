import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type Fact, facts, workPurposes } from './facts.ts'
import { RecentReading } from './recent-reading.ts'

// All metrics of a process. Names and units: https://prometheus.io/docs/practices/naming/. Labels have few values, and none
// that a client chooses: codes of errors, kinds, and names of the schema. To add a metric, see CONTRIBUTING.md.

// In seconds, but for the sizes.
const operationBuckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const waitBuckets = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]
const sizeBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]
const taskBuckets = [0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400]
const delayBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30]

// A scrape within this time gets the text of the one before, as writing it takes some milliseconds.
const maxTextAgeMs = 500

const overviewEveryMs = 30_000

/** The connections to the database that requests and workers share, as `pg` counts them. */
export interface Connections {
  readonly totalCount: number
  readonly idleCount: number
  /** What waits for a connection. */
  readonly waitingCount: number
}

/** What the accounts have in the database, all together. */
export interface Overview {
  /** How many pools have each status, without those that are archived. */
  pools: Readonly<Record<'EMPTY' | 'LOW' | 'READY', number>>
  /** How many of the empty ones have had codes. */
  usedUp: number
  /** The tasks that wait for a worker, by kind; no kind of which none waits. */
  waiting: readonly { kind: string; count: number; oldestSeconds: number }[]
  /** Whether the database may have lost commits, and nobody has followed that up. */
  isRewound: boolean
}

/** What is read when somebody asks for the metrics. */
export interface MetricsSources {
  connections: Connections
  maxConnections: number
  readOverview: () => Promise<Overview>
  /** How many nodes of the database are away, as far as this process has noticed. */
  countNodesAway: () => number
  /** An overview that is younger is not read again; 30 seconds by default. */
  overviewEveryMs?: number | undefined
  /** Gets the reason why an overview could not be read. Until one can be read again, its metrics are left out. */
  onError: (error: unknown) => void
}

/** The metrics of a process. It counts all facts of the process, as a process has one service. */
export class Metrics {
  readonly #collection = new Collection()
  #text: { at: number; text: Promise<string> } | undefined
  /** Brings what is read on demand up to date. */
  #refresh = async () => {}

  /** Counts from now on, until `close`. `role`: of the process. */
  constructor(role: string) {
    const { registry } = this.#collection
    collectDefaultMetrics({ register: registry })
    const info = this.#collection.gauge('process_info', 'The role of the process; the value is 1.', ['role'])
    info.set({ role }, 1)
    for (const follow of [followRequests, followCodes, followTasks, followSubscribers, followWebhooks])
      follow(this.#collection)
  }

  close(): void {
    this.#collection.close()
  }

  /** Also shows the state of the database from now on, until the returned function is called. */
  watch(sources: MetricsSources): () => void {
    const update = showDatabase(this.#collection, sources)
    this.#refresh = update
    return () => {
      this.#refresh = async () => {}
    }
  }

  /** The metrics in the text format of Prometheus. */
  async text(): Promise<string> {
    const now = performance.now()
    if (this.#text === undefined || now - this.#text.at > maxTextAgeMs)
      this.#text = { at: now, text: this.#refresh().then(() => this.#collection.registry.metrics()) }
    return await this.#text.text
  }

  get contentType(): string {
    return this.#collection.registry.contentType
  }
}

/** Makes metrics, whose names begin with `promo_codes_`, and listens to facts for them. */
class Collection {
  readonly registry = new Registry()
  readonly #stops: (() => void)[] = []

  counter<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) {
    return new Counter({ ...this.#named(name, help), labelNames: [...labelNames] })
  }

  gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) {
    return new Gauge({ ...this.#named(name, help), labelNames: [...labelNames] })
  }

  histogram<Label extends string>(
    name: string,
    help: string,
    { labels = [], buckets }: { labels?: readonly Label[]; buckets: number[] },
  ) {
    return new Histogram({ ...this.#named(name, help), labelNames: [...labels], buckets })
  }

  on<Content extends object>(fact: Fact<Content>, listener: (content: Content) => void): void {
    this.#stops.push(fact.on(listener))
  }

  close(): void {
    for (const stop of this.#stops) stop()
  }

  #named(name: string, help: string) {
    return { name: `promo_codes_${name}`, help, registers: [this.registry] }
  }
}

function followRequests(collection: Collection): void {
  const operations = collection.counter(
    'operations_total',
    'Operations of the API that were answered. field: the root field, or "several", or "other". outcome: OK, or the code of the first error.',
    ['kind', 'field', 'transport', 'outcome'],
  )
  const durations = collection.histogram(
    'operation_duration_seconds',
    'Time until an operation was answered; for a subscription, until it began.',
    { labels: ['kind', 'field'], buckets: operationBuckets },
  )
  const failed = collection.counter(
    'failed_operations_total',
    'Operations that failed through no fault of the client: INTERNAL_SERVER_ERROR is a fault of the service, UNAVAILABLE one of the database.',
    ['code'],
  )
  for (const code of ['INTERNAL_SERVER_ERROR', 'UNAVAILABLE']) failed.inc({ code }, 0)
  collection.on(facts.operation, ({ kind, field, transport, outcome, durationMs }) => {
    operations.inc({ kind, field, transport, outcome })
    durations.observe({ kind, field }, durationMs / 1_000)
    if (outcome === 'INTERNAL_SERVER_ERROR' || outcome === 'UNAVAILABLE') failed.inc({ code: outcome })
  })

  const requests = collection.counter(
    'http_requests_total',
    'HTTP requests that have ended, apart from operations. status: 0 if the client left before the answer.',
    ['route', 'status'],
  )
  const requestDurations = collection.histogram(
    'http_request_duration_seconds',
    'Time until such a request had ended.',
    { labels: ['route'], buckets: operationBuckets },
  )
  collection.on(facts.request, ({ route, status, durationMs }) => {
    requests.inc({ route, status })
    requestDurations.observe({ route }, durationMs / 1_000)
  })

  const refused = collection.counter(
    'credentials_refused_total',
    'API keys and sessions that were refused because they do not exist or no longer work.',
    ['of'],
  )
  for (const what of ['key', 'session']) refused.inc({ of: what }, 0)
  collection.on(facts.credentialsRefused, ({ of }) => refused.inc({ of }))
}

function followCodes(collection: Collection): void {
  const claims = collection.counter('claims_total', 'Claims that were made.')
  const codes = collection.counter('claimed_codes_total', 'Codes that were claimed.')
  const short = collection.counter(
    'short_claims_total',
    'Operations that were refused with NOT_ENOUGH_CODES, as the pool had fewer codes than they claim.',
  )
  collection.on(facts.operation, ({ outcome }) => {
    if (outcome === 'NOT_ENOUGH_CODES') short.inc()
  })
  collection.on(facts.claimed, (claimed) => {
    claims.inc(claimed.claims)
    codes.inc(Number(claimed.codes))
  })

  const sizes = collection.histogram(
    'group_items',
    'Claims, redemptions and the like that were served together.',
    {
      labels: ['of'],
      buckets: sizeBuckets,
    },
  )
  const waits = collection.histogram('group_wait_seconds', 'Time that each of them waited to be served.', {
    labels: ['of'],
    buckets: waitBuckets,
  })
  const durations = collection.histogram('group_duration_seconds', 'Time that serving them took.', {
    labels: ['of'],
    buckets: waitBuckets,
  })
  collection.on(facts.group, ({ of, waitsMs, durationMs }) => {
    sizes.observe({ of }, waitsMs.length)
    for (const waitMs of waitsMs) waits.observe({ of }, waitMs / 1_000)
    durations.observe({ of }, durationMs / 1_000)
  })

  const redemptions = collection.counter(
    'redemptions_total',
    'Requests to redeem a code that was found, by outcome: redeemed, repeated or refused; and redemptions that were rolled_back.',
    ['outcome'],
  )
  for (const outcome of ['redeemed', 'repeated', 'refused', 'rolled_back']) redemptions.inc({ outcome }, 0)
  collection.on(facts.redeemed, ({ redeemed, repeated, refused }) => {
    redemptions.inc({ outcome: 'redeemed' }, redeemed)
    redemptions.inc({ outcome: 'repeated' }, repeated)
    redemptions.inc({ outcome: 'refused' }, refused)
  })
  collection.on(facts.rolledBack, () => redemptions.inc({ outcome: 'rolled_back' }))

  const lookUps = collection.counter(
    'look_ups_total',
    'Texts that were looked up as codes, by outcome: found, nothing, or refused, as the key had looked up too many that do not exist.',
    ['outcome'],
  )
  for (const outcome of ['found', 'nothing', 'refused']) lookUps.inc({ outcome }, 0)
  collection.on(facts.lookedUp, ({ outcome }) => lookUps.inc({ outcome }))

  const poolEvents = collection.counter(
    'pool_events_total',
    'Events of pools that this process has written, by kind. POOL_LOW, POOL_EMPTY: the stock has fallen to the threshold, or to nothing.',
    ['kind'],
  )
  for (const kind of ['POOL_LOW', 'POOL_EMPTY', 'POOL_REFILLED', 'POOL_REFILL_FAILED'])
    poolEvents.inc({ kind }, 0)
  collection.on(facts.events, ({ events }) => {
    for (const { kind } of events) poolEvents.inc({ kind })
  })

  const refilled = collection.counter('refilled_codes_total', 'Codes that refills have added to pools.')
  collection.on(facts.refilled, (refill) => refilled.inc(Number(refill.codes)))
}

function followTasks(collection: Collection): void {
  const tasks = collection.counter('tasks_total', 'Tasks that this process has brought to a status.', [
    'kind',
    'trigger',
    'status',
  ])
  for (const kind of ['GENERATION', 'UPLOAD'])
    for (const status of ['AWAITING_EXECUTION', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'])
      tasks.inc({ kind, trigger: 'MANUAL', status }, 0)
  const waits = collection.histogram('task_wait_seconds', 'Time that a task waited for a worker.', {
    labels: ['kind'],
    buckets: taskBuckets,
  })
  const durations = collection.histogram(
    'task_duration_seconds',
    'Time from the start of a task to its end.',
    {
      labels: ['kind', 'trigger', 'status'],
      buckets: taskBuckets,
    },
  )
  const added = collection.counter('added_codes_total', 'Codes that completed tasks have added to pools.', [
    'kind',
    'trigger',
  ])
  const internalFailures = collection.counter(
    'internal_task_failures_total',
    'Tasks that have failed with the code INTERNAL: a fault of the service.',
  )
  collection.on(facts.task, (task) => {
    const { kind, trigger, status, waitedMs, durationMs } = task
    tasks.inc({ kind, trigger, status })
    if (task.failureCode === 'INTERNAL') internalFailures.inc()
    if (waitedMs !== undefined) waits.observe({ kind }, waitedMs / 1_000)
    if (durationMs !== undefined) durations.observe({ kind, trigger, status }, durationMs / 1_000)
    if (task.added !== undefined) added.inc({ kind, trigger }, Number(task.added))
  })

  const rows = collection.counter('upload_rows_total', 'Rows of uploaded files that were read, by outcome.', [
    'outcome',
  ])
  collection.on(facts.rows, ({ accepted, duplicatesInFile, duplicatesInAccount, refused }) => {
    rows.inc({ outcome: 'accepted' }, accepted)
    rows.inc({ outcome: 'duplicate_in_file' }, duplicatesInFile)
    rows.inc({ outcome: 'duplicate_in_account' }, duplicatesInAccount)
    rows.inc({ outcome: 'refused' }, refused)
  })

  const workFailures = collection.counter(
    'work_failures_total',
    'Failures of work in the background, which is tried again. purpose: as in the log after "could not"; reason: unavailable, conflict or error.',
    ['purpose', 'reason'],
  )
  // A series that begins with its first failure would have no increase.
  for (const purpose of workPurposes) workFailures.inc({ purpose, reason: 'error' }, 0)
  collection.on(facts.workFailed, ({ purpose, reason }) => workFailures.inc({ purpose, reason }))
}

function followSubscribers(collection: Collection): void {
  const subscriptions = collection.gauge('subscriptions', 'Subscriptions that are open, over all transports.')
  collection.on(facts.subscriptions, ({ change }) => subscriptions.inc(change))
  const sockets = collection.gauge('sockets', 'WebSockets that are open.')
  collection.on(facts.sockets, ({ change }) => sockets.inc(change))
  const delays = collection.histogram(
    'event_delay_seconds',
    'Time from when an event was written to when a process with subscribers had read it, by the clocks of both.',
    { buckets: delayBuckets },
  )
  collection.on(facts.eventsRead, ({ delaysMs }) => {
    for (const delayMs of delaysMs) delays.observe(delayMs / 1_000)
  })
}

function followWebhooks(collection: Collection): void {
  const deliveries = collection.counter(
    'webhook_deliveries_total',
    'Attempts to deliver to webhooks, by outcome: accepted; refused, as the receiver answered with another status than 2xx; or unanswered.',
    ['outcome'],
  )
  for (const outcome of ['accepted', 'refused', 'unanswered']) deliveries.inc({ outcome }, 0)
  const durations = collection.histogram('webhook_delivery_duration_seconds', 'Time that an attempt took.', {
    labels: ['outcome'],
    buckets: operationBuckets,
  })
  const delays = collection.histogram(
    'webhook_delay_seconds',
    'Time from when an event was written to when the receiver of a webhook had accepted it, by the clocks of both processes.',
    { buckets: taskBuckets },
  )
  collection.on(facts.delivery, ({ outcome, durationMs, delayMs }) => {
    deliveries.inc({ outcome })
    durations.observe({ outcome }, durationMs / 1_000)
    if (delayMs !== undefined) delays.observe(delayMs / 1_000)
  })
  const changes = collection.counter(
    'webhook_changes_total',
    'Webhooks that have failed after they had worked, that have recovered, or that were disabled as they had failed for too long or their receivers are gone.',
    ['change'],
  )
  for (const change of ['failed', 'recovered', 'disabled']) changes.inc({ change }, 0)
  collection.on(facts.webhook, ({ change }) => changes.inc({ change }))
}

/** Makes the metrics of what is in the database, and returns a function that brings them up to date. */
function showDatabase(collection: Collection, sources: MetricsSources): () => Promise<void> {
  const { connections, maxConnections, readOverview, countNodesAway, onError } = sources
  const overview = new RecentReading({
    read: readOverview,
    everyMs: sources.overviewEveryMs ?? overviewEveryMs,
    onError,
  })
  const inUse = collection.gauge(
    'database_connections',
    'Connections to the database that requests and workers share, by state.',
    ['state'],
  )
  const max = collection.gauge('database_connections_max', 'How many of these connections there can be.')
  const waiting = collection.gauge(
    'database_connections_waiting',
    'Transactions and statements that wait for one.',
  )
  const pools = collection.gauge(
    'pools',
    'Pools of all accounts by status, without those that are archived. Every process shows the same.',
    ['status'],
  )
  const usedUp = collection.gauge(
    'pools_used_up',
    'Empty pools that have had codes, without those that are archived. Every process shows the same.',
  )
  const tasks = collection.gauge(
    'tasks_waiting',
    'Tasks that wait for a worker. Every process shows the same.',
    ['kind'],
  )
  const oldest = collection.gauge(
    'oldest_waiting_task_seconds',
    'How long the oldest of them has waited; 0 if none waits. Every process shows the same.',
    ['kind'],
  )
  const rewound = collection.gauge(
    'rewound',
    '1 if the database may have lost commits, until npm run restored has been run; otherwise 0. Every process shows the same.',
  )
  const nodesAway = collection.gauge(
    'nodes_away',
    'Nodes of a distributed database that are away, as far as this process has noticed.',
  )
  max.set(maxConnections)
  return async () => {
    const current = await overview.get()
    for (const gauge of [pools, tasks, oldest]) gauge.reset()
    // Without a label, a gauge that is reset is 0, which would be a statement.
    for (const gauge of [usedUp, rewound]) gauge.remove()
    if (current !== undefined) {
      for (const status of ['EMPTY', 'LOW', 'READY'] as const) pools.set({ status }, current.pools[status])
      usedUp.set(current.usedUp)
      rewound.set(current.isRewound ? 1 : 0)
      for (const kind of ['GENERATION', 'UPLOAD']) {
        tasks.set({ kind }, 0)
        oldest.set({ kind }, 0)
      }
      for (const { kind, count, oldestSeconds } of current.waiting) {
        tasks.set({ kind }, count)
        oldest.set({ kind }, oldestSeconds)
      }
    }
    nodesAway.set(countNodesAway())
    inUse.set({ state: 'busy' }, connections.totalCount - connections.idleCount)
    inUse.set({ state: 'idle' }, connections.idleCount)
    waiting.set(connections.waitingCount)
  }
}
