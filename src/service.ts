import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { PrismaPg } from '@prisma/adapter-pg'
import type { Logger } from 'pino'
import type { Role } from './config.ts'
import { Notifications } from './database/notifications.ts'
import { connectionConfig, openDatabase } from './database/open.ts'
import { schemaOf } from './database/schema.ts'
import { createFirstAccount, findFirstAccount, renewGraphiqlKey } from './domain/account/account.ts'
import { Books } from './domain/books/books.ts'
import { CodeSpaces } from './domain/books/codespaces.ts'
import { readLog } from './domain/books/event-log.ts'
import { createSample, findSample } from './domain/sample.ts'
import { PrismaClient } from './generated/prisma/client.ts'
import { encodeId } from './graphql/ids.ts'
import { createSchema } from './graphql/schema.ts'
import type { Lifecycle } from './lifecycle.ts'
import { withDescribedErrors } from './log.ts'
import { OperatorError } from './operator-error.ts'
import { createApi, graphqlPath } from './server/api.ts'
import { createDownload } from './server/download.ts'
import { Graphiql, isLoopbackHost } from './server/graphiql.ts'
import { HttpServer } from './server/http.ts'
import { isOperatorsOwn } from './server/operators-own.ts'
import { UploadRoute } from './server/upload-route.ts'
import { serveWebSocket } from './server/websocket.ts'
import { openParts } from './wiring.ts'
import { GenerationWorker } from './worker/generations.ts'
import { Housekeeping } from './worker/housekeeping.ts'
import { UploadWorker } from './worker/uploads/upload-worker.ts'

const connections = 16
const dayMs = 24 * 60 * 60 * 1_000

export interface ServiceOptions {
  databaseUrl: string
  /** Whether the database is the service's own, which nobody else uses: then newcomers are helped along. */
  embedded: boolean
  port: number
  host: string
  role: Role
  bootstrapApiKey: string | undefined
  eventRetentionDays: number
  rejectedRowsRetentionDays: number
  /** How many look-ups of a key may find nothing in a minute; 0 sets no limit. */
  failedLookUpsPerMinute: number
  maxUploadBytes: number
  log: Logger
}

export interface Service {
  /** Where it listens: "http://127.0.0.1:4000". */
  url: string
  /** Where GraphiQL is: "http://127.0.0.1:4000/graphql". */
  graphiqlUrl: string
  /** The secret of the first account's key, if this start created the account. */
  firstKey: string | undefined
  /** Whether GraphiQL opens with a key filled in. */
  graphiqlHasKey: boolean
}

/**
 * Opens the service on a database, each part with `lifecycle`, which closes them: first those that bring in work,
 * then those that do it. Rejects with an OperatorError for what only the operator can put right.
 */
export async function startService(lifecycle: Lifecycle, options: ServiceOptions): Promise<Service> {
  const { databaseUrl, embedded, role } = options
  const log = withDescribedErrors(options.log)
  const books = await openBooks(lifecycle, databaseUrl, log)
  const first = await createFirstAccount(books.pool, 'First account', options.bootstrapApiKey)
  if (first !== undefined && embedded) await createSample(books, first.accountId)
  if (role !== 'api') await openWorker(lifecycle, books, { ...options, log })
  const http = await openServer(lifecycle, books, { ...options, log })
  // Opened last, so closed first: nobody new is sent here while the rest is closed.
  const port = await lifecycle.open(
    'port',
    () => listen(http.server, options),
    () => http.server.retire(),
  )
  const host = isIP(options.host) === 6 ? `[${options.host}]` : options.host
  const url = `http://${host}:${port}`
  return {
    url,
    graphiqlUrl: url + graphqlPath,
    firstKey: first?.secret,
    graphiqlHasKey: http.graphiqlHasKey,
  }
}

