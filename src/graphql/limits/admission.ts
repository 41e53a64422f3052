import {
  type ExecutionArgs,
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  OperationTypeNode,
} from 'graphql'
import { grouped } from '../../grouped.ts'
import type { Context } from '../context.ts'
import { badInput } from '../pagination.ts'
import {
  countless,
  maxNesting,
  maxSteps,
  nothing,
  Scale,
  UnweighableError,
  type Weighed,
  type Weight,
} from './answer-weight.ts'
import { fragmentsOf } from './document-weight.ts'
import { IntrospectionWeights } from './introspection-weight.ts'

/** What the answer to an operation may be at most, weighed before the operation is executed. */
export const answerLimits: Readonly<Weight> = {
  bytes: 32_000_000,
  values: 250_000,
  reads: 7_000,
  introspected: 12_000,
  depth: 20,
}

/** The same of one event of a subscription, of which very many can come at the same moment. */
export const eventLimits: Readonly<Weight> = {
  bytes: answerLimits.bytes / 10,
  values: answerLimits.values / 10,
  reads: answerLimits.reads / 10,
  introspected: 0,
  depth: answerLimits.depth,
}

// What a figure is of, and what makes it smaller.
const meanings: Readonly<Record<keyof Weight, readonly [what: string, advice: string]>> = {
  depth: ['levels of fields', 'Ask for fewer levels, and for the rest by the ids that you get.'],
  reads: [
    'points of work for the database (5 for a row, 10 and more for a page)',
    'Ask for fewer pages or nodes at once, in several requests.',
  ],
  introspected: [
    'values of introspection',
    'Select fewer fields of __schema and __type, in several requests, or read schema.graphql instead.',
  ],
  values: ['values', 'Ask for fewer items (first, last, count) or fewer fields, in several requests.'],
  bytes: ['bytes', 'Ask for fewer items (first, last, count) or fewer fields, in several requests.'],
}

type Operation = Pick<
  ExecutionArgs,
  'schema' | 'document' | 'operationName' | 'variableValues' | 'contextValue'
>

/**
 * Decides before an operation is executed whether it is. What its answer can be is weighed; and what a mutation selects
 * is checked, field by field, since what it does cannot be undone by an error that comes afterwards.
 */
export class Admission {
  readonly #introspections = new WeakMap<GraphQLSchema, IntrospectionWeights>()

  /**
   * What the answer to a validated operation can be at most, or why it is not executed. What the executor itself will
   * refuse weighs nothing.
   */
  weigh(args: Operation): Weight | GraphQLError {
    const { schema } = args
    const operation = getOperationAST(args.document, args.operationName)
    const type = operation && schema.getRootType(operation.operation)
    if (operation == null || type == null) return nothing
    const variables = getVariableValues(
      schema,
      operation.variableDefinitions ?? [],
      args.variableValues ?? {},
      { maxErrors: 1 },
    )
    if (variables.variableValues === undefined) return nothing
    const acts = operation.operation === OperationTypeNode.MUTATION
    const scale = new Scale({
      schema,
      introspection: this.#introspectionOf(schema),
      fragments: fragmentsOf(args.document),
      variableValues: variables.variableValues,
      atMost: acts,
      ...(acts ? checks(args.contextValue as Context) : {}),
    })
    try {
      const weight = scale.weigh(operation.selectionSet, type)
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

/** What a mutation selects is refused before it is executed, as the fields themselves would refuse it later. */
function checks(context: Context): Pick<Weighed, 'onField' | 'onFailure'> {
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
  'The size of the answer cannot be worked out: the selections or fragments of the operation are nested too deeply or ' +
  `repeated too often. At most ${grouped(maxNesting)} levels are possible, and ${grouped(maxSteps)} selections, each ` +
  'counted once for every type and list size that it applies to. Ask for less at once, in several requests.'

function excess(weight: Weight, limits: Readonly<Weight>): GraphQLError | undefined {
  for (const [kind, [what, advice]] of Object.entries(meanings) as [keyof Weight, [string, string]][]) {
    const [figure, limit] = [weight[kind], limits[kind]]
    if (figure <= limit) continue
    const told =
      figure >= countless
        ? `far more than ${grouped(limit)} ${what}, which is the limit`
        : `${grouped(Math.ceil(figure))} ${what}, and at most ${grouped(limit)} are possible`
    return refused(
      badInput(`The operation asks for too much at once: its answer could have ${told}. ${advice}`),
    )
  }
  return undefined
}

/** The error as one of the whole operation. Clients that expect any JSON have 200, as for what is not valid. */
function refused(error: GraphQLError, node?: FieldNode): GraphQLError {
  // What graphql itself objects to has none.
  const { code = 'GRAPHQL_VALIDATION_FAILED', ...others } = error.extensions
  const status = code === 'FORBIDDEN' ? 403 : 400
  return new GraphQLError(error.message, {
    nodes: node ?? error.nodes,
    extensions: { code, ...others, http: { status, spec: true } },
  })
}
