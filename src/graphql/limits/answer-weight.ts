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
import { type FieldRules, type FieldWeight, type Given, rulesOf } from '../field-rules.ts'
import { nullBytes } from '../max-sizes.ts'
import type { Introspected, IntrospectedValue, IntrospectionWeights } from './introspection-weight.ts'

/** How much something is of what an answer is made of. */
export interface Weight {
  /** As JSON. */
  bytes: number
  /** Values of fields, and items of lists. */
  values: number
  /** What it costs the database: about five for a row that is read, ten and more for a page. */
  reads: number
  /** Values that introspection gives, which are worked out all at once. */
  introspected: number
  /** How many fields lie in one another. */
  depth: number
}

/** The operation cannot be weighed: it is nested too deeply, or takes too many steps. */
export class UnweighableError extends Error {}

export interface Weighed {
  schema: GraphQLSchema
  introspection: IntrospectionWeights
  fragments: ReadonlyMap<string, FragmentDefinitionNode>
  variableValues: VariableValues
  /** Whether strings weigh what they can be at most, and not what they usually are. */
  atMost: boolean
  /** Called for each field that is weighed, with its arguments. What it throws, the weighing throws. */
  onField?: (rules: FieldRules, args: object, node: FieldNode) => void
  /** Called where the arguments of a field have no values, as when one is null that may not be. */
  onFailure?: (error: unknown) => void
}

/** Levels of selections, fragments included: more than any document that is read. Each level calls those below it. */
export const maxNesting = 400

/**
 * Selections that are weighed, once for each type that they are on and each size of a list that they are in. This is far
 * more than ordinary documents of the greatest length need, and takes some ten milliseconds.
 */
export const maxSteps = 30_000

/** Larger figures are cut to this one: fragments that spread each other multiply without end. */
export const countless = 1e15

export const nothing: Weight = { bytes: 0, values: 0, reads: 0, introspected: 0, depth: 0 }

/**
 * How much the answer to a selection on a type can be at most: an upper bound of its length in bytes, as long as the
 * fields tell the truth of theirs. Every field counts, as often as it is selected, and every item as often as its list
 * may have it; of the types that a value can have, the one that weighs most.
 *
 * A selection is weighed once for a type, however often fragments lead to it: so this takes time in proportion to the
 * length of the document.
 */
export class Scale {
  readonly #operation: Weighed
  readonly #known = new Map<string, Map<SelectionSetNode, Map<unknown, Weight>>>()
  #steps = 0
  #nesting = 0

  constructor(operation: Weighed) {
    this.#operation = operation
  }

  /** Throws an UnweighableError, and what `onField` and `onFailure` throw. */
  weigh(selections: SelectionSetNode, type: GraphQLObjectType): Weight {
    return this.#object(selections, type, {})
  }