async function openBooks(lifecycle: Lifecycle, databaseUrl: string, log: Logger): Promise<Books> {
  const pool = await lifecycle.open(
    'connections to the database',
    () => openDatabase(databaseUrl, { max: connections, log }),
    (opened) => opened.end(),
  )
  const prisma = await lifecycle.open(
    'Prisma',
    // Its errors tell what was wrong, and not what the code around it looks like.
    async () =>
      new PrismaClient({ adapter: new PrismaPg(pool, await schemaOf(pool)), errorFormat: 'minimal' }),
    (opened) => opened.$disconnect(),
  )
  const notifications = await lifecycle.open(
    'notifications',
    async () => {
      const opened = new Notifications({ pool, connection: connectionConfig(databaseUrl), log })
      await opened.open()
      return opened
    },
    (opened) => opened.close(),
  )
  return new Books({ pool, prisma, notifications, codeSpaces: new CodeSpaces(), log })
}

async function openWorker(lifecycle: Lifecycle, books: Books, options: ServiceOptions): Promise<void> {
  const { databaseUrl, maxUploadBytes: maxBytes, log } = options
  const eventsAreKeptMs = options.eventRetentionDays * dayMs
  const rejectedRowsAreKeptMs = options.rejectedRowsRetentionDays * dayMs
  await lifecycle.open(
    'generations',
    () => new GenerationWorker(books, log),
    (opened) => opened.close(),
  )
  await lifecycle.open(
    'uploads',
    () => new UploadWorker({ books, connection: connectionConfig(databaseUrl), maxBytes, log }),
    (opened) => opened.close(),
  )
  await lifecycle.open(
    'housekeeping',
    () => new Housekeeping(books, log, { eventsAreKeptMs, rejectedRowsAreKeptMs }),
    (opened) => opened.close(),
  )
}

async function openServer(lifecycle: Lifecycle, books: Books, options: ServiceOptions) {
  const { log, role } = options
  const { services, authentication, subscriber } = await openParts(lifecycle, books, options)
  const api = createApi({ schema: createSchema(), services, authentication, subscriber, log })
  const download = createDownload({ books, authentication, log })
  const accountId = await findFirstAccount(books)
  const graphiqlHasKey = options.embedded && isLoopbackHost(options.host) && role !== 'worker'
  const apiKey = graphiqlHasKey ? await renewGraphiqlKey(books, accountId) : undefined
  const graphiql = new Graphiql(graphqlPath)
  const page = async (request: IncomingMessage) => {
    const sample = options.embedded ? await findSample(books, accountId) : undefined
    return await graphiql.page({
      apiKey: isOperatorsOwn(request) ? apiKey : undefined,
      database: (await readLog(books, accountId)).log,
      sample: sample && {
        formatId: encodeId('Format', sample.formatId),
        poolId: encodeId('Pool', sample.poolId),
        taskId: sample.taskId === undefined ? undefined : encodeId('Task', sample.taskId),
      },
    })
  }
  const server = await lifecycle.open(
    'HTTP server',
    () => {
      const route = new UploadRoute({ uploads: services.uploads, authentication, log })
      const serveApi = role !== 'worker'
      return new HttpServer({ api, uploads: route, download, graphiql, books, log, page, serveApi })
    },
    (opened) => opened.close(),
  )
  if (role !== 'worker')
    await lifecycle.open(
      'WebSockets',
      () => serveWebSocket({ server: server.server, api, authentication, subscriber, log }),
      (opened) => opened.close(),
    )
  return { server, graphiqlHasKey }
}

async function listen(server: HttpServer, { port, host }: ServiceOptions): Promise<number> {
  try {
    return await server.listen(port, host)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EADDRINUSE')
      throw new OperatorError(`PORT ${port} of ${host} is in use already. Set PORT to another one.`)
    if (code === 'EACCES')
      throw new OperatorError(`PORT ${port} may not be used by this user. Set PORT to 1024 or above.`)
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
      throw new OperatorError(`HOST ${host} is not an address of this machine.`)
    throw error
  }
}
