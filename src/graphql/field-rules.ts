import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type InputShapeFromFields,
  type PothosOutputFieldConfig,
  PothosSchemaError,
  type PothosTypeConfig,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core'
import {
  type GraphQLEnumType,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isObjectType,
} from 'graphql'
import { type Pacer, paced } from '../async/pacer.ts'
import type { Scope } from '../generated/prisma/client.ts'
import type { Context } from './context.ts'
import { topLevelError } from './errors/top-level.ts'

/** Bounds that the arguments of a field set for the fields below it, unless one of these sets others. */
export interface Given {
  /** The maximum length of a list below: of a page, or of the codes of a claim. */
  items?: number
  /** The size of the claim's recipient as JSON, in bytes. */
  recipientBytes?: number
}

/** The maximum weight of a field's value, without the fields below it. */
export interface FieldWeight {
  /** Its size as JSON, in bytes, with quotation marks; for a list, the size of each item. Required for strings. */
  bytes?: number
  /** Its usual size, where that is far below the maximum. */
  usualBytes?: number
  /** Its number of items. Required for lists. */
  items?: number
  /** Its cost for the database: about five for a row, ten and more for a page. */
  reads?: number
  given?: Given
}

/** What is known about a field before an operation is executed. */
export interface FieldRules {
  weight: DeclaredWeight | undefined
  weigh(args: object, given: Given): FieldWeight
  /** The scopes of which one is enough, whatever its parent is; undefined if it needs none. */
  neededScopes(args: object, context: Context): readonly Scope[] | undefined
  /** Throws the error that the field will fail with whatever its parent is: FORBIDDEN, or BAD_USER_INPUT. */
  check(args: object, context: Context): void
  /** Whether it depends on the API key that asks, and not only on the key's scopes. */
  isOfKey: boolean
}

/** The cost of reading a row, the minimum for a field that queries the database, and the default of root fields. */
export const rowReads = 5

/** The cost of a row that is loaded in one batch with others of the same answer. */
export const loadedReads = 0.1

// Shorter lists do not hold up the event loop for long enough to matter.
const maxUnpaced = 10

declare global {
  // Pothos merges the field options of all plugins in this namespace.
  export namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      fieldRules: FieldRulesPlugin<Types>
    }
    interface FieldOptions<
      Types extends SchemaTypes = SchemaTypes,
      ParentShape = unknown,
      Type extends TypeParam<Types> = TypeParam<Types>,
      Nullable extends FieldNullability<Type> = FieldNullability<Type>,
      Args extends InputFieldMap = InputFieldMap,
      ResolveShape = unknown,
      ResolveReturnShape = unknown,
    > {
      weight?: FieldWeight | ((args: InputShapeFromFields<Args>, given: Given) => FieldWeight)
      /** Throws BAD_USER_INPUT for arguments that are wrong whatever the parent is. Called before the resolver. */
      checkArgs?: (args: InputShapeFromFields<Args>) => void
    }
  }
}

const pluginName = 'fieldRules'
export default pluginName

type DeclaredWeight = FieldWeight | ((args: object, given: Given) => FieldWeight)

interface DeclaredOptions {
  weight?: DeclaredWeight
  checkArgs?: (args: object) => void
  authScopes?: ScopeMap | ((parent: undefined, args: object, context: Context) => ScopeMap)
}

/** The scope that a field needs, or several of which any one is enough. */
type ScopeMap = { scope: Scope } | { anyScope: readonly Scope[] }
type FieldConfig = Pick<PothosOutputFieldConfig<SchemaTypes>, 'parentType' | 'name' | 'kind'> & {
  pothosOptions: unknown
}

/**
 * Lets a field declare its weight and check its arguments. These rules and the field's scopes apply twice: to the whole
 * selection of a mutation before it is executed (limits/admission.ts), and to each field when it is resolved. The schema
 * does not build if a list or a string lacks a weight.
 */
