import {
  type GraphQLArgument,
  type GraphQLDirective,
  type GraphQLEnumValue,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isUnionType,
} from 'graphql'
import { nullBytes } from '../max-sizes.ts'

/** The value of an introspection field: a leaf of `bytes`, or objects, in a list of `items` if that is set. */
export interface IntrospectedValue {
  bytes: number
  items?: number
  of?: Introspected
}

/** The introspection objects at one path, such as __schema { types { fields } }. */
export interface Introspected {
  fields: Readonly<Record<string, IntrospectedValue>>
}

/** Combines a number of each thing into one number. */
type Figure<Thing> = (of: (thing: Thing) => number) => number

// The sizes with quotation marks of the longest enum value (a kind or a directive location) and type name of introspection.
const enumBytes = 26
const typenameBytes = 22
const booleanBytes = 5
// No default value is longer: if one were, the test with random introspections would fail.
const defaultValueBytes = 60

/**
 * The maximum weight of introspecting a schema. On a path through all types (types, their fields, and the arguments of
 * these) the total is known, so each thing weighs the mean of all. On a path through some type, such as the type of a
 * field, each thing weighs as much as the heaviest.
 */
export class IntrospectionWeights {
  readonly #roots: Readonly<Record<string, IntrospectedValue>>

  constructor(schema: GraphQLSchema) {
    const types = Object.values(schema.getTypeMap())
    const fieldsOf = (type: GraphQLNamedType) =>
      isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []
    const inputFieldsOf = (type: GraphQLNamedType) =>
      isInputObjectType(type) ? Object.values(type.getFields()) : []
    const valuesOf = (type: GraphQLNamedType) => (isEnumType(type) ? type.getValues() : [])
    const interfacesOf = (type: GraphQLNamedType) =>
      isObjectType(type) || isInterfaceType(type) ? type.getInterfaces().length : 0
    const possibleTypesOf = (type: GraphQLNamedType) =>
      isInterfaceType(type) || isUnionType(type) ? schema.getPossibleTypes(type).length : 0
    const fields = types.flatMap(fieldsOf)
    const inputFields = types.flatMap(inputFieldsOf)
    const directives = schema.getDirectives()
    const inputs = [
      ...inputFields,
      ...fields.flatMap(({ args }) => args),
      ...directives.flatMap(({ args }) => args),
    ]
    const wrappings = Math.max(...[...fields, ...inputs].map(({ type }) => wrappingsOf(type)))

    // The type of a field or an input: any type, in up to `wrappings` lists and non-nulls.
    const someTypes: Introspected[] = []
    const someType = (): IntrospectedValue => ({ bytes: nullBytes, ...part(someTypes[wrappings]) })
    const input = (figure: Figure<GraphQLArgument | GraphQLInputField>): Introspected => ({
      fields: {
        ...described(figure),
        type: someType(),
        defaultValue: {
          bytes: figure((it) => (hasDefault(it) ? defaultValueBytes : nullBytes)),
        },
        ...deprecated(figure),
      },
    })
    const field = (figure: Figure<GraphQLField<unknown, unknown>>, args: Introspected): Introspected => ({
      fields: {
        ...described(figure),
        args: { bytes: nullBytes, items: figure((it) => it.args.length), of: args },
        type: someType(),
        ...deprecated(figure),
      },
    })
    const value = (figure: Figure<GraphQLEnumValue>): Introspected => ({
      fields: { ...described(figure), ...deprecated(figure) },
    })
    const type = (
      figure: Figure<GraphQLNamedType>,
      of: { fields: Introspected; inputFields: Introspected; enumValues: Introspected },
      ofType: Introspected | undefined,
    ): Introspected['fields'] => ({
      ...described(figure),
      kind: { bytes: enumBytes },
      specifiedByURL: {
        bytes: figure((it) => (isScalarType(it) ? bytesOf(it.specifiedByURL) : nullBytes)),
      },
      isOneOf: { bytes: booleanBytes },
      fields: { bytes: nullBytes, items: figure((it) => fieldsOf(it).length), of: of.fields },
      inputFields: { bytes: nullBytes, items: figure((it) => inputFieldsOf(it).length), of: of.inputFields },
      enumValues: { bytes: nullBytes, items: figure((it) => valuesOf(it).length), of: of.enumValues },
      interfaces: { bytes: nullBytes, items: figure(interfacesOf), ...part(someTypes[0]) },
      possibleTypes: { bytes: nullBytes, items: figure(possibleTypesOf), ...part(someTypes[0]) },
      ofType: { bytes: nullBytes, ...part(ofType) },
    })

    for (let wrapped = 0; wrapped <= wrappings; wrapped += 1) someTypes.push({ fields: {} })
    const argument = input(max(inputs))
    const ofSome = {
      fields: field(max(fields), argument),
      inputFields: argument,
      enumValues: value(max(types.flatMap(valuesOf))),
    }
    for (const [wrapped, some] of someTypes.entries())
      some.fields = type(max(types), ofSome, wrapped === 0 ? undefined : someTypes[wrapped - 1])
    const ofAll = {
      fields: field(mean(fields), input(mean(fields.flatMap(({ args }) => args)))),
      inputFields: input(mean(inputFields)),
      enumValues: value(mean(types.flatMap(valuesOf))),
    }
    const directive = mean<GraphQLDirective>(directives)
    const one: IntrospectedValue = { bytes: nullBytes, ...part(someTypes[0]) }
    const whole: Introspected = {
      fields: {
        __typename: { bytes: typenameBytes },
        description: { bytes: bytesOf(schema.description) },
        types: { bytes: nullBytes, items: types.length, of: { fields: type(mean(types), ofAll, undefined) } },
        queryType: one,
        mutationType: one,
        subscriptionType: one,
        directives: {
          bytes: nullBytes,
          items: directives.length,
          of: {
            fields: {
              ...described(directive),
              isRepeatable: { bytes: booleanBytes },
              locations: { bytes: directive((it) => it.locations.length * (enumBytes + 1) + 2) },
              args: {
                bytes: nullBytes,
                items: directive((it) => it.args.length),
                of: input(mean(directives.flatMap(({ args }) => args))),
              },
              ...deprecated(directive),
            },
          },
        },
      },
    }
    this.#roots = { __schema: { bytes: nullBytes, of: whole }, __type: one }
  }

