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
import type { Pacer } from '../async/pacer.ts'
import type { Scope } from '../generated/prisma/client.ts'
import type { Context } from './context.ts'
import { paced } from './pacing.ts'
import { problem } from './problems.ts'

/** What the arguments of a field say of the fields below it, until a field below says something else. */
export interface Given {
  /** How many items a list below has at most: that of a page, or of a claim. */
  items?: number
  /** How many bytes the recipient of the claim takes in JSON. */
  recipientBytes?: number
}

/** What the value of a field can weigh at most, the fields below it not counted. */
export interface FieldWeight {
  /** How many bytes it takes in JSON, quotation marks included; of a list, each item. Strings have to say it. */
  bytes?: number
  /** How many it usually takes, where that is far from the most. */
  usualBytes?: number
  /** How many items it has. Lists have to say it. */
  items?: number
  /** What it costs the database: about five for a row that is read, ten and more for a page. */
  reads?: number
  given?: Given
}

/** What is known of a field before any operation is executed. */
export interface FieldRules {
  weight: DeclaredWeight | undefined
  weigh(args: object, given: Given): FieldWeight
  /** Throws what the field would be refused with, whatever its parent: a scope that is lacking, impossible arguments. */
  check(args: object, context: Context): void
}

/** What reading a row costs the database, as the least that a field does with it: what every root field costs. */
export const rowReads = 5

/** What a row costs that is read together with those that others in the answer ask for. */
export const loadedReads = 0.1

// Shorter lists are done in no time.
const maxUnpaced = 10

declare global {
  // Pothos collects what plugins add to the options of fields in this namespace.
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
      /** Throws BAD_USER_INPUT for arguments that are impossible, whatever the parent. Called before the resolver. */
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

type ScopeMap = { scope: Scope }
type FieldConfig = Pick<PothosOutputFieldConfig<SchemaTypes>, 'parentType' | 'name' | 'kind'> & {
  pothosOptions: unknown
}

/**
 * Lets fields say what they weigh and which arguments they refuse, and reads these rules, with the scopes of the field,
 * at two times: before a mutation is executed, for all that it selects; and when the field itself is executed. The
 * schema cannot be built while a list or a string does not say how much it can be.
 */
export class FieldRulesPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onTypeConfig(config: PothosTypeConfig): PothosTypeConfig {
    const options = config.pothosOptions as { authScopes?: unknown; grantScopes?: unknown } | undefined
    if (options?.authScopes !== undefined || options?.grantScopes !== undefined)
      throw new PothosSchemaError(
        `${config.name} has scopes as a type. Declare them on its fields: only those are checked before a mutation.`,
      )
    return config
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
    const rules = rulesFrom(config)
    const isList = config.type.kind === 'List'
    // A mutation's own fields come one after the other; those of a subscription read nothing of their own.
    const isInTurn = config.kind === 'Mutation' || config.kind === 'Subscription'
    const saysReads = typeof weight === 'function' || weight?.reads !== undefined
    const mayRead = !isInTurn && (config.kind === 'Query' || saysReads)
    if (!mayRead && !isList && checkArgs === undefined) return resolver
    return (parent, args, context, info) => {
      checkArgs?.(args)
      const { pacer, reading } = context as Context
      const reads = mayRead ? (rules.weigh(args, {}).reads ?? 0) : 0
      const resolve = () => resolver(parent, args, context, info)
      const value =
        reads < 1 ? resolve() : reads < rowReads ? pacer.yieldIfDue().then(resolve) : reading.run(resolve)
      if (!isList) return value
      return value instanceof Promise ? value.then((items) => inTurns(items, pacer)) : inTurns(value, pacer)
    }
  }

  override afterBuild(schema: GraphQLSchema): GraphQLSchema {
    const silent = Object.values(schema.getTypeMap()).flatMap((type) =>
      (isObjectType(type) || isInterfaceType(type)) && !isIntrospectionType(type)
        ? Object.values(type.getFields())
            .filter((field) => !saysHowMuch(field))
            .map((field) => `${type.name}.${field.name}`)
        : [],
    )
    if (silent.length > 0)
      throw new PothosSchemaError(
        `These fields do not say in "weight" how much they can be: ${silent.join(', ')}.`,
      )
    return schema
  }
}

function rulesFrom({ parentType, name, kind, pothosOptions }: FieldConfig): FieldRules {
  const { weight, checkArgs, authScopes } = pothosOptions as DeclaredOptions
  const isRoot = kind === 'Query' || kind === 'Mutation' || kind === 'Subscription'
  return {
    weight,
    weigh(args, given) {
      const { reads = isRoot ? rowReads : 0, ...own } =
        typeof weight === 'function' ? weight(args, given) : (weight ?? {})
      return { ...own, reads }
    },
    check(args, context) {
      const needed = typeof authScopes === 'function' ? authScopes(undefined, args, context) : authScopes
      if (needed !== undefined && !context.scopes.includes(needed.scope))
        throw forbidden(`${parentType}.${name}`, needed.scope)
      checkArgs?.(args)
    },
  }
}

/** The rules of a field of this schema; of one that it does not define, such as those of introspection, none. */
export function rulesOf(field: GraphQLField<unknown, unknown>): FieldRules | undefined {
  return field.extensions[pluginName] as FieldRules | undefined
}

function inTurns(items: unknown, pacer: Pacer): unknown {
  return Array.isArray(items) && items.length > maxUnpaced ? paced(items, pacer) : items
}

function saysHowMuch(field: GraphQLField<unknown, unknown>): boolean {
  const { weight } = rulesOf(field) ?? {}
  if (typeof weight === 'function') return true
  if (isListType(getNullableType(field.type)) && weight?.items === undefined) return false
  return getNamedType(field.type).name !== 'String' || weight?.bytes !== undefined
}

export function forbidden(field: string, scope: string | undefined) {
  return problem(
    'FORBIDDEN',
    `This API key lacks a scope that ${field} needs${scope === undefined ? '' : `: ${scope}`}.`,
  )
}

SchemaBuilder.registerPlugin(pluginName, FieldRulesPlugin)
