import { isIP } from 'node:net'
import { PrismaPg } from '@prisma/adapter-pg'
import type { Logger } from 'pino'
import { logRetry } from './async/poll.ts'
import type { Role, ServiceOptions } from './config.ts'
import { Notifications } from './database/notifications.ts'
import { connectionConfig, openDatabase } from './database/open.ts'
import { schemaOf } from './database/schema.ts'
import { createFirstAccount } from './domain/account/account.ts'
import { firstAccountName } from './domain/account/names.ts'
import { Books } from './domain/books/books.ts'
import { checkMasterKeys } from './domain/books/secrets.ts'
import { readOverview } from './domain/overview.ts'
import { checkIncarnation } from './domain/rewind/incarnation.ts'
import { createSample } from './domain/sample.ts'
import { PrismaClient } from './generated/prisma/client.ts'
import type { Lifecycle } from './lifecycle.ts'
import { withDescribedErrors } from './log.ts'
import { OperatorError } from './operator-error.ts'
import { HeldPort } from './server/http/held-port.ts'
import { HttpServer } from './server/http/server.ts'
import type { Metrics } from './telemetry/metrics.ts'

// Of these, claims and redemptions use up to 10 while they wait for locks (domain/claim/claim.ts).
const maxConnections = 16

export interface Service {
  /** Where it listens: "http://127.0.0.1:4000". */
  url: string
  /** Where its metrics are: "http://127.0.0.1:9464/metrics"; undefined if there are none. */
  metricsUrl: string | undefined
  /** The secret of the first account's key, if this start created the account. */
  firstKey: string | undefined
  /** Whether a browser on this machine is signed in to the console, and GraphiQL opens with a key filled in. */
  signsInLocally: boolean
}

/**
 * Loads only the code that a role needs: a worker needs neither schema nor GraphiQL. `startService` calls it too, and is
 * faster if it was called before, while waiting for something else.
 */
export async function loadRole(role: Role) {
  const [worker, api] = await Promise.all([
    role === 'api' ? undefined : import('./roles/worker.ts'),
    role === 'worker' ? undefined : import('./roles/api.ts'),
  ])
  return { worker, api }
}

/**
 * Starts the service on a database. `lifecycle` closes everything in reverse order: first what accepts work, then what does
 * it. Rejects with an OperatorError for problems that only the operator can fix.
 */
export async function startService(lifecycle: Lifecycle, options: ServiceOptions): Promise<Service> {
  const log = withDescribedErrors(options.log)
  const { worker, api } = await loadRole(options.role)
  const { metrics, metricsUrl } = await openMetrics(lifecycle, { ...options, log })
  const books = await openBooks(lifecycle, options, log)
  await checkMasterKeys(books, options.keyring)
  if (metrics !== undefined) await watchDatabase(lifecycle, metrics, books, { ...options, log })
  // Before the first account, whose key would be lost if the service could not listen, and after the migrations: until the
  // database is ready, nobody finds the port open.
  const { host } = options
  const held = await lifecycle.openCloseable('held port', () =>
    listen(HeldPort.hold, { host, port: options.port, name: 'PORT' }),
  )
  const first = await createFirstAccount(books.connections, firstAccountName, options.bootstrapApiKey)
  if (first !== undefined && options.embedded) await createSample(books, first.accountId)
  await worker?.openWorker(lifecycle, books, { ...options, log })
  const opened = await api?.openApi(lifecycle, books, { ...options, log })
  const http = await lifecycle.openCloseable(
    'HTTP server',
    () =>
      new HttpServer({
        books,
        log,
        routes: opened?.routes ?? {},
        keepAliveMs: options.keepAliveSeconds * 1_000,
      }),
  )
  await opened?.serveWebSocket(http)
  // Opened last, so closed first: load balancers send no new clients during the shutdown.
  await lifecycle.open(
    'port',
    () => held.give(http.server),
    () => http.retire(),
  )
  return {
    url: urlOf(host, held.port),
    metricsUrl,
    firstKey: first?.secret,
    signsInLocally: opened?.signsInLocally ?? false,
  }
}

/** Opens the metrics if there is a port for them: first, so that they also tell of the start, and are closed last. */
async function openMetrics(lifecycle: Lifecycle, { metricsPort, metricsHost, role, log }: ServiceOptions) {
  if (metricsPort === undefined) return { metrics: undefined, metricsUrl: undefined }
  const [{ Metrics }, { MetricsServer, metricsPath }] = await Promise.all([
    import('./telemetry/metrics.ts'),
    import('./telemetry/metrics-server.ts'),
  ])
  const metrics = await lifecycle.openCloseable('metrics', () => new Metrics(role))
  const server = await lifecycle.openCloseable('metrics server', () => new MetricsServer(metrics, log))
  const port = await listen(server.listen.bind(server), {
    host: metricsHost,
    port: metricsPort,
    name: 'METRICS_PORT',
  })
  return { metrics, metricsUrl: `${urlOf(metricsHost, port)}${metricsPath}` }
}

async function watchDatabase(
  lifecycle: Lifecycle,
  metrics: Metrics,
  books: Books,
  { overviewEveryMs, log }: ServiceOptions,
): Promise<void> {
  await lifecycle.open(
    'metrics of the database',
    () =>
      metrics.watch({
        connections: books.connections,
        maxConnections,
        readOverview: () => readOverview(books),
        countNodesAway: () => books.reach.nodesAway().length,
        overviewEveryMs,
        onError: (error) => logRetry(log, error, 'read the overview for the metrics'),
      }),
    (stop) => stop(),
  )
}

function urlOf(host: string, port: number): string {
  return `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

async function openBooks(lifecycle: Lifecycle, options: ServiceOptions, log: Logger): Promise<Books> {
  const { databaseUrl, keyring } = options
  const connections = await lifecycle.open(
    'connections to the database',
    () => openDatabase(databaseUrl, { max: maxConnections, log }),
    (opened) => opened.end(),
  )
  await checkIncarnation(connections, log)
  if (keyring.currentId === null && !options.embedded) log.warn(unwrapped)
  const prisma = await lifecycle.open(
    'Prisma',
    // Errors without the calling code.
    async () =>
      new PrismaClient({
        adapter: new PrismaPg(connections, await schemaOf(connections)),
        errorFormat: 'minimal',
      }),
    (opened) => opened.$disconnect(),
  )
  const notifications = await lifecycle.openCloseable('notifications', async () => {
    const opened = new Notifications({ connections, connection: connectionConfig(databaseUrl), log })
    await opened.open()
    return opened
  })
  return new Books({ connections, prisma, notifications, keyring, log })
}

// Not with the service's own PostgreSQL, which is not for production.
const unwrapped =
  'without MASTER_KEY, the keys of new formats are stored as they are: whoever reads a backup of the database can compute ' +
  'all codes to come (docs/operations.md, "Keys at rest")'

/** `name`: of the variable that says which port. */
async function listen<T>(
  on: (port: number, host: string) => Promise<T>,
  { port, host, name }: { port: number; host: string; name: string },
): Promise<T> {
  try {
    return await on(port, host)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EADDRINUSE')
      throw new OperatorError(`${name} ${port} of ${host} is already in use. Set ${name} to another one.`)
    if (code === 'EACCES')
      throw new OperatorError(`This user may not listen on ${name} ${port}. Set ${name} to 1024 or above.`)
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
      throw new OperatorError(
        `${name === 'PORT' ? 'HOST' : 'METRICS_HOST'} ${host} is not an address of this machine.`,
      )
    throw error
  }
}
