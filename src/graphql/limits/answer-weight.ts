import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isListType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
  type VariableValues,
} from 'graphql'
import { bytesOfEnum, type FieldRules, type FieldWeight, type Given, rulesOf } from '../field-rules.ts'
import { nullBytes } from '../max-sizes.ts'
import type { Introspected, IntrospectedValue, IntrospectionWeights } from './introspection-weight.ts'
import { type AnswerWeight, maxCounted } from './limits.ts'

/** The operation cannot be weighed: it is nested too deeply, or would take too many steps. */
export class UnweighableError extends Error {}

export interface WeighedOperation {
  schema: GraphQLSchema
  introspection: IntrospectionWeights
  fragments: Readonly<Record<string, FragmentDefinitionNode>>
  variableValues: VariableValues
  /** Whether strings count with their maximum size instead of their usual one. */
  byMaxBytes: boolean
  /** Called for each field, with its arguments. `weigh` throws what it throws. */
  onField?: (rules: FieldRules, args: object, node: FieldNode) => void
  /** Called with the error if the arguments of a field cannot be coerced. */
  onFailure?: (error: unknown) => void
}

/** Levels of selections, including fragments: more than a valid document has. Each level is a recursion. */
export const maxNesting = 400

/**
 * Selections to weigh, each once per type and list size that it applies to. Ordinary documents of the maximum length need
 * far fewer. This many take some ten milliseconds.
 */
export const maxWeighings = 30_000

export const weightless: Readonly<AnswerWeight> = Object.freeze({
  bytes: 0,
  values: 0,
  reads: 0,
  introspected: 0,
  depth: 0,
})

/**
 * Computes the maximum weight of an answer from the weights that fields declare. Fields count as often as they are
 * selected, times the maximum length of the lists that they are in. Of the possible types of a value, the heaviest counts.
 *
 * A selection is weighed once per type, however often it is spread, so the time is proportional to the length of the
 * document.
 */
export class AnswerWeigher {
  readonly #operation: WeighedOperation
  readonly #known = new Map<SelectionSetNode, Map<string, Map<unknown, AnswerWeight>>>()
  /** How many levels above have several possible types. */
  #abstract = 0
  #steps = 0
  #nesting = 0

  constructor(operation: WeighedOperation) {
    this.#operation = operation
  }

  /** Throws UnweighableError, and what `onField` and `onFailure` throw. */
  weigh(selections: SelectionSetNode, type: GraphQLObjectType): AnswerWeight {
    return this.#object(selections, type, {})
  }

