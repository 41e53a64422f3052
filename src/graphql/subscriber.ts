import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  TypeInfo,
  type ValidatedSubscriptionArgs,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import type { Logger } from 'pino'
import type { Pacer } from '../async/pacer.ts'
import { retryWhileUnavailable } from '../async/poll.ts'
import { isUnavailable } from '../database/errors.ts'
import { facts } from '../telemetry/facts.ts'
import type { Context } from './context.ts'
import { type Executable, execute } from './execute.ts'
import { rulesOf } from './field-rules.ts'
import { Admission } from './limits/admission.ts'
import { Answers } from './limits/answers.ts'
import { SubscriptionMemory } from './limits/subscription-memory.ts'

// The answers that a subscription is ahead of its client, and the bytes that they may have.
const maxAhead = 20
const maxAheadBytes = 64_000

type SubscriptionArgs = Executable & ValidatedSubscriptionArgs

/** The results of a subscription, or the errors that keep it from starting. */
export type Subscribed = AsyncGenerator<ExecutionResult, void, void> | ExecutionResult

/**
 * Subscribes like graphql's own `subscribe`, except that events are executed as in execute.ts, and for two differences.
 *
 * An event is executed once for all subscriptions that get the same answer: a dashboard that thousands watch costs as much
 * as one. They share an execution if they have the same document, account, scopes, and variables that the answer depends on,
 * and the same API key if it depends on that, too; and if they reach the event before its execution starts, so that no answer
 * has nodes read before that.
 *
 * While the database is unavailable, an event waits for it. If an event were sent with errors in place of its nodes, a
 * client that resumes from its last cursor would never get it complete.
 */
export class Subscriber {
  /** The serialised answers. */
  readonly answers: Answers
  /** Decides what is executed, for operations of every kind. */
  readonly admission = new Admission()
  readonly #pacer: Pacer
  readonly #log: Logger
  readonly #audiences = new Audiences()
  readonly #memory = new SubscriptionMemory()
  readonly #closing = new AbortController()

  /** `pacer`: the one that the readers of events use. */
  constructor(pacer: Pacer, log: Logger) {
    this.#pacer = pacer
    this.answers = new Answers(pacer)
    this.#log = log
  }

  /** Events no longer wait for the database from now on. */
  close(): void {
    this.#closing.abort()
  }

  /** With `readsAhead`, the events that have happened while a client waits for one are answered together. */
  async subscribe(
    args: SubscriptionArgs,
    { readsAhead = false }: { readsAhead?: boolean } = {},
  ): Promise<Subscribed> {
    const weight = this.admission.weigh(args)
    if (weight instanceof GraphQLError) return { errors: [weight] }
    const { keyId, requestLength } = args.contextValue
    const acquired = this.#memory.acquire(keyId, args.document, requestLength)
    if (acquired instanceof GraphQLError) return { errors: [acquired] }
    facts.subscriptions.tell({ change: 1 })
    const release = () => {
      acquired()
      facts.subscriptions.tell({ change: -1 })
    }
    let results: Results | undefined
    try {
      const source = await createSourceEventStream(args)
      if (!(Symbol.asyncIterator in source)) return source
      const audience = this.#audiences.join(args)
      // Its own context is not kept.
      const shared = { ...args, contextValue: audience.context }
      results = new Results({
        events: source[Symbol.asyncIterator](),
        // Every source yields objects.
        answer: (event) => this.#answer(event as object, audience, shared),
        maxAhead: readsAhead ? Math.min(maxAhead, maxAheadBytes / weight.bytes) : 0,
        release: () => {
          this.#audiences.leave(audience)
          release()
        },
      })
      return results
    } finally {
      if (results === undefined) release()
    }
  }

  /** The answer to an event, shared by all of the audience who ask for it before its execution starts. */
  #answer(event: object, { pending }: Audience, args: SubscriptionArgs): Promise<ExecutionResult> {
    const known = pending.get(event)
    if (known !== undefined) return known
    const ofEvent = { ...args, rootValue: event }
    const answer = this.#pacer.yield().then(() => this.#schedule(ofEvent, () => pending.delete(event)))
    pending.set(event, answer)
    return answer
  }

  /** Executes an event in the queue for events of its account, so that a busy key does not delay those of other keys. */
  async #schedule(args: SubscriptionArgs, onStart: () => void): Promise<ExecutionResult> {
    const { scheduler, accountId } = args.contextValue
    const started = await scheduler.run(`events of ${accountId}`, () => {
      // Later subscribers may have seen changes that this execution does not read.
      onStart()
      // Wrapped, so that the queue does not wait for it: while the database is unavailable, other events would wait too.
      return { result: this.#execute(args) }
    })
    if (started === undefined) throw new Error('The scheduler dropped an event.')
    return await started.result
  }

  async #execute(args: SubscriptionArgs): Promise<ExecutionResult> {
    const { signal } = this.#closing
    const executeOnce = async () => {
      const result = await execute(args)
      const causes = result.errors?.map((error) => error.cause ?? error.originalError)
      const unavailable = causes?.find(isUnavailable)
      if (unavailable !== undefined && !signal.aborted) throw unavailable
      return result
    }
    const options = { purpose: 'answer an event', log: this.#log, signal }
    return await this.answers.written(
      (await retryWhileUnavailable(executeOnce, options)) ?? (await executeOnce()),
    )
  }
}

