import { setTimeout as delay } from 'node:timers/promises'
import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  executeSubscriptionEvent,
  GraphQLError,
  mapSourceToResponseEvent,
  type ValidatedSubscriptionArgs,
  validateSubscriptionArgs,
  visit,
} from 'graphql'
import type { Logger } from 'pino'
import type { Pacer } from '../async/pacer.ts'
import { isUnavailable } from '../database/errors.ts'
import { Admission } from './admission.ts'
import { Answers } from './answers.ts'
import type { Context } from './context.ts'
import { SubscriptionRoom } from './subscription-room.ts'

const tryAgainAfterMs = 1_000

/** What a subscription is answered with: a stream of results, or why there is none. */
export type Subscribed = AsyncGenerator<ExecutionResult, void, void> | ExecutionResult

/**
 * Subscribes as graphql's own `subscribe` does, with two differences.
 *
 * What many ask of one event is executed once and told to all of them: a dashboard that thousands look at costs what
 * one does. They share when their documents are the same, and so are their variables, as far as the answer depends on
 * them, their accounts and their scopes, and when they have come to the event before it is executed: so none is told of
 * nodes as they were before that.
 *
 * And while the database is away, an event waits for it, for the sake of the nodes that it leads to: an event that was
 * told in part would be lost to a client that goes on from the last cursor it has.
 */
export class Subscriber {
  readonly #pacer: Pacer
  readonly #answers: Answers
  readonly #log: Logger
  readonly #admission = new Admission()
  readonly #questions = new Questions()
  readonly #room = new SubscriptionRoom()
  /** The answers that are still to be worked out: by event, then by question. */
  readonly #coming = new WeakMap<object, Map<string, Promise<ExecutionResult>>>()
  #closed = false

  /** `pacer` is shared with the readers of events. */
  constructor(pacer: Pacer, log: Logger) {
    this.#pacer = pacer
    this.#answers = new Answers(pacer)
    this.#log = log
  }

  /** From here on nothing waits for the database. */
  close(): void {
    this.#closed = true
  }

  async subscribe(args: ExecutionArgs): Promise<Subscribed> {
    const weight = this.#admission.weigh(args)
    if (weight instanceof GraphQLError) return { errors: [weight] }
    const { keyId, requestLength } = args.contextValue as Context
    const leave = this.#room.enter({ keyId, requestLength, document: args.document })
    if (leave instanceof GraphQLError) return { errors: [leave] }
    let results: Subscribed | undefined
    try {
      results = await this.#open(args)
      return Symbol.asyncIterator in results ? whenEnded(results, leave) : results
    } finally {
      if (results === undefined || !(Symbol.asyncIterator in results)) leave()
    }
  }

  async #open(args: ExecutionArgs): Promise<Subscribed> {
    const validated = validateSubscriptionArgs(args)
    if (!('schema' in validated)) return { errors: validated }
    const source = await createSourceEventStream(validated)
    if (!(Symbol.asyncIterator in source)) return source
    const question = this.#questions.keyOf(args)
    return mapSourceToResponseEvent(validated, source, (asked) => this.#answer(asked, question))
  }

  /** What an event is answered with, the same for all who ask before the next turn of the event loop. */
  #answer(args: ValidatedSubscriptionArgs, question: string): Promise<ExecutionResult> {
    const event = args.rootValue as object
    const coming = this.#coming.get(event) ?? new Map<string, Promise<ExecutionResult>>()
    this.#coming.set(event, coming)
    const known = coming.get(question)
    if (known !== undefined) return known
    const answer = this.#pacer.yield().then(() => this.#answerInTurn(args, () => coming.delete(question)))
    coming.set(question, answer)
    return answer
  }

  /** The events of an account have a queue of their own, so that none of its keys, however busy, delays those of another. */
  async #answerInTurn(args: ValidatedSubscriptionArgs, onBegin: () => void): Promise<ExecutionResult> {
    const { scheduler, accountId } = args.contextValue as Context
    const begun = await scheduler.run(`events of ${accountId}`, () => {
      // Who asks from here on may know something that came later than what is going to be read.
      onBegin()
      // Not waited for: while the database is away that would keep all other events waiting.
      return { result: this.#execute(args) }
    })
    if (begun === undefined) throw new Error('What an event is answered with was given up.')
    return await begun.result
  }

  async #execute(args: ValidatedSubscriptionArgs): Promise<ExecutionResult> {
    for (;;) {
      const result = await executeSubscriptionEvent(args)
      const away = result.errors?.find((error) => isUnavailable(error.cause ?? error.originalError))
      if (away === undefined || this.#closed) return await this.#answers.bounded(result)
      this.#log.warn({ err: away }, 'an event waits for the database')
      await delay(tryAgainAfterMs, undefined, { ref: false })
    }
  }
}

/** The results of a subscription. `onEnd` is called, once, when there are no more, also if none was ever asked for. */
function whenEnded(
  results: AsyncGenerator<ExecutionResult, void, void>,
  onEnd: () => void,
): AsyncGenerator<ExecutionResult, void, void> {
  let ended = false
  const end = () => {
    if (!ended) onEnd()
    ended = true
  }
  return {
    async next() {
      try {
        const result = await results.next()
        if (result.done === true) end()
        return result
      } catch (error) {
        end()
        throw error
      }
    },
    return(value) {
      end()
      return results.return(value)
    },
    throw(error) {
      end()
      return results.throw(error)
    },
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      end()
      await results.return()
    },
  }
}

interface Operation {
  id: number
  /** The variables that its answers depend on. */
  variables: readonly string[]
}

/** What subscriptions ask: texts that are equal if the answers to one event are. */
class Questions {
  readonly #operations = new WeakMap<DocumentNode, Map<string, Operation>>()
  #operationCount = 0

  keyOf({ document, operationName, variableValues, contextValue }: ExecutionArgs): string {
    const { id, variables } = this.#operation(document, operationName ?? '')
    const { accountId, scopes } = contextValue as Context
    // One that is not given has its default, and null is null.
    const given = variableValues ?? {}
    const values = variables.map((name) => (name in given ? [given[name]] : []))
    return JSON.stringify([id, accountId, scopes.toSorted(), values])
  }

  /** Documents of the same text are one object here: those that were parsed lately are kept. */
  #operation(document: DocumentNode, name: string) {
    const operations = this.#operations.get(document) ?? new Map<string, Operation>()
    this.#operations.set(document, operations)
    const known = operations.get(name)
    if (known !== undefined) return known
    this.#operationCount += 1
    const operation = { id: this.#operationCount, variables: variablesOfAnswers(document) }
    operations.set(name, operation)
    return operation
  }
}

/**
 * The names of the variables that the answers to an event depend on: all but those that are arguments of the
 * subscription itself. These choose the events, and what is said of an event takes no notice of them.
 */
function variablesOfAnswers(document: DocumentNode): string[] {
  const names = new Set<string>()
  visit(document, {
    VariableDefinition: () => false,
    Variable(variable, _key, _parent, _path, ancestors) {
      const kinds = ancestors.flatMap((ancestor) => ('kind' in ancestor ? [ancestor.kind] : []))
      const isOfSubscription =
        kinds.includes('OperationDefinition') &&
        !kinds.includes('Directive') &&
        kinds.filter((kind) => kind === 'Field').length === 1
      if (!isOfSubscription) names.add(variable.name.value)
    },
  })
  return [...names].sort()
}
