import type { Plugin } from 'graphql-yoga'
import type { Scheduler } from '../../async/scheduler.ts'
import type { Documents, OperationText } from '../../graphql/limits/documents.ts'
import type { Authentication } from '../authentication.ts'
import { Arrivals } from './arrivals.ts'
import { checkMethod, readOperation, readRequestBody } from './operation-request.ts'
import type { ServerContext } from './server-context.ts'

// What happens to a request before its operation is executed, in this order.

/** Without a valid key nothing is parsed, so that no error reveals anything. */
export function authenticateFirst(authentication: Authentication): Plugin<object, ServerContext> {
  return {
    async onRequestParse({ request, serverContext }) {
      serverContext.credentials = await authentication.authenticate(request.headers.get('authorization'))
    },
  }
}

// Longer requests are also parsed within their key's share.
const minHeavyBytes = 64_000

/** Reads requests in one way for all media types: see operation-request.ts. */
export function readRequests(scheduler: Scheduler): Plugin<object, ServerContext> {
  const arrivals = new Arrivals()
  return {
    onRequestParse({ setRequestParser, serverContext }) {
      const { req, res, credentials, isWanted } = serverContext
      if (req === undefined || res === undefined || credentials === undefined) return
      checkMethod(req)
      setRequestParser(async () => {
        const arrival = arrivals.begin(credentials.keyId)
        const body = await readRequestBody(req, res, arrival.keep).finally(arrival.end)
        const bytes = body.length
        serverContext.bytes = bytes
        if (bytes < minHeavyBytes) return readOperation(body)
        // If the client has left, nobody is told that an empty operation has no query.
        return (await scheduler.run(credentials.keyId, () => readOperation(body), { bytes, isWanted })) ?? {}
      })
    },
  }
}

/** Begins operations as the share of their key allows. */
export function shareByKey(scheduler: Scheduler): Plugin<object, ServerContext> {
  return {
    onParams({ paramsHandler, setParamsHandler, context }) {
      const { credentials, isWanted, bytes = 0 } = context as ServerContext
      if (credentials === undefined) return
      setParamsHandler(async (operation) => {
        const run = () => paramsHandler(operation)
        return (await scheduler.run(credentials.keyId, run, { bytes, isWanted })) ?? { data: null }
      })
    },
    onResponse({ response, serverContext }) {
      const length = response.headers.get('content-length')
      const keyId = serverContext.credentials?.keyId
      if (keyId !== undefined && length !== null) scheduler.weigh(keyId, Number(length))
    },
  }
}

/** Parses and validates operations, and Yoga does not: see Documents. */
export function readDocuments(documents: Documents): Plugin<ServerContext, ServerContext> {
  return {
    onParams({ paramsHandler, setParamsHandler, context }) {
      setParamsHandler(async (operation) => {
        // They are not used, and would be kept as long as a subscription.
        const { extensions: _extensions, ...params } = operation.params
        const reading = await documents.read(params as OperationText)
        if ('errors' in reading) return { errors: reading.errors }
        if (reading.variableErrors !== undefined) return { errors: reading.variableErrors }
        Object.assign(context, { document: reading.document, requestLength: reading.length })
        return await paramsHandler({ ...operation, params })
      })
    },
    onParse({ context: { document }, setParsedDocument }) {
      if (document === undefined) throw new Error('An operation was let in without its document.')
      setParsedDocument(document)
    },
    onValidate({ setResult }) {
      setResult([])
    },
  }
}
