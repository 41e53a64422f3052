import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  buildASTSchema,
  buildSchema,
  findSchemaChanges,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  parse,
  printSchema,
  visit,
} from 'graphql'
import { describe, expect, test } from 'vitest'
import { printSorted, schema } from '../../src/graphql/schema.ts'

const contract = await readFile(join(import.meta.dirname, 'contract.graphql'), 'utf8')

// A client that was written for the contract does not notice these. Whatever else changes, also what graphql calls
// safe, such as a field that is no longer null, is no longer what was agreed.
const additions = new Set([
  'TYPE_ADDED',
  'FIELD_ADDED',
  'VALUE_ADDED_TO_ENUM',
  'TYPE_ADDED_TO_UNION',
  'OPTIONAL_INPUT_FIELD_ADDED',
  'OPTIONAL_ARG_ADDED',
  'IMPLEMENTED_INTERFACE_ADDED',
  'DIRECTIVE_ADDED',
  'DESCRIPTION_CHANGED',
])

/** Every deviation of a schema from the contract. */
function breaches(agreed: GraphQLSchema, actual: GraphQLSchema): string[] {
  const changes = findSchemaChanges(agreed, actual)
    .filter((change) => !additions.has(change.type))
    .map((change) => `${change.type}: ${change.description}`)
  // graphql does not look for these two changes.
  for (const type of Object.values(agreed.getTypeMap())) {
    const other = actual.getType(type.name)
    if (isInputObjectType(type) && isInputObjectType(other) && type.isOneOf !== other.isOneOf)
      changes.push(`${type.name} differs in @oneOf.`)
    if (isScalarType(type) && isScalarType(other) && type.specifiedByURL !== other.specifiedByURL)
      changes.push(`${type.name} differs in @specifiedBy.`)
  }
  return changes
}

test('schema.graphql is what the service serves (tools/print-schema.ts writes it)', async () => {
  const written = await readFile(join(import.meta.dirname, '../../schema.graphql'), 'utf8')
  expect(written).toBe(printSorted())
})

describe('the contract with the frontends', () => {
  test('is kept, in every name, argument, default and nullability', () => {
    expect(breaches(buildSchema(contract), schema)).toEqual([])
  })

  test('is kept by schema.graphql as stored', async () => {
    const written = await readFile(join(import.meta.dirname, '../../schema.graphql'), 'utf8')
    expect(breaches(buildSchema(contract), buildSchema(written))).toEqual([])
  })

  // One field, argument or value on a line, and no comments.
  const printed = printSchema(stripDescriptions(contract))

  test.each([
    ['a removed field', 'type FormatEdge {\n  cursor: String!', 'type FormatEdge {'],
    ['a removed type', /DateTime/g, 'Moment'],
    ['a removed argument', 'examples(count: Int! = 3)', 'examples'],
    ['a removed enum value', 'AVAILABLE\n  CLAIMED', 'AVAILABLE'],
    ['a removed member of a union', ' | FormatOverlapError', ''],
    ['a removed interface', 'type Account implements Node {', 'type Account {'],
    ['a field that may be null now', 'secret: String!', 'secret: String'],
    ['a field that is never null now', 'claimedAt: DateTime', 'claimedAt: DateTime!'],
    ['an argument that is required now', 'tasks(first: Int,', 'tasks(first: Int!,'],
    ['another default of an argument', 'count: Int! = 3', 'count: Int! = 4'],
    ['another default of an input field', 'count: Int! = 1', 'count: Int! = 2'],
    ['another default that is a BigInt', 'refillThreshold: BigInt! = "0"', 'refillThreshold: BigInt! = "1"'],
    ['a default that is gone', 'prefix: String! = ""', 'prefix: String'],
    ['a new required input field', 'input CreatePoolInput {', 'input CreatePoolInput {\n  color: String!'],
    ['another type', 'quantity: BigInt', 'quantity: Int'],
    ['exclusive fields that are not', 'input FormatBodyInput @oneOf', 'input FormatBodyInput'],
    ['a scalar that is specified elsewhere', 'sec-bigint-objects', 'elsewhere'],
  ])('the comparison notices %s', (_what, from, to) => {
    const changed = printed.replace(from, to)
    expect(changed).not.toBe(printed)
    expect(breaches(buildSchema(contract), buildSchema(changed))).not.toEqual([])
  })

  test('leaves room for new fields, values, members and optional arguments', () => {
    const more = printed
      .replace('interface Node {', 'type Extra {\n  a: Int\n}\n\ninterface Node {')
      .replace('type Format implements Node {', 'type Format implements Node {\n  extra: Extra')
      .replace('enum PoolStatus {', 'enum PoolStatus {\n  FULL')
      .replace('union PreviewFormatResult =', 'union PreviewFormatResult = Extra |')
      .replace('format(id: ID!)', 'format(id: ID!, extra: Int)')
      .replace('input CreatePoolInput {', 'input CreatePoolInput {\n  color: String')
    for (const part of ['type Extra', 'extra: Extra', 'FULL', '= Extra |', 'extra: Int', 'color: String'])
      expect(more).toContain(part)
    expect(breaches(buildSchema(contract), buildSchema(more))).toEqual([])
  })
})

/** Without descriptions, which would separate the lines that the mutations look for. */
function stripDescriptions(text: string): GraphQLSchema {
  return buildASTSchema(
    visit(parse(text), {
      enter: (node) => ('description' in node ? { ...node, description: undefined } : undefined),
    }),
  )
}

test('every type, field, argument, input field and enum value has a description', () => {
  const silent: string[] = []
  const look = (name: string, thing: { description?: string | null | undefined }) => {
    if ((thing.description ?? '').trim().length < 3) silent.push(name)
  }
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !(isScalarType(type) && isSpecifiedScalarType(type)),
  )
  expect(types.length).toBeGreaterThan(60)
  for (const type of types) {
    look(type.name, type)
    if (isEnumType(type)) for (const value of type.getValues()) look(`${type.name}.${value.name}`, value)
    if (isInputObjectType(type))
      for (const field of Object.values(type.getFields())) look(`${type.name}.${field.name}`, field)
    if (isObjectType(type) || isInterfaceType(type))
      for (const field of Object.values(type.getFields())) {
        look(`${type.name}.${field.name}`, field)
        for (const arg of field.args) look(`${type.name}.${field.name}(${arg.name}:)`, arg)
      }
  }
  expect(silent).toEqual([])
})

test('every field that needs a scope says so, and so does every field of Query, Mutation and Subscription', () => {
  const unlike: string[] = []
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || !(isObjectType(type) || isInterfaceType(type))) continue
    for (const { name, description, extensions } of Object.values(type.getFields())) {
      const needed = scopesOf(extensions)
      const isRoot = roots.some((root) => root === type)
      if (needed === 'by argument' || (needed === 'none' && !isRoot)) continue
      const said = /Needs (no scope|[A-Z]+(?: or [A-Z]+)*)/.exec(description ?? '')?.[1]
      if (said !== (needed === 'none' ? 'no scope' : needed))
        unlike.push(`${type.name}.${name}: ${needed}, not ${said}`)
    }
  }
  expect(unlike).toEqual([])
})

/** The scopes that a field needs, as its description names them. */
function scopesOf(extensions: Readonly<Record<string, unknown>>): string {
  const { authScopes } = extensions['pothosOptions'] as {
    authScopes?: { scope: string } | { anyScope: readonly string[] } | (() => unknown)
  }
  if (authScopes === undefined) return 'none'
  if (typeof authScopes === 'function') return 'by argument'
  return 'scope' in authScopes ? authScopes.scope : authScopes.anyScope.join(' or ')
}