export class FieldRulesPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onTypeConfig(config: PothosTypeConfig): PothosTypeConfig {
    const options = config.pothosOptions as { authScopes?: unknown; grantScopes?: unknown } | undefined
    if (options?.authScopes !== undefined || options?.grantScopes !== undefined)
      throw new PothosSchemaError(
        `${config.name} declares scopes as a type. Declare them on its fields: only those are checked before a mutation.`,
      )
    if (config.kind !== 'Enum') return config
    const bytes = sizeOfLongest(Object.keys(config.values))
    return { ...config, extensions: { ...config.extensions, [pluginName]: bytes } }
  }

  override onOutputFieldConfig(config: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const rules = rulesFrom(config)
    return { ...config, extensions: { ...config.extensions, [pluginName]: rules } }
  }

  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    config: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    const { weight, checkArgs } = config.pothosOptions as unknown as DeclaredOptions
    const rules = config.extensions?.[pluginName] as FieldRules
    const isList = config.type.kind === 'List'
    // The root fields of a mutation run one after the other. Those of a subscription read nothing.
    const isRootWithoutBound = config.kind === 'Mutation' || config.kind === 'Subscription'
    const declaresReads = typeof weight === 'function' || weight?.reads !== undefined
    const isBounded = !isRootWithoutBound && (config.kind === 'Query' || declaresReads)
    if (!isBounded && !isList && checkArgs === undefined) return resolver
    return (parent, args, context, info) => {
      checkArgs?.(args)
      const { pacer, reading } = context as Context
      const reads = isBounded ? (rules.weigh(args, {}).reads ?? 0) : 0
      const resolve = () => resolver(parent, args, context, info)
      const resolveWhenFree = () => pacer.yieldIfDue().then(resolve)
      const value =
        reads < 1 ? resolve() : reads < rowReads ? resolveWhenFree() : reading.run(resolveWhenFree)
      if (!isList) return value
      return value instanceof Promise
        ? value.then((items) => pacedIfLong(items, pacer))
        : pacedIfLong(value, pacer)
    }
  }

  override afterBuild(schema: GraphQLSchema): GraphQLSchema {
    const undeclared = Object.values(schema.getTypeMap()).flatMap((type) =>
      (isObjectType(type) || isInterfaceType(type)) && !isIntrospectionType(type)
        ? Object.values(type.getFields())
            .filter((field) => !declaresWeight(field))
            .map((field) => `${type.name}.${field.name}`)
        : [],
    )
    if (undeclared.length > 0)
      throw new PothosSchemaError(`These fields need a "weight": ${undeclared.join(', ')}.`)
    return schema
  }
}

function rulesFrom({ parentType, name, kind, pothosOptions }: FieldConfig): FieldRules {
  const { weight, checkArgs, authScopes } = pothosOptions as DeclaredOptions
  const isRoot = kind === 'Query' || kind === 'Mutation' || kind === 'Subscription'
  const withReads = (own: FieldWeight): FieldWeight => ({ reads: isRoot ? rowReads : 0, ...own })
  const neededScopes = (args: object, context: Context) => {
    const needed = typeof authScopes === 'function' ? authScopes(undefined, args, context) : authScopes
    return needed && ('scope' in needed ? [needed.scope] : needed.anyScope)
  }
  return {
    weight,
    weigh: weigherOf(weight, withReads),
    neededScopes,
    check(args, context) {
      const needed = neededScopes(args, context)
      if (needed !== undefined) requireAnyScope(context, needed, `${parentType}.${name}`)
      checkArgs?.(args)
    },
    isOfKey: typeof authScopes === 'function',
  }
}

/** Weighs a field. Nearly all have always the same weight, which is made once. */
function weigherOf(
  weight: DeclaredWeight = {},
  complete: (own: FieldWeight) => FieldWeight,
): FieldRules['weigh'] {
  if (typeof weight === 'function') return (args, given) => complete(weight(args, given))
  const always = Object.freeze(complete(weight))
  return () => always
}

/** The rules of a field; undefined for one that this schema does not define, such as those of introspection. */
export function rulesOf(field: GraphQLField<unknown, unknown>): FieldRules | undefined {
  return field.extensions[pluginName] as FieldRules | undefined
}

/**
 * The size of the longest value of an enum as JSON, in bytes. Worked out once for those of the schema, which have many
 * values.
 */
export function bytesOfEnum(type: GraphQLEnumType): number {
  const known = type.extensions[pluginName] as number | undefined
  return known ?? sizeOfLongest(type.getValues().map(({ name }) => name))
}

function sizeOfLongest(names: readonly string[]): number {
  return Math.max(...names.map(({ length }) => length)) + 2
}

function pacedIfLong(items: unknown, pacer: Pacer): unknown {
  return Array.isArray(items) && items.length > maxUnpaced ? paced(items, pacer) : items
}

function declaresWeight(field: GraphQLField<unknown, unknown>): boolean {
  const { weight } = rulesOf(field) ?? {}
  if (typeof weight === 'function') return true
  if (isListType(getNullableType(field.type)) && weight?.items === undefined) return false
  return getNamedType(field.type).name !== 'String' || weight?.bytes !== undefined
}

/** Throws FORBIDDEN unless the key has the scope that `what` needs. */
export function requireScope(context: Pick<Context, 'scopes'>, scope: Scope, what: string): void {
  requireAnyScope(context, [scope], what)
}

function requireAnyScope({ scopes }: Pick<Context, 'scopes'>, enough: readonly Scope[], what: string): void {
  if (!enough.some((scope) => scopes.includes(scope))) throw forbidden(what, enough)
}

/** The error for a key that has none of the scopes that are enough; empty if they are not known. */
export function forbidden(what: string, enough: readonly string[]) {
  const scopes = enough.length === 0 ? '' : `: ${enough.join(' or ')}`
  return topLevelError('FORBIDDEN', `This API key lacks a scope that ${what} needs${scopes}.`)
}

SchemaBuilder.registerPlugin(pluginName, FieldRulesPlugin)
