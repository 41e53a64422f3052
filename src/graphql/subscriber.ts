import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionResult,
  executeSubscriptionEvent,
  GraphQLError,
  mapSourceToResponseEvent,
  type ValidatedSubscriptionArgs,
  visit,
} from 'graphql'
import type { Logger } from 'pino'
import { onEnd } from '../async/on-end.ts'
import type { Pacer } from '../async/pacer.ts'
import { retryWhileUnavailable } from '../async/poll.ts'
import { isUnavailable } from '../database/errors.ts'
import { facts } from '../telemetry/facts.ts'
import type { Context } from './context.ts'
import { Admission } from './limits/admission.ts'
import { Answers } from './limits/answers.ts'
import { SubscriptionMemory } from './limits/subscription-memory.ts'

/** The results of a subscription, or the errors that keep it from starting. */
export type Subscribed = AsyncGenerator<ExecutionResult, void, void> | ExecutionResult

/**
 * Subscribes like graphql's own `subscribe`, with two differences.
 *
 * An event is executed once for all subscriptions that get the same answer: a dashboard that thousands watch costs as much
 * as one. They share an execution if they have the same document, account, scopes, and variables that the answer depends
 * on, and if they reach the event before its execution starts, so that no answer has nodes read before that.
 *
 * While the database is unavailable, an event waits for it. If an event were sent with errors in place of its nodes, a
 * client that resumes from its last cursor would never get it complete.
 */
export class Subscriber {
  readonly #pacer: Pacer
  readonly #answers: Answers
  readonly #log: Logger
  readonly #admission = new Admission()
  readonly #keys = new AnswerKeys()
  readonly #memory = new SubscriptionMemory()
  /** Executions that have not started, by event, then by answer key. */
  readonly #pending = new WeakMap<object, Map<string, Promise<ExecutionResult>>>()
  readonly #closing = new AbortController()

  /** `pacer`: the one that the readers of events use. */
  constructor(pacer: Pacer, log: Logger) {
    this.#pacer = pacer
    this.#answers = new Answers(pacer)
    this.#log = log
  }

  /** Events no longer wait for the database from now on. */
  close(): void {
    this.#closing.abort()
  }

  async subscribe(args: ValidatedSubscriptionArgs): Promise<Subscribed> {
    const weight = this.#admission.weigh(args)
    if (weight instanceof GraphQLError) return { errors: [weight] }
    const { keyId, requestLength } = args.contextValue as Context
    const acquired = this.#memory.acquire(keyId, args.document, requestLength)
    if (acquired instanceof GraphQLError) return { errors: [acquired] }
    facts.subscriptions.tell({ change: 1 })
    const release = () => {
      acquired()
      facts.subscriptions.tell({ change: -1 })
    }
    let results: Subscribed | undefined
    try {
      results = await this.#open(args)
      return Symbol.asyncIterator in results ? onEnd(results, release) : results
    } finally {
      if (results === undefined || !(Symbol.asyncIterator in results)) release()
    }
  }

  async #open(args: ValidatedSubscriptionArgs): Promise<Subscribed> {
    const source = await createSourceEventStream(args)
    if (!(Symbol.asyncIterator in source)) return source
    const key = this.#keys.keyOf(args)
    return mapSourceToResponseEvent(args, source, (ofEvent) => this.#answer(ofEvent, key))
  }

  /** The answer to an event, shared by all who ask for it with the same key before its execution starts. */
  #answer(args: ValidatedSubscriptionArgs, key: string): Promise<ExecutionResult> {
    const event = args.rootValue as object
    const pending = this.#pending.get(event) ?? new Map<string, Promise<ExecutionResult>>()
    this.#pending.set(event, pending)
    const known = pending.get(key)
    if (known !== undefined) return known
    const answer = this.#pacer.yield().then(() => this.#schedule(args, () => pending.delete(key)))
    pending.set(key, answer)
    return answer
  }

  /** Executes an event in the queue for events of its account, so that a busy key does not delay those of other keys. */
  async #schedule(args: ValidatedSubscriptionArgs, onStart: () => void): Promise<ExecutionResult> {
    const { scheduler, accountId } = args.contextValue as Context
    const started = await scheduler.run(`events of ${accountId}`, () => {
      // Later subscribers may have seen changes that this execution does not read.
      onStart()
      // Wrapped, so that the queue does not wait for it: while the database is unavailable, other events would wait too.
      return { result: this.#execute(args) }
    })
    if (started === undefined) throw new Error('The scheduler dropped an event.')
    return await started.result
  }

  async #execute(args: ValidatedSubscriptionArgs): Promise<ExecutionResult> {
    const { signal } = this.#closing
    const execute = async () => {
      const result = await executeSubscriptionEvent(args)
      const causes = result.errors?.map((error) => error.cause ?? error.originalError)
      const unavailable = causes?.find(isUnavailable)
      if (unavailable !== undefined && !signal.aborted) throw unavailable
      return result
    }
    const options = { purpose: 'answer an event', log: this.#log, signal }
    return await this.#answers.bounded((await retryWhileUnavailable(execute, options)) ?? (await execute()))
  }
}

interface KnownOperation {
  id: number
  /** The names of the variables that its answers depend on. */
  variables: readonly string[]
}

/** Makes answer keys: subscriptions with equal keys get the same answer to an event. */
class AnswerKeys {
  readonly #operations = new WeakMap<DocumentNode, Map<string, KnownOperation>>()
  #operationCount = 0

  keyOf({ document, operation, rawVariableValues, contextValue }: ValidatedSubscriptionArgs): string {
    const { id, variables } = this.#operation(document, operation.name?.value ?? '')
    const { accountId, scopes } = contextValue as Context
    const given = rawVariableValues ?? {}
    // [] is the default of the variable, which is not the same as null.
    const values = variables.map((name) => (name in given ? [given[name]] : []))
    return JSON.stringify([id, accountId, scopes.toSorted(), values])
  }

  /** Equal documents are usually the same object: `Documents` caches recent ones. */
  #operation(document: DocumentNode, name: string) {
    const operations = this.#operations.get(document) ?? new Map<string, KnownOperation>()
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
 * The names of the variables that the answer to an event depends on. Those in the arguments of the subscription field
 * choose the events and do not affect the answers.
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