/** The answers to events, in their order. */
class Results implements AsyncGenerator<ExecutionResult, void, void> {
  readonly #events: AsyncIterator<unknown>
  readonly #answer: (event: unknown) => Promise<ExecutionResult>
  readonly #maxAhead: number
  #release: (() => void) | undefined
  /** Events that are read before their answers have been asked for. */
  readonly #ahead: Promise<IteratorResult<ExecutionResult, void>>[] = []
  #isAwaited = false

  /** `release` is called once, when the events or their reader have ended. */
  constructor(parts: {
    events: AsyncIterator<unknown>
    answer: (event: unknown) => Promise<ExecutionResult>
    maxAhead: number
    release: () => void
  }) {
    this.#events = parts.events
    this.#answer = parts.answer
    this.#maxAhead = parts.maxAhead
    this.#release = parts.release
  }

  async next(): Promise<IteratorResult<ExecutionResult, void>> {
    this.#isAwaited = true
    const result = await (this.#ahead.shift() ?? this.#read())
    this.#isAwaited = false
    return result
  }

  async #read(): Promise<IteratorResult<ExecutionResult, void>> {
    try {
      const { done, value } = await this.#events.next()
      if (done === true) {
        this.#end()
        return { done, value: undefined }
      }
      // Not for a client that is behind: what it gets should be as new as possible.
      if (this.#isAwaited && this.#ahead.length < this.#maxAhead) this.#readAhead()
      return { done: false, value: await this.#answer(value) }
    } catch (error) {
      this.#end()
      throw error
    }
  }

  #readAhead(): void {
    const reading = this.#read()
    // It fails for whoever asks for it, which may be later.
    reading.catch(() => {})
    this.#ahead.push(reading)
  }

  async return(): Promise<IteratorReturnResult<void>> {
    this.#end()
    await this.#events.return?.()
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<IteratorResult<ExecutionResult, void>> {
    this.#end()
    await this.#events.throw?.(error)
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #end(): void {
    this.#release?.()
    this.#release = undefined
  }
}

interface KnownOperation {
  id: number
  /** The names of the variables that its answers depend on. */
  variables: readonly string[]
  /** Whether its answers depend on the API key that asks. */
  isOfKey: boolean
}

/** Subscriptions that get the same answer to an event. */
interface Audience {
  key: string
  /** The context of the first of them, in which their events are executed. */
  context: Context
  subscriptions: number
  /** Executions that have not started, by event. */
  pending: WeakMap<object, Promise<ExecutionResult>>
}

/** The audiences of open subscriptions. */
class Audiences {
  readonly #audiences = new Map<string, Audience>()
  readonly #operations = new WeakMap<DocumentNode, Map<string, KnownOperation>>()
  #operationCount = 0

  /** The audience of a subscription that begins. */
  join(args: SubscriptionArgs): Audience {
    const key = this.#keyOf(args)
    const audience = this.#audiences.get(key) ?? {
      key,
      context: args.contextValue,
      subscriptions: 0,
      pending: new WeakMap(),
    }
    this.#audiences.set(key, audience)
    audience.subscriptions += 1
    return audience
  }

  /** A subscription has ended. */
  leave(audience: Audience): void {
    audience.subscriptions -= 1
    if (audience.subscriptions === 0) this.#audiences.delete(audience.key)
  }

  #keyOf(args: SubscriptionArgs): string {
    const { rawVariableValues, contextValue } = args
    const { id, variables, isOfKey } = this.#operation(args)
    const { accountId, keyId, scopes } = contextValue
    const given = rawVariableValues ?? {}
    // [] is the default of the variable, which is not the same as null.
    const values = variables.map((name) => (name in given ? [given[name]] : []))
    return JSON.stringify([id, accountId, isOfKey ? keyId : scopes.toSorted(), values])
  }

  /** Equal documents are usually the same object: `Documents` caches recent ones. */
  #operation({ schema, document, operation: { name } }: SubscriptionArgs): KnownOperation {
    const operations = this.#operations.get(document) ?? new Map<string, KnownOperation>()
    this.#operations.set(document, operations)
    const key = name?.value ?? ''
    const known = operations.get(key)
    if (known !== undefined) return known
    this.#operationCount += 1
    const operation = {
      id: this.#operationCount,
      variables: variablesOfAnswers(document),
      isOfKey: asksOfKey(schema, document),
    }
    operations.set(key, operation)
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

/** Whether a document selects a field that depends on the API key that asks. */
function asksOfKey(schema: GraphQLSchema, document: DocumentNode): boolean {
  const types = new TypeInfo(schema)
  let isOfKey = false
  const visitor = {
    Field() {
      const field = types.getFieldDef()
      if (field != null && rulesOf(field)?.isOfKey === true) isOfKey = true
    },
  }
  visit(document, visitWithTypeInfo(types, visitor))
  return isOfKey
}
