import { isIP } from 'node:net'
import { PrismaPg } from '@prisma/adapter-pg'
import type { Logger } from 'pino'
import type { Role, ServiceOptions } from './config.ts'
import { Notifications } from './database/notifications.ts'
import { connectionConfig, openDatabase } from './database/open.ts'
import { schemaOf } from './database/schema.ts'
import { createFirstAccount } from './domain/account/account.ts'
import { Books } from './domain/books/books.ts'
import { checkMasterKeys } from './domain/books/secrets.ts'
import { checkIncarnation } from './domain/rewind/incarnation.ts'
import { createSample } from './domain/sample.ts'
import { PrismaClient } from './generated/prisma/client.ts'
import type { Lifecycle } from './lifecycle.ts'
import { withDescribedErrors } from './log.ts'
import { OperatorError } from './operator-error.ts'
import { HttpServer } from './server/http/server.ts'

// Of these, claims and redemptions use up to 10 while they wait for locks (domain/claim/claim.ts).
const maxConnections = 16

export interface Service {
  /** Where it listens: "http://127.0.0.1:4000". */
  url: string
  /** The secret of the first account's key, if this start created the account. */
  firstKey: string | undefined
  /** Whether a browser on this machine is signed in to the console, and GraphiQL opens with a key filled in. */
  signsInLocally: boolean
}

/**
 * Loads only the code that a role needs: a worker needs neither schema nor GraphiQL. `startService` calls it too, and is faster if it was
 * called before, while waiting for something else.
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
  const books = await openBooks(lifecycle, options, log)
  const first = await createFirstAccount(books.connections, 'First account', options.bootstrapApiKey)
  if (first !== undefined && options.embedded) await createSample(books, first.accountId)
  await worker?.openWorker(lifecycle, books, { ...options, log })
  const opened = await api?.openApi(lifecycle, books, { ...options, log })
  const http = await lifecycle.openCloseable(
    'HTTP server',
    () => new HttpServer({ books, log, routes: opened?.routes ?? {} }),
  )
  await opened?.serveWebSocket(http)
  // Opened last, so closed first: load balancers send no new clients during the shutdown.
  const port = await lifecycle.open(
    'port',
    () => listen(http, options),
    () => http.retire(),
  )
  const host = isIP(options.host) === 6 ? `[${options.host}]` : options.host
  return {
    url: `http://${host}:${port}`,
    firstKey: first?.secret,
    signsInLocally: opened?.signsInLocally ?? false,
  }
}

async function openBooks(lifecycle: Lifecycle, options: ServiceOptions, log: Logger): Promise<Books> {
  const { databaseUrl, keyring } = options
  const connections = await lifecycle.open(
    'connections to the database',
    () => openDatabase(databaseUrl, { max: maxConnections, log }),
    (opened) => opened.end(),
  )
  await checkMasterKeys(connections, keyring)
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
  'all codes to come'

async function listen(server: HttpServer, { port, host }: ServiceOptions): Promise<number> {
  try {
    return await server.listen(port, host)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EADDRINUSE')
      throw new OperatorError(`PORT ${port} of ${host} is already in use. Set PORT to another one.`)
    if (code === 'EACCES')
      throw new OperatorError(`This user may not listen on PORT ${port}. Set PORT to 1024 or above.`)
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
      throw new OperatorError(`HOST ${host} is not an address of this machine.`)
    throw error
  }
}
