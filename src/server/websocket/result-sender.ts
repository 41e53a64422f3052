import type { ExecutionResult, FormattedExecutionResult } from 'graphql'
import { MessageType } from 'graphql-ws'
import { isAsyncIterable } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { Scheduler } from '../../async/scheduler.ts'
import { publicError, wireError } from '../../graphql/errors/top-level.ts'
import { type Answers, joined } from '../../graphql/limits/answers.ts'
import type { Subscribed } from '../../graphql/subscriber.ts'
import type { RequestRecord } from '../../telemetry/request-record.ts'
import type { ClientSocket } from './client-socket.ts'

/** What all senders of a server share. */
export interface SenderParts {
  answers: Answers
  scheduler: Scheduler
  log: Logger
}

/** An operation as its answers need it. */
export interface SentOperation {
  id: string
  client: ClientSocket
  record: RequestRecord
}

/**
 * Sends the results of an operation to its client, as they were serialised when they were executed: an answer that many
 * subscriptions share is serialised once. graphql-ws takes this for the results, but sees only that they end or fail.
 */
export class ResultSender implements AsyncGenerator<never, void, void> {
  readonly #parts: SenderParts
  readonly #operation: SentOperation
  readonly #results: Subscribed

  constructor(parts: SenderParts, operation: SentOperation, results: Subscribed) {
    this.#parts = parts
    this.#operation = operation
    this.#results = results
    // The first event of a subscription may come much later.
    if (!isAsyncIterable(results)) return
    operation.record.answered('websocket')
    operation.record.becomesStream()
  }

  async next(): Promise<IteratorReturnResult<void>> {
    const results = this.#results
    if (!isAsyncIterable(results)) await this.#send(results)
    else
      for await (const result of results) {
        const sending = this.#send(result)
        if (sending !== undefined) await sending
      }
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorReturnResult<void>> {
    if (isAsyncIterable(this.#results)) await this.#results.return()
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<never> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #send(result: ExecutionResult): Promise<void> | undefined {
    const { id, client, record } = this.#operation
    const { answers, scheduler } = this.#parts
    record.answered('websocket')
    const pieces = answers.json(this.#shown(result))
    const [first = '', ...others] = pieces
    const beginning = `{"id":${JSON.stringify(id)},"type":"${MessageType.Next}","payload":${first}`
    const message = others.length === 0 ? `${beginning}}` : joined([beginning, ...others, '}'])
    if (client.keyId !== undefined) scheduler.weigh(client.keyId, message.length)
    return client.send(message)
  }

  /** The result with errors as the client may see them. */
  #shown(result: ExecutionResult): ExecutionResult | FormattedExecutionResult {
    const { errors, data = null } = result
    if (errors === undefined) return result
    const { log } = this.#parts
    const { record } = this.#operation
    return { errors: errors.map((error) => wireError(publicError(error, log, record))), data }
  }
}
