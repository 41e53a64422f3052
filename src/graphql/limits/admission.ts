import {
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  OperationTypeNode,
  type ValidatedExecutionArgs,
} from 'graphql'
import { grouped } from '../../grouped.ts'
import { schemaPath } from '../../routes.ts'
import type { Context } from '../context.ts'
import { badInput } from '../errors/top-level.ts'
import {
  AnswerWeigher,
  maxNesting,
  maxWeighings,
  UnweighableError,
  type WeighedOperation,
  weightless,
} from './answer-weight.ts'
import { IntrospectionWeights } from './introspection-weight.ts'
import {
  type AnswerWeight,
  adviceForLevels,
  answerLimits,
  eventLimits,
  findExcess,
  type LimitTexts,
} from './limits.ts'

const weightTexts: Readonly<Record<keyof AnswerWeight, LimitTexts>> = {
  depth: ['levels of fields', adviceForLevels],
  reads: [
    'points of work for the database (5 for a row, 10 and more for a page)',
    'Ask for fewer pages or nodes at a time, in several requests.',
  ],
  introspected: [
    'values of introspection',
    `Select fewer fields of __schema and __type, in several requests, or read the whole schema at ${schemaPath}.`,
  ],
  values: ['values', 'Ask for fewer items (first, last, count) or fewer fields, in several requests.'],
  bytes: ['bytes', 'Ask for fewer items (first, last, count) or fewer fields, in several requests.'],
}

/**
 * Decides whether to execute an operation, by the weight of its answer. For a mutation, it also checks every selected
 * field, since a later error could not undo the mutation.
 */
export class Admission {
  readonly #introspections = new WeakMap<GraphQLSchema, IntrospectionWeights>()

  /** The maximum weight of the answer to an operation, or why the operation is refused. */
  weigh(args: ValidatedExecutionArgs): AnswerWeight | GraphQLError {
    const { schema, operation, variableValues, fragmentDefinitions: fragments } = args
    const type = schema.getRootType(operation.operation)
    // The executor refuses it.
    if (type == null) return weightless
    const isMutation = operation.operation === OperationTypeNode.MUTATION
    const weigher = new AnswerWeigher({
      schema,
      introspection: this.#introspectionOf(schema),
      fragments,
      variableValues,
      byMaxBytes: isMutation,
      ...(isMutation ? checks(args.contextValue as Context) : {}),
    })
    try {
      const weight = weigher.weigh(operation.selectionSet, type)
      const isEvent = operation.operation === OperationTypeNode.SUBSCRIPTION
      return excess(weight, isEvent ? eventLimits : answerLimits) ?? weight
    } catch (error) {
      if (error instanceof UnweighableError) return refused(badInput(unweighable))
      if (error instanceof GraphQLError) return refused(error)
      throw error
    }
  }

  #introspectionOf(schema: GraphQLSchema): IntrospectionWeights {
    const known = this.#introspections.get(schema) ?? new IntrospectionWeights(schema)
    this.#introspections.set(schema, known)
    return known
  }
}

/** The checks of a mutation's selection: each field throws now what it would throw when it is resolved. */
function checks(context: Context): Pick<WeighedOperation, 'onField' | 'onFailure'> {
  return {
    onField(rules, args, node) {
      try {
        rules.check(args, context)
      } catch (error) {
        throw error instanceof GraphQLError ? refused(error, node) : error
      }
    },
    onFailure(error) {
      throw error
    },
  }
}

const unweighable =
  'The size of the answer cannot be computed: the selections or fragments of the operation are nested too deeply or ' +
  `repeated too often. At most ${grouped(maxNesting)} levels are allowed, and ${grouped(maxWeighings)} selections, each ` +
  'counted once for every type and list size that it applies to. Ask for less at a time, in several requests.'

function excess(weight: AnswerWeight, limits: Readonly<AnswerWeight>): GraphQLError | undefined {
  const found = findExcess(weight, limits, weightTexts)
  if (found === undefined) return undefined
  const { count, limit, what, advice } = found
  const size =
    count === undefined
      ? `far more than ${limit} ${what}, which is the limit`
      : `${count} ${what}, and at most ${limit} are allowed`
  return refused(badInput(`The operation asks for too much: its answer could have ${size}. ${advice}`))
}

/** The error as one of the whole operation. Clients that accept only application/json get the status 200. */
function refused(error: GraphQLError, node?: FieldNode): GraphQLError {
  // graphql's own errors have no code.
  const { code = 'GRAPHQL_VALIDATION_FAILED', ...others } = error.extensions
  const status = code === 'FORBIDDEN' ? 403 : 400
  return new GraphQLError(error.message, {
    nodes: node ?? error.nodes,
    extensions: { code, ...others, http: { status, spec: true } },
  })
}
