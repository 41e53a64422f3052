import type { ServerResponse } from 'node:http'
import type { Plugin } from 'graphql-yoga'
import type { Scheduler } from '../async/scheduler.ts'
import type { Documents, OperationText } from '../graphql/limits/documents.ts'
import { Arrivals } from './arrivals.ts'
import type { Authentication } from './authentication.ts'
import { checkMethod, readOperation, readRequestBody } from './operation-request.ts'
import type { ServerContext } from './server-context.ts'

/** What happens to a request until its operation is executed, in this order. */

/** Without a valid key nothing is parsed, so that no error tells anything. */
export function authenticateFirst(authentication: Authentication): Plugin<object, ServerContext> {
  return {
    async onRequestParse({ request, serverContext }) {
      serverContext.credentials = await authentication.authenticate(request.headers.get('authorization'))
    },
  }
}

// What takes long to read waits for its turn before that, and not only before it is executed.
const minHeavyBytes = 64_000

/** Requests are read here, all of them alike: see operation-request.ts. */
export function readRequests(scheduler: Scheduler): Plugin<object, ServerContext> {
  const arrivals = new Arrivals()
  return {
    onRequestParse({ setRequestParser, serverContext }) {
      const { req, res, credentials } = serverContext
      if (req === undefined || res === undefined || credentials === undefined) return
      checkMethod(req)
      setRequestParser(async () => {
        const arrival = arrivals.begin(credentials.keyId)
        const body = await readRequestBody(req, res, arrival.keep).finally(arrival.end)
        const bytes = body.length
        serverContext.bytes = bytes
        if (bytes < minHeavyBytes) return readOperation(body)
        const isWanted = () => !isGone(res)
        // Nobody is there to be told that an operation without a query is none.
        return (await scheduler.run(credentials.keyId, () => readOperation(body), { bytes, isWanted })) ?? {}
      })
    },
  }
}

/** Operations begin when it is the turn of their key. */
export function takeTurns(scheduler: Scheduler): Plugin<object, ServerContext> {
  return {
    onParams({ paramsHandler, setParamsHandler, context }) {
      const { credentials, res, bytes = 0 } = context as ServerContext
      if (credentials === undefined || res === undefined) return
      const isWanted = () => !isGone(res)
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

/** Whether the client of an answer has left. */
export function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.req.socket.destroyed
}

/** Operations are parsed and validated here, and nowhere else: see Documents. */
export function readDocuments(documents: Documents): Plugin<ServerContext, ServerContext> {
  return {
    onParams({ paramsHandler, setParamsHandler, context }) {
      setParamsHandler(async (operation) => {
        // Without what is not used, which would stay as long as a subscription does.
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