  #object(selections: SelectionSetNode, type: GraphQLObjectType, given: Given): Weight {
    const weight = this.#selections(selections, type, given)
    return { ...weight, bytes: weight.bytes + 2 }
  }

  #selections(selections: SelectionSetNode, on: GraphQLObjectType | Introspected, given: Given): Weight {
    const key = `${given.items} ${given.recipientBytes}`
    const bySelection = this.#known.get(key) ?? new Map<SelectionSetNode, Map<unknown, Weight>>()
    this.#known.set(key, bySelection)
    const byType = bySelection.get(selections) ?? new Map<unknown, Weight>()
    bySelection.set(selections, byType)
    const known = byType.get(on)
    if (known !== undefined) return known
    this.#nesting += 1
    if (this.#nesting > maxNesting) throw new UnweighableError('nested')
    const sum = { ...nothing }
    for (const selection of selections.selections) {
      this.#steps += 1
      if (this.#steps > maxSteps) throw new UnweighableError('steps')
      if (selection.directives?.length && !this.#isIncluded(selection.directives)) continue
      if (selection.kind === Kind.FIELD) {
        add(sum, this.#field(selection, on, given))
        continue
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection
          : this.#operation.fragments.get(selection.name.value)
      if (fragment !== undefined && this.#applies(fragment.typeCondition?.name.value, on))
        add(sum, this.#selections(fragment.selectionSet, on, given))
    }
    this.#nesting -= 1
    byType.set(on, sum)
    return sum
  }

  #isIncluded(directives: readonly DirectiveNode[]): boolean {
    const { variableValues } = this.#operation
    const skip = getDirectiveValues(GraphQLSkipDirective, { directives }, variableValues)
    if (skip?.['if'] === true) return false
    const include = getDirectiveValues(GraphQLIncludeDirective, { directives }, variableValues)
    return include?.['if'] !== false
  }

  #applies(condition: string | undefined, on: GraphQLObjectType | Introspected): boolean {
    // Introspection has no type that could be one of several.
    if (condition === undefined || !isObjectType(on)) return true
    const { schema } = this.#operation
    const type = schema.getType(condition)
    return type === on || (isAbstractType(type) && schema.isSubType(type, on))
  }

  #field(node: FieldNode, on: GraphQLObjectType | Introspected, given: Given): Weight {
    const value = isObjectType(on) ? this.#valueOf(node, on, given) : this.#introspected(node, on)
    const key = node.alias ?? node.name
    // "key":value,
    return {
      ...value,
      bytes: value.bytes + key.value.length + 4,
      values: value.values + 1,
      depth: value.depth + 1,
    }
  }

  #valueOf(node: FieldNode, on: GraphQLObjectType, given: Given): Weight {
    const name = node.name.value
    if (name === TypeNameMetaFieldDef.name) return { ...nothing, bytes: on.name.length + 2 }
    const { schema, introspection, variableValues, atMost, onField, onFailure } = this.#operation
    const root = on === schema.getQueryType() ? introspection.root(name) : undefined
    if (root !== undefined) return this.#introspectedValue(node, root)
    const field = schema.getField(on, name)
    if (field === undefined) return nothing
    const args = this.#argumentsOf(field, node, variableValues, onFailure)
    // It ends with an error, and is null.
    if (args === undefined) return { ...nothing, bytes: nullBytes }
    const rules = rulesOf(field)
    if (rules !== undefined) onField?.(rules, args, node)
    const own = rules?.weigh(args, given) ?? unknownField
    const value =
      node.selectionSet === undefined
        ? { ...nothing, bytes: (atMost ? undefined : own.usualBytes) ?? own.bytes ?? leafBytes(field.type) }
        : this.#anyOf(node.selectionSet, field.type, own.given ?? given)
    const isList = isListType(getNullableType(field.type))
    const all = isList ? times(own.items ?? countless, value) : value
    return { ...all, bytes: Math.max(all.bytes, nullBytes), reads: sane(all.reads + (own.reads ?? 0)) }
  }

  #argumentsOf(
    field: GraphQLField<unknown, unknown>,
    node: FieldNode,
    variableValues: VariableValues,
    onFailure: Weighed['onFailure'],
  ): object | undefined {
    if (field.args.length === 0) return noArguments
    try {
      return getArgumentValues(field, node, variableValues)
    } catch (error) {
      onFailure?.(error)
      return undefined
    }
  }

  /** The value of a type, whichever of the possible types it has. */
  #anyOf(selections: SelectionSetNode, outputType: GraphQLOutputType, given: Given): Weight {
    const type = getNamedType(outputType)
    if (isObjectType(type)) return this.#object(selections, type, given)
    if (!isAbstractType(type)) return nothing
    let most = nothing
    for (const possible of this.#operation.schema.getPossibleTypes(type))
      most = maxOf(most, this.#object(selections, possible, given))
    return most
  }

  #introspected(node: FieldNode, on: Introspected): Weight {
    const value = on.fields[node.name.value]
    return value === undefined ? { ...nothing, bytes: countless } : this.#introspectedValue(node, value)
  }

  #introspectedValue({ selectionSet }: FieldNode, { items, bytes, of }: IntrospectedValue): Weight {
    if (of === undefined || selectionSet === undefined) return { ...nothing, bytes, introspected: 1 }
    const one = this.#selections(selectionSet, of, {})
    const each = { ...one, bytes: one.bytes + 2 }
    const value = items === undefined ? each : times(items, each)
    // Of a list whose length is a mean, some are null or empty, which takes bytes beside those of the others' items.
    return { ...value, bytes: sane(value.bytes + bytes), introspected: value.introspected + 1 }
  }
}

// Only schemas that were built without these rules have such fields.
const unknownField: FieldWeight = { bytes: 1_000, items: 100 }

const noArguments: object = Object.freeze({})

function add(sum: Weight, more: Readonly<Weight>): void {
  sum.bytes = sane(sum.bytes + more.bytes)
  sum.values = sane(sum.values + more.values)
  sum.reads = sane(sum.reads + more.reads)
  sum.introspected = sane(sum.introspected + more.introspected)
  sum.depth = Math.max(sum.depth, more.depth)
}

/** So many items, between brackets and with commas. */
function times(items: number, each: Weight): Weight {
  return {
    bytes: sane(items * (each.bytes + 1) + 2),
    values: sane(items * (each.values + 1)),
    reads: sane(items * each.reads),
    introspected: sane(items * each.introspected),
    depth: each.depth,
  }
}

function maxOf(a: Weight, b: Weight): Weight {
  return {
    bytes: Math.max(a.bytes, b.bytes),
    values: Math.max(a.values, b.values),
    reads: Math.max(a.reads, b.reads),
    introspected: Math.max(a.introspected, b.introspected),
    depth: Math.max(a.depth, b.depth),
  }
}

function sane(figure: number): number {
  return Math.min(figure, countless)
}

// In JSON, with quotation marks. An id is base64 of the type and of what a code of the largest index has.
const bytesOfScalars: Readonly<Record<string, number>> = {
  Boolean: 5,
  Int: 11,
  Float: 24,
  ID: 110,
  BigInt: 43,
  DateTime: 30,
}

function leafBytes(outputType: GraphQLOutputType): number {
  const type = getNamedType(outputType)
  if (isEnumType(type)) return Math.max(...type.getValues().map(({ name }) => name.length)) + 2
  return bytesOfScalars[type.name] ?? countless
}