  /** The value of the query field `__schema` or `__type`. */
  root(name: string): IntrospectedValue | undefined {
    return this.#roots[name]
  }
}

function part(of: Introspected | undefined): { of?: Introspected } {
  return of === undefined ? {} : { of }
}

/** The mean: times the number of things, it is exact. */
function mean<Thing>(things: readonly Thing[]): Figure<Thing> {
  return (of) => things.reduce((sum, thing) => sum + of(thing), 0) / Math.max(1, things.length)
}

/** The maximum, for some thing out of many. */
function max<Thing>(things: readonly Thing[]): Figure<Thing> {
  return (of) => things.reduce((found, thing) => Math.max(found, of(thing)), 0)
}

function described<Thing extends { name: string; description?: string | null | undefined }>(
  figure: Figure<Thing>,
) {
  return {
    __typename: { bytes: typenameBytes },
    // Null for lists and non-nulls.
    name: { bytes: figure((it) => Math.max(nullBytes, bytesOf(it.name))) },
    description: { bytes: figure((it) => bytesOf(it.description)) },
  }
}

function deprecated<Thing extends { deprecationReason?: string | null | undefined }>(figure: Figure<Thing>) {
  return {
    isDeprecated: { bytes: booleanBytes },
    deprecationReason: { bytes: figure((it) => bytesOf(it.deprecationReason)) },
  }
}

function bytesOf(text: string | null | undefined): number {
  return text == null ? nullBytes : Buffer.byteLength(JSON.stringify(text))
}

function wrappingsOf(type: GraphQLType): number {
  if (isNonNullType(type) || isListType(type)) return 1 + wrappingsOf(type.ofType)
  return getNamedType(type) === type ? 0 : 1
}

function hasDefault(input: GraphQLArgument | GraphQLInputField): boolean {
  return input.default !== undefined || input.defaultValue !== undefined
}
