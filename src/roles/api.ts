import type { IncomingMessage } from 'node:http'
import { Pacer } from '../async/pacer.ts'
import { Scheduler } from '../async/scheduler.ts'
import type { ServiceOptions } from '../config.ts'
import { findFirstAccount, renewLocalKey } from '../domain/account/account.ts'
import { Revocations } from '../domain/account/revocations.ts'
import type { Books } from '../domain/books/books.ts'
import { readLog } from '../domain/books/event-log.ts'
import { Claims } from '../domain/claim/claim.ts'
import { GuessLimit } from '../domain/code/guess-limit.ts'
import { LookUps } from '../domain/code/lookup.ts'
import { followPools } from '../domain/pool/live-pools.ts'
import { Redemptions } from '../domain/redemption/redeem.ts'
import { findSample } from '../domain/sample.ts'
import { EventFeed } from '../domain/subscription/event-feed.ts'
import { followUploads } from '../domain/upload/live-uploads.ts'
import { Uploads } from '../domain/upload/receive.ts'
import { TestLimit } from '../domain/webhook/test-limit.ts'
import type { Services } from '../graphql/context.ts'
import { encodeId } from '../graphql/ids.ts'
import { schema } from '../graphql/schema.ts'
import { Subscriber } from '../graphql/subscriber.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { OutgoingClient } from '../outgoing/client.ts'
import { createApi, graphqlRoute } from '../server/api/api.ts'
import { schemaRoute } from '../server/api/schema-file.ts'
import { Authentication } from '../server/authentication.ts'
import { consoleRoutes } from '../server/console/console.ts'
import { downloadRoutes } from '../server/files/download.ts'
import { uploadRoute } from '../server/files/upload.ts'
import { Graphiql } from '../server/graphiql/graphiql.ts'
import { isLocalBrowser, isLoopbackHost } from '../server/http/local-browser.ts'
import type { HttpServer, Routes } from '../server/http/server.ts'
import { SignIn } from '../server/session.ts'
import { SessionCookie } from '../server/session-cookie.ts'
import { serveWebSocket } from '../server/websocket/server.ts'

interface OpenApi {
  routes: Routes
  /** Whether a browser on this machine is signed in to the console, and GraphiQL opens with a key filled in. */
  signsInLocally: boolean
  serveWebSocket(http: HttpServer): Promise<void>
}

/** Opens the API: routes for HTTP, and a function that serves WebSockets on the same server. */
export async function openApi(lifecycle: Lifecycle, books: Books, options: ServiceOptions): Promise<OpenApi> {
  const { log } = options
  const opened = await openServices(lifecycle, books, options)
  const { services, authentication } = opened
  const api = createApi({ ...opened, schema, log })
  const accountId = await findFirstAccount(books)
  const isLocal = options.embedded && isLoopbackHost(options.host)
  const localKey = isLocal ? await renewLocalKey(books, accountId) : undefined
  const { scheduler } = services
  const signIn = new SignIn({ books, authentication, scheduler, localKeyId: localKey?.keyId })
  const graphiql = openGraphiql(books, { ...options, accountId, apiKey: localKey?.secret })
  return {
    routes: {
      graphql: graphqlRoute(api, graphiql.page),
      schema: schemaRoute(),
      session: signIn.route,
      graphiqlFile: graphiql.fileRoute,
      ...consoleRoutes(signIn),
      codesUpload: uploadRoute({ uploads: services.uploads, authentication }),
      ...downloadRoutes({ books, authentication, log }),
    },
    signsInLocally: isLocal,
    async serveWebSocket({ server }) {
      await lifecycle.openCloseable('WebSockets', () => serveWebSocket({ server, api, authentication, log }))
    },
  }
}

/** Opens what operations need, whatever their transport. */
export async function openServices(
  lifecycle: Lifecycle,
  books: Books,
  options: Pick<
    ServiceOptions,
    'maxUploadBytes' | 'failedLookUpsPerMinute' | 'maxRedemptionAgeDays' | 'webhookAllowedNetworks' | 'log'
  >,
) {
  const { log } = options
  const open = lifecycle.openCloseable.bind(lifecycle)
  const pacer = new Pacer()
  const cookie = new SessionCookie(await findFirstAccount(books))
  const authentication = await open('authentication', () => new Authentication({ books, cookie, log }))
  const { keyUses, sessionUses } = authentication
  const lookUps = new LookUps(books)
  const guesses = new GuessLimit(options.failedLookUpsPerMinute)
  const services: Services = {
    books,
    claims: new Claims(books),
    redemptions: new Redemptions(books, { lookUps, guesses, maxAgeDays: options.maxRedemptionAgeDays }),
    uploads: new Uploads(books, options.maxUploadBytes),
    lookUps,
    keyUses,
    guesses,
    feed: await open('events', () => new EventFeed(books, pacer, log)),
    livePools: await open('live pools', () => followPools(books, log)),
    liveUploads: await open('live uploads', () => followUploads(books, log)),
    revocations: await open('revocations', () => new Revocations(books, { sessionUses, log })),
    outgoing: new OutgoingClient({ allowed: options.webhookAllowedNetworks }),
    webhookTests: new TestLimit(),
    scheduler: new Scheduler(),
    pacer,
  }
  const subscriber = await open('subscriptions', () => new Subscriber(pacer, log))
  return { services, authentication, subscriber }
}

/** GraphiQL. On an embedded database it starts from the sample, with `apiKey` for browsers on this machine. */
function openGraphiql(
  books: Books,
  { embedded, accountId, apiKey }: { embedded: boolean; accountId: string; apiKey: string | undefined },
) {
  const graphiql = new Graphiql()
  const page = async (request: IncomingMessage) => {
    const sample = embedded ? await findSample(books, accountId) : undefined
    return await graphiql.page({
      apiKey: isLocalBrowser(request) ? apiKey : undefined,
      database: (await readLog(books, accountId)).log,
      sample: sample && {
        formatId: encodeId('Format', sample.formatId),
        poolId: encodeId('Pool', sample.poolId),
        taskId: sample.taskId === undefined ? undefined : encodeId('Task', sample.taskId),
      },
    })
  }
  return { page, fileRoute: graphiql.fileRoute }
}