  #object(
    selections: SelectionSetNode,
    type: GraphQLObjectType,
    given: Given,
    mayRepeat = this.#abstract > 0,
  ): AnswerWeight {
    const weight = mayRepeat
      ? this.#repeated(selections, type, given)
      : this.#selections(selections, type, given)
    // A copy, which callers change: the weight itself may be kept.
    return { ...weight, bytes: weight.bytes + 2 }
  }

  #selections(
    selections: SelectionSetNode,
    on: GraphQLObjectType | Introspected,
    given: Given,
  ): AnswerWeight {
    this.#nesting += 1
    if (this.#nesting > maxNesting) throw new UnweighableError('nested')
    const sum = { ...weightless }
    for (const selection of selections.selections) {
      this.#steps += 1
      if (this.#steps > maxWeighings) throw new UnweighableError('steps')
      if (selection.directives?.length && !this.#isIncluded(selection.directives)) continue
      if (selection.kind === Kind.FIELD) {
        add(sum, this.#field(selection, on, given))
        continue
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (this.#applies(selection.typeCondition?.name.value, on))
          add(sum, this.#selections(selection.selectionSet, on, given))
        continue
      }
      const fragment = this.#operation.fragments[selection.name.value]
      if (fragment !== undefined && this.#applies(fragment.typeCondition.name.value, on))
        add(sum, this.#repeated(fragment.selectionSet, on, given))
    }
    this.#nesting -= 1
    return sum
  }

  /** Like `#selections`, for those that may be weighed again: of a fragment, and below a type with several possible ones. */
  #repeated(selections: SelectionSetNode, on: GraphQLObjectType | Introspected, given: Given): AnswerWeight {
    const ofSelections = this.#known.get(selections) ?? new Map<string, Map<unknown, AnswerWeight>>()
    this.#known.set(selections, ofSelections)
    const key = `${given.items} ${given.recipientBytes}`
    const byType = ofSelections.get(key) ?? new Map<unknown, AnswerWeight>()
    ofSelections.set(key, byType)
    const weight = byType.get(on) ?? this.#selections(selections, on, given)
    byType.set(on, weight)
    return weight
  }

  #isIncluded(directives: readonly DirectiveNode[]): boolean {
    const { variableValues } = this.#operation
    const skip = getDirectiveValues(GraphQLSkipDirective, { directives }, variableValues)
    if (skip?.['if'] === true) return false
    const include = getDirectiveValues(GraphQLIncludeDirective, { directives }, variableValues)
    return include?.['if'] !== false
  }

  #applies(condition: string | undefined, on: GraphQLObjectType | Introspected): boolean {
    // Introspection has no abstract types.
    if (condition === undefined || !isObjectType(on)) return true
    const { schema } = this.#operation
    const type = schema.getType(condition)
    return type === on || (isAbstractType(type) && schema.isSubType(type, on))
  }

  #field(node: FieldNode, on: GraphQLObjectType | Introspected, given: Given): AnswerWeight {
    const weight = isObjectType(on) ? this.#valueOf(node, on, given) : this.#introspected(node, on)
    const key = node.alias ?? node.name
    // "key":value,
    weight.bytes += key.value.length + 4
    weight.values += 1
    weight.depth += 1
    return weight
  }

  #valueOf(node: FieldNode, on: GraphQLObjectType, given: Given): AnswerWeight {
    const name = node.name.value
    if (name === TypeNameMetaFieldDef.name) return { ...weightless, bytes: on.name.length + 2 }
    const { schema, introspection, byMaxBytes, onField } = this.#operation
    const root = on === schema.getQueryType() ? introspection.root(name) : undefined
    if (root !== undefined) return this.#introspectedValue(node, root)
    const field = schema.getField(on, name)
    if (field === undefined) return { ...weightless }
    const args = this.#argumentsOf(field, node)
    // The field will fail and be null.
    if (args === undefined) return { ...weightless, bytes: nullBytes }
    const rules = rulesOf(field)
    if (rules !== undefined) onField?.(rules, args, node)
    const own = rules?.weigh(args, given) ?? unknownField
    const one =
      node.selectionSet === undefined
        ? {
            ...weightless,
            bytes: (byMaxBytes ? undefined : own.usualBytes) ?? own.bytes ?? leafBytes(field.type),
          }
        : this.#anyOf(node.selectionSet, field.type, own.given ?? given)
    const isList = isListType(getNullableType(field.type))
    const weight = isList ? times(own.items ?? maxCounted, one) : one
    weight.bytes = Math.max(weight.bytes, nullBytes)
    weight.reads = capped(weight.reads + (own.reads ?? 0))
    return weight
  }

  #argumentsOf(field: GraphQLField<unknown, unknown>, node: FieldNode): object | undefined {
    if (field.args.length === 0) return noArguments
    try {
      return getArgumentValues(field, node, this.#operation.variableValues)
    } catch (error) {
      this.#operation.onFailure?.(error)
      return undefined
    }
  }

  /** The weight of a value, for the heaviest of its possible types. */
  #anyOf(selections: SelectionSetNode, outputType: GraphQLOutputType, given: Given): AnswerWeight {
    const type = getNamedType(outputType)
    if (isObjectType(type)) return this.#object(selections, type, given)
    const heaviest = { ...weightless }
    if (!isAbstractType(type)) return heaviest
    const mayRepeat = this.#abstract > 0
    this.#abstract += 1
    for (const possible of this.#operation.schema.getPossibleTypes(type))
      raise(heaviest, this.#object(selections, possible, given, mayRepeat))
    this.#abstract -= 1
    return heaviest
  }

  #introspected(node: FieldNode, on: Introspected): AnswerWeight {
    const value = on.fields[node.name.value]
    return value === undefined ? { ...weightless, bytes: maxCounted } : this.#introspectedValue(node, value)
  }

  #introspectedValue({ selectionSet }: FieldNode, { items, bytes, of }: IntrospectedValue): AnswerWeight {
    if (of === undefined || selectionSet === undefined) return { ...weightless, bytes, introspected: 1 }
    const one = this.#selections(selectionSet, of, {})
    const each = { ...one, bytes: one.bytes + 2 }
    const value = items === undefined ? each : times(items, each)
    // The length may be the mean of several lists. Those that are null or empty take bytes too.
    return { ...value, bytes: capped(value.bytes + bytes), introspected: value.introspected + 1 }
  }
}

// Only a schema built without these rules has such a field.
const unknownField: FieldWeight = { bytes: 1_000, items: 100 }

const noArguments: object = Object.freeze({})

function add(sum: AnswerWeight, more: Readonly<AnswerWeight>): void {
  sum.bytes = capped(sum.bytes + more.bytes)
  sum.values = capped(sum.values + more.values)
  sum.reads = capped(sum.reads + more.reads)
  sum.introspected = capped(sum.introspected + more.introspected)
  sum.depth = Math.max(sum.depth, more.depth)
}

/** The weight of a list, with brackets and commas. */
function times(items: number, each: AnswerWeight): AnswerWeight {
  return {
    bytes: capped(items * (each.bytes + 1) + 2),
    values: capped(items * (each.values + 1)),
    reads: capped(items * each.reads),
    introspected: capped(items * each.introspected),
    depth: each.depth,
  }
}

/** Raises each part of a weight to at least that of another one. */
function raise(weight: AnswerWeight, least: Readonly<AnswerWeight>): void {
  weight.bytes = Math.max(weight.bytes, least.bytes)
  weight.values = Math.max(weight.values, least.values)
  weight.reads = Math.max(weight.reads, least.reads)
  weight.introspected = Math.max(weight.introspected, least.introspected)
  weight.depth = Math.max(weight.depth, least.depth)
}

function capped(figure: number): number {
  return Math.min(figure, maxCounted)
}

// Maximum sizes as JSON. The longest id is that of a claim: base64 of its type, a UUID and a position.
const bytesOfScalars: Readonly<Record<string, number>> = {
  Boolean: 5,
  Int: 11,
  Float: 24,
  ID: 116,
  BigInt: 43,
  DateTime: 30,
  Duration: 30,
}

function leafBytes(outputType: GraphQLOutputType): number {
  const type = getNamedType(outputType)
  if (isEnumType(type)) return bytesOfEnum(type)
  return bytesOfScalars[type.name] ?? maxCounted
}
