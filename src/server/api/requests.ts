import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLParams } from 'graphql-yoga'
import type { Scheduler } from '../../async/scheduler.ts'
import type { Credentials } from '../../graphql/context.ts'
import type { Operations } from '../../graphql/operations.ts'
import type { Subscribed } from '../../graphql/subscriber.ts'
import type { RequestRecord } from '../../telemetry/request-record.ts'
import { beginWait, inSpan } from '../../telemetry/spans.ts'
import type { Authentication } from '../authentication.ts'
import { badRequest } from '../http/errors.ts'
import { ArrivingBodies } from './arriving-bodies.ts'
import { readForm } from './multipart.ts'
import { checkMethod, isForm, readOperation, readRequestBody } from './operation-request.ts'

// What a piece of a body takes besides its bytes: a client may send them one by one.
const bytesOfChunk = 200

// Requests of this length are parsed within their key's share.
const minHeavyBytes = 64_000

/** An HTTP request, from its arrival to its answer. */
export interface ApiRequest {
  request: IncomingMessage
  response: ServerResponse
  record: RequestRecord
  /** See `Target` of http/server.ts. */
  onStream: (end: () => void) => void
  /** Whether the client still waits for the answer. */
  isWanted: () => boolean
}

/** An operation that has arrived. */
export interface ArrivedOperation {
  credentials: Credentials
  params: GraphQLParams
  /** The length of the request, in characters, which approximates its bytes. */
  length: number
}

/** Reads the operations of HTTP requests, and runs them. */
export class Requests {
  readonly #operations: Operations
  readonly #authentication: Authentication
  readonly #scheduler: Scheduler
  readonly #arrivingBodies = new ArrivingBodies()

  constructor(parts: { operations: Operations; authentication: Authentication; scheduler: Scheduler }) {
    this.#operations = parts.operations
    this.#authentication = parts.authentication
    this.#scheduler = parts.scheduler
  }

  /**
   * Reads the operation of a request of any media type, as operation-request.ts and multipart.ts do. Authenticates before
   * anything is parsed, so that no error reveals anything to a client without a valid key.
   */
  async arrive({ request, response, record, isWanted }: ApiRequest): Promise<ArrivedOperation> {
    const credentials = await this.#authentication.authenticateRequest(request)
    const { keyId } = credentials
    record.keyId = keyId
    checkMethod(request)
    const arrival = this.#arrivingBodies.begin(keyId)
    const read = isForm(request) ? readForm : readRequestBody
    const endWait = beginWait('wait for the body')
    const keep = (bytes: number) => arrival.keep(bytes + bytesOfChunk)
    const body = await read(request, response, keep).finally(arrival.end)
    endWait()
    const { length } = body
    if (length < minHeavyBytes) return { credentials, params: readOperation(body), length }
    const parse = () => readOperation(body)
    const params = await this.#scheduler.run(keyId, parse, { bytes: length, isWanted })
    // If the client has left, the answer to this empty operation is not read.
    return { credentials, params: params ?? {}, length }
  }

  /** Runs an operation when its key's share allows it. */
  async run(
    { credentials, params, length }: ArrivedOperation,
    { request, record, isWanted }: ApiRequest,
  ): Promise<Subscribed> {
    const run = async () => {
      const { query = '', operationName, variables } = params
      const prepared = await this.#operations.prepare(
        { query, operationName, variables },
        { credentials, record },
      )
      if ('refused' in prepared) return { errors: prepared.refused }
      if (request.method === 'GET' && prepared.names.kind === 'mutation') throw mutationInGet()
      return await this.#operations.run(prepared, { isWanted })
    }
    // Contains what the others do.
    return await inSpan('operation', {}, async () => {
      const result = await this.#scheduler.run(credentials.keyId, run, { bytes: length, isWanted })
      // Not sent: the client has left.
      return result ?? { data: null }
    })
  }

  /** Notes the length of an answer, in bytes: see Scheduler. */
  weigh({ credentials }: ArrivedOperation, answerBytes: number): void {
    this.#scheduler.weigh(credentials.keyId, answerBytes)
  }
}

function mutationInGet() {
  return badRequest('A mutation cannot be sent with GET. Send it with POST.', 405, { Allow: 'POST' })
}
