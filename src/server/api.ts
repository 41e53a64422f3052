import type { GraphQLSchema } from 'graphql'
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga'
import type { Logger } from 'pino'
import { type Context, type Credentials, createContext, type Services } from '../graphql/context.ts'
import { readEventCursor } from '../graphql/event.ts'
import { publicError } from '../graphql/problems.ts'
import type { Authentication } from './authentication.ts'

export const graphqlPath = '/graphql'
export const maximumRequestBytes = 1_000_000

/** What comes with every operation, over HTTP and over WebSocket: whose it is. */
export interface ServerContext {
  credentials?: Credentials
}

export type Api = YogaServerInstance<ServerContext, Context>

/** The GraphQL API: how operations are let in, executed and answered, whatever they came over. */
export function createApi(parts: {
  schema: GraphQLSchema
  services: Services
  authentication: Authentication
  log: Logger
}): Api {
  const { schema, services, authentication, log } = parts
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: graphqlPath,
    context: ({ credentials, params }) => operationContext(services, credentials, params.query),
    plugins: [authenticateFirst(authentication)],
    maskedErrors: { maskError: (error) => publicError(error, log), errorMessage: '' },
    maxRequestBodySize: maximumRequestBytes,
    cors: {
      origin: '*',
      methods: ['GET', 'POST', 'OPTIONS'],
      allowedHeaders: ['authorization', 'content-type'],
    },
    graphiql: false,
    landingPage: false,
    multipart: false,
    logging: false,
  })
}

async function operationContext(
  services: Services,
  credentials: Credentials | undefined,
  query: string | null | undefined,
): Promise<Context> {
  if (credentials === undefined) throw new Error('An operation was let in without credentials.')
  const context = createContext(services, credentials)
  // Before anything else of the operation is read: that is what the cursor promises.
  if (query?.includes('eventCursor')) context.eventCursor = await readEventCursor(context)
  return context
}

/** Without a valid key nothing is parsed, so that no error tells anything. */
function authenticateFirst(authentication: Authentication): Plugin<object, ServerContext> {
  return {
    async onRequestParse({ request, serverContext }) {
      serverContext.credentials = await authentication.authenticate(request.headers.get('authorization'))
    },
  }
}
