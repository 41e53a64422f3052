import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  OperationTypeNode,
  type ValidatedExecutionArgs,
  type ValidatedSubscriptionArgs,
} from 'graphql'
import type { OperationNames, RequestRecord } from '../telemetry/request-record.ts'
import { type Credentials, createContext, type Services } from './context.ts'
import { readEventCursor } from './event.ts'
import { type Executable, execute } from './execute.ts'
import type { Admission } from './limits/admission.ts'
import { AnswerRoom, type Reader } from './limits/answer-room.ts'
import type { Answers } from './limits/answers.ts'
import { Documents, type OperationText } from './limits/documents.ts'
import type { Subscribed, Subscriber } from './subscriber.ts'

// In characters. It takes a few milliseconds to parse, validate and weigh such a document.
const maxShortDocument = 5_000

/** Who sends an operation. */
export interface Sender {
  credentials: Credentials
  record: RequestRecord
  /** The length of the request, in characters; by default that of the document and the variables. */
  requestLength?: number
}

/** An operation that was read: what it needs to be executed, or the errors in its variables, which are its answer. */
export type Prepared = { document: DocumentNode; names: OperationNames } & (
  | { args: Executable }
  | { errors: readonly GraphQLError[] }
)

/** Reads and executes operations, in the same way for every transport. */
export class Operations {
  readonly schema: GraphQLSchema
  /** The serialised answers. */
  readonly answers: Answers
  readonly #services: Services
  readonly #subscriber: Subscriber
  readonly #documents: Documents
  readonly #admission: Admission
  readonly #room: AnswerRoom

  constructor(parts: { schema: GraphQLSchema; services: Services; subscriber: Subscriber }) {
    const { schema, services, subscriber } = parts
    this.schema = schema
    this.#services = services
    this.#subscriber = subscriber
    this.#documents = new Documents(schema)
    this.answers = subscriber.answers
    this.#admission = subscriber.admission
    this.#room = new AnswerRoom(this.answers)
  }

  /** Parses and validates an operation, and prepares its execution. `refused`: it is not an operation that can be executed. */
  async prepare(
    operation: OperationText,
    { credentials, record, requestLength }: Sender,
  ): Promise<Prepared | { refused: readonly GraphQLError[] }> {
    const reading = await this.#documents.read(operation)
    if ('errors' in reading) return { refused: reading.errors }
    const { document, names, length } = reading
    record.operation = names
    if ('variableErrors' in reading) return { document, names, errors: reading.variableErrors }
    const context = createContext(this.#services, credentials, {
      requestLength: requestLength ?? length,
      record,
    })
    // Read before anything else of the operation, as the cursor promises.
    if (operation.query.includes('eventCursor')) context.eventCursor = await readEventCursor(context)
    return { document, names, args: { ...reading.args, contextValue: context } }
  }

  /** Executes a query or a mutation, or begins a subscription. */
  async run(prepared: Prepared, reader: Reader): Promise<Subscribed> {
    if ('errors' in prepared) return { errors: prepared.errors }
    const { document, args } = prepared
    if (isSubscription(args)) return await this.#subscriber.subscribe(args, reader)
    // A long document has been parsed and validated in this event loop iteration.
    if ((document.loc?.end ?? 0) > maxShortDocument) await this.#services.pacer.yield()
    const weight = this.#admission.weigh(args)
    if (weight instanceof GraphQLError) return { errors: [weight] }
    return await this.#room.answer(args.contextValue.keyId, weight, {
      ...reader,
      execute: () => execute(args),
    })
  }
}

function isSubscription(args: ValidatedExecutionArgs): args is ValidatedSubscriptionArgs {
  return args.operation.operation === OperationTypeNode.SUBSCRIPTION
}
