import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import {
  executeSync,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getIntrospectionQuery,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  parse,
  validate,
  validateExecutionArgs,
} from 'graphql'
import { beforeAll, describe, expect, test } from 'vitest'
import { Admission } from '../../../src/graphql/limits/admission.ts'
import { type AnswerWeight, answerLimits, eventLimits } from '../../../src/graphql/limits/limits.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { claim, newStock, withScopes } from '../../support/api.ts'
import type { Client } from '../../support/client.ts'
import { useClient, useService } from '../../support/service.ts'
import { Socket } from '../../support/socket.ts'

const admission = new Admission()
const allScopes = ['READ', 'MANAGE', 'CLAIM', 'REDEEM', 'ADMIN']

function decide(query: string, variableValues = {}, scopes = allScopes) {
  const document = parse(query)
  expect(validate(schema, document)).toEqual([])
  const args = validateExecutionArgs({ schema, document, variableValues, contextValue: { scopes } })
  if (!('schema' in args)) throw new AggregateError(args)
  return admission.weigh(args)
}

function weigh(query: string, variables = {}): AnswerWeight {
  const weight = decide(query, variables)
  if (weight instanceof Error) throw weight
  return weight
}

const many = (count: number, field: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => field(i)).join(' ')

const claimOf = (count: number, payload: string, recipient = 'ada@example.com') => `mutation {
  claimCodes(input: { poolId: "x", count: ${count}, recipient: ${JSON.stringify(recipient)} }) {
    __typename ... on UserError { message code path } ... on ClaimCodesPayload { ${payload} }
  }
}`

describe('an operation is admitted', () => {
  test.each([
    ['introspection as tools send it', getIntrospectionQuery()],
    [
      'a complete introspection',
      getIntrospectionQuery({
        descriptions: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
        oneOf: true,
      }),
    ],
    [
      'a claim of 10,000 with all the usual fields',
      claimOf(
        10_000,
        'codes { id code status recipient claimedAt pool { id name availableCount claimedCount status } format { id name pattern } } pool { name availableCount }',
      ),
    ],
    [
      '900 look-ups',
      `{ ${many(900, (i) => `a${i}: code(code: "A${i}") { id code status recipient claimedAt }`)} }`,
    ],
    [
      'pages of 100 with pages in them',
      `{ pools(first: 100) { totalCount edges { cursor node { name
        codes(first: 100, status: CLAIMED) { totalCount edges { node { code recipient claimedAt } } }
        tasks(first: 100) { totalCount edges { node { id status format { name } } } } } } } }`,
    ],
  ])('%s', (_what, query) => {
    expect(decide(query)).not.toBeInstanceOf(Error)
  })
})

describe('an operation is refused before it is executed, by its', () => {
  const twice = (depth: number) =>
    `{ ...a0 } ${many(depth, (i) => `fragment a${i} on Query { ...a${i + 1} ...a${i + 1} }`)}
    fragment a${depth} on Query { account { id } }`
  test.each([
    ['bytes', claimOf(10_000, `codes { ${many(18, (i) => `r${i}: recipient`)} }`, '\u0001'.repeat(1_000))],
    ['bytes', claimOf(10_000, 'codes { recipient }', '\u0001'.repeat(1_000))],
    ['values', claimOf(10_000, `codes { ${many(600, (i) => `r${i}: recipient`)} }`)],
    ['values', `{ pools(first: 100) { edges { node { ${many(3_000, (i) => `a${i}: __typename`)} } } } }`],
    ['values', twice(60).replace('account { id }', '__typename')],
    ['work for the database', `{ ${many(900, (i) => `a${i}: pools(first: 100) { totalCount }`)} }`],
    ['work for the database', twice(60)],
    [
      'work for the database',
      claimOf(10_000, 'codes { pool { tasks(first: 1) { edges { node { id } } } } }'),
    ],
    [
      'introspection',
      `{ ${many(100, (i) => `r${i}: __schema { ...R }`)} }
      fragment R on __Schema { types { fields { ${many(100, (i) => `a${i}: description`)} } } }`,
    ],
    [
      'introspection',
      `{ ${many(3, (i) => `a${i}: __schema { types { fields { type { fields { name } } } } }`)} }`,
    ],
    [
      'levels',
      `{ pools { edges { node { ${'tasks { edges { node { pool { '.repeat(6)} id ${'} } } }'.repeat(6)} } } } }`,
    ],
    [
      'are nested too deeply or repeated too often. At most 400 levels',
      `{ ${'... on Query { '.repeat(450)} __typename ${'}'.repeat(450)} }`,
    ],
  ])('%s', (what, query) => {
    const refusal = decide(query)
    expect(refusal).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } })
    expect((refusal as Error).message).toContain(what)
    expect((refusal as Error).message).toMatch(/in several requests|query the rest by id/)
  })

  test('with the count, unless that is beyond counting', () => {
    const message = (times: number) =>
      (decide(twice(times).replace('account { id }', '__typename')) as Error).message
    expect(message(20)).toMatch(/its answer could have [\d,]+ values, and at most 250,000 are allowed\. Ask/)
    expect(message(60)).toContain(
      'its answer could have far more than 250,000 values, which is the limit. Ask',
    )
  })

  test('also when the page size is in a variable', () => {
    const pages =
      'query ($n: Int) { pools(first: $n) { edges { node { tasks(first: $n) { edges { node { pool { codes(status: CLAIMED, first: $n) { totalCount } } } } } } } } }'
    expect(decide(pages, { n: 100 })).toBeInstanceOf(Error)
    expect(decide(pages, { n: 5 })).not.toBeInstanceOf(Error)
  })

  test('weight per event, if it is a subscription', () => {
    const pages = (n: number) =>
      `subscription { poolUpdated(id: "x") { ${many(n, (i) => `a${i}: tasks(first: 100) { edges { node { id } } }`)} } }`
    expect(weigh(pages(10)).reads).toBeLessThan(eventLimits.reads)
    expect(decide(pages(100))).toBeInstanceOf(Error)
  })
})

test('a field that is skipped weighs nothing and is not checked', () => {
  const query = `query ($no: Boolean!) { account @include(if: $no) { id } pools @skip(if: true) { totalCount }
    ... on Query @include(if: $no) { tasks { totalCount } } __typename }`
  expect(weigh(query, { no: false })).toMatchObject({ values: 1, reads: 0 })
  const mutation =
    'mutation ($no: Boolean!) { createPool(input: { name: "x" }) { ... on CreatePoolPayload { pool { tasks(first: 0) @include(if: $no) { totalCount } } } } }'
  expect(decide(mutation, { no: false })).not.toBeInstanceOf(Error)
  expect(decide(mutation, { no: true })).toBeInstanceOf(Error)
})

test('fragments count as often as they are spread, and take no more time', () => {
  const fields = many(400, (i) => `a${i}: id`)
  const { values } = weigh(`{ ${many(500, () => '...F')} } fragment F on Query { account { ${fields} } }`)
  expect(values).toBe(500 * 401)
})

/** A selection on a type, by drawing from `choose`: fields with aliases of their own, some in fragments. */
function selectionOn(type: GraphQLNamedType, levels: number, choose: (below: number) => number): string {
  let aliases = 0
  const select = (on: GraphQLNamedType, left: number): string => {
    const fields = isObjectType(on) || isInterfaceType(on) ? Object.values(on.getFields()) : []
    const simple = fields.filter((field) => left > 0 || isLeafType(getNamedType(field.type)))
    const possible = isAbstractType(on) && left > 0 ? schema.getPossibleTypes(on) : []
    const one = (): string => {
      const chosen = choose(simple.length + possible.length + 1)
      aliases += 1
      const member = possible[chosen - simple.length]
      if (member !== undefined) return `... on ${member.name} { ${select(member, left - 1)} }`
      const field = simple[chosen]
      if (field === undefined) return `a${aliases}: __typename`
      const args = field.args
        .filter((arg) => isRequiredArgument(arg))
        .map((arg) => `${arg.name}: ${argument(arg.type)}`)
      const call = `a${aliases}: ${field.name}${args.length === 0 ? '' : `(${args.join(', ')})`}`
      const of = getNamedType(field.type)
      return isLeafType(of) ? call : `${call} { ${select(of, left - 1)} }`
    }
    const inFragment =
      choose(3) === 0 ? (text: string) => `... on ${on.name} { ${text} }` : (text: string) => text
    return many(1 + choose(5), () => inFragment(one()))
  }
  return select(type, levels)
}

function argument(type: GraphQLInputType): string {
  const named = getNamedType(type)
  if (isEnumType(named)) return named.getValues().at(-1)?.name ?? ''
  return named.name === 'DateTime' ? '"2026-03-01T00:00:00Z"' : '"Pool"'
}

const random = fc.gen().map((draw) => (below: number) => draw(fc.nat, { max: below - 1 }))
const nasty = fc.string({
  unit: fc.constantFrom('\u0001', '"', '\\', 'a', 'ß', '€', '🎁', '\n', '\u007f'),
  minLength: 1,
  maxLength: 300,
})

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

test('no answer to an introspection exceeds its weight', () => {
  fc.assert(
    fc.property(
      random,
      fc.constantFrom('__schema', '__type(name: "Task")', '__type(name: "Nobody")'),
      (choose, root) => {
        const type = schema.getType(root === '__schema' ? '__Schema' : '__Type') as GraphQLNamedType
        const query = `{ a: ${root} { ${selectionOn(type, 6, choose)} } }`
        // Some are nested more deeply than graphql allows.
        if (validate(schema, parse(query)).length > 0) return
        const weight = decide(query)
        if (weight instanceof Error) return
        const { data, errors } = executeSync({ schema, document: parse(query) })
        expect(errors).toBeUndefined()
        expect(bytesOf(data)).toBeLessThanOrEqual(weight.bytes + 1)
      },
    ),
    { numRuns: 1_000 },
  )
  const { data } = executeSync({ schema, document: parse(getIntrospectionQuery()) })
  expect(bytesOf(data)).toBeLessThanOrEqual(weigh(getIntrospectionQuery()).bytes)
})

describe('with the service', () => {
  const service = useService()
  const client = useClient(service)
  let claims: Client
  let poolId: string

  beforeAll(async () => {
    claims = await withScopes(service, client, ['CLAIM'])
    const stock = await newStock(client, 100_000)
    poolId = stock.poolId
  })

  const claimedCount = async () =>
    (
      await client.ask<{ pool: { claimedCount: string } }>(
        'query ($id: ID!) { pool(id: $id) { claimedCount } }',
        {
          id: poolId,
        },
      )
    ).pool.claimedCount

  const claiming = (
    payload: string,
  ) => `mutation ($id: ID!, $count: Int = 1, $recipient: String, $n: Int = 3, $no: Boolean = false) {
    claimCodes(input: { poolId: $id, count: $count, recipient: $recipient }) {
      ... on UserError { message } ... on ClaimCodesPayload { ${payload} }
      ... on ClaimCodesPayload { pool { unused: name @skip(if: $no) } codes { unused: format { examples(count: $n) } } }
    }
  }`

  test('no answer to a claim exceeds its weight, whatever the selection and the recipient', async () => {
    const payload = schema.getType('ClaimCodesPayload') as GraphQLNamedType
    await fc.assert(
      fc.asyncProperty(random, nasty, fc.integer({ min: 1, max: 20 }), async (choose, recipient, count) => {
        const query = claiming(selectionOn(payload, 5, choose))
        const variables = { id: poolId, count, recipient }
        const weight = decide(query, variables)
        const { data, errors } = await client.send(query, variables)
        if (weight instanceof Error) return expect(errors?.[0]?.message).toBe(weight.message)
        expect(errors).toBeUndefined()
        expect(bytesOf(data)).toBeLessThanOrEqual(weight.bytes)
      }),
      { numRuns: 25 },
    )
  })

  test('a claim whose answer could be too long claims nothing, whatever the recipient', async () => {
    const before = await claimedCount()
    for (const [recipient, aliases] of [
      ['\u0001'.repeat(1_000), 12],
      ['"'.repeat(1_000), 12],
      ['🎁'.repeat(500), 12],
    ] as const) {
      const query = claiming(`codes { ${many(aliases, (i) => `r${i}: recipient`)} }`)
      const { data, errors } = await claims.send(query, { id: poolId, count: 10_000, recipient })
      expect(data).toBeUndefined()
      expect(errors?.map((error) => [error.extensions.code, error.message])).toEqual([
        [
          'BAD_USER_INPUT',
          expect.stringMatching(/its answer could have [\d,]+ bytes, and at most 32,000,000 are allowed/),
        ],
      ])
    }
    expect(await claimedCount()).toBe(before)
  })

  // `more`: the scope that the key has besides CLAIM.
  const impossible: [
    selection: string,
    code: string,
    more?: 'READ' | 'MANAGE' | undefined,
    variables?: object,
  ][] = [
    ['pool { codes(status: CLAIMED) { totalCount } }', 'FORBIDDEN'],
    ['pool { codes(status: AVAILABLE) { totalCount } }', 'FORBIDDEN'],
    ['pool { tasks { totalCount } }', 'FORBIDDEN'],
    [
      'codes { pool { tasks { edges { node { pool { codes(status: CLAIMED) { totalCount } } } } } } }',
      'FORBIDDEN',
      'MANAGE',
    ],
    ['pool { tasks(first: 0) { totalCount } }', 'BAD_USER_INPUT', 'READ'],
    ['pool { tasks(first: -1) { totalCount } }', 'BAD_USER_INPUT', 'READ'],
    ['pool { tasks(first: 101) { totalCount } }', 'BAD_USER_INPUT', 'READ'],
    ['pool { tasks(last: 101) { totalCount } }', 'BAD_USER_INPUT', 'READ'],
    ['pool { tasks(first: 1, last: 1) { totalCount } }', 'BAD_USER_INPUT', 'READ'],
    ['pool { tasks(after: "x") { totalCount } }', 'BAD_USER_INPUT', 'READ'],
    ['pool { tasks(before: "UG9vbDp4") { totalCount } }', 'BAD_USER_INPUT', 'READ'],
    ['pool { tasks(first: $n) { totalCount } }', 'BAD_USER_INPUT', 'READ', { n: 1_000 }],
    ['codes { format { examples(count: 21) } }', 'BAD_USER_INPUT'],
    ['codes { format { examples(count: $n) } }', 'GRAPHQL_VALIDATION_FAILED', undefined, { n: null }],
    ['... @skip(if: $no) { pool { codes(status: CLAIMED) { totalCount } } }', 'FORBIDDEN'],
  ]

  test.each(impossible)(
    'a claim that selects %s is %s, and claims nothing',
    async (selection, code, more, others = {}) => {
      const before = await claimedCount()
      const variables = { id: poolId, ...others }
      const from = more === undefined ? claims : await withScopes(service, client, ['CLAIM', more])
      const { data, errors } = await from.send(claiming(selection), variables)
      expect(data).toBeUndefined()
      expect(errors?.map((error) => error.extensions.code)).toEqual([code])
      await using socket = await Socket.connect(service, from.authorization())
      socket.subscribe('only', claiming(selection), variables)
      expect(await socket.next('only')).toMatchObject({ payload: { errors: [{ extensions: { code } }] } })
      expect(await claimedCount()).toBe(before)
    },
  )

  test('skipped fields of a claim are not checked', async () => {
    const selection =
      'codes { code } pool { codes(status: CLAIMED) @include(if: $no) { totalCount } tasks(first: 0) @skip(if: true) { totalCount } }'
    const { data, errors } = await claims.send<{ claimCodes: { codes: object[] } }>(claiming(selection), {
      id: poolId,
    })
    expect(errors).toBeUndefined()
    expect(data.claimCodes.codes).toHaveLength(1)
  })

  test('a cursor that only the database can refuse makes a list null and is not an error', async () => {
    const other = await newStock(client, 1)
    const [elsewhere] = await claim(client, other.poolId)
    const selection = `codes { code } pool { codes(status: CLAIMED, after: "${elsewhere?.id}") { totalCount } }`
    const { data, errors } = await client.send<{ claimCodes: { codes: object[]; pool: object } }>(
      claiming(selection),
      { id: poolId },
    )
    expect(errors).toBeUndefined()
    expect(data.claimCodes.pool).toMatchObject({ codes: null })
    expect(data.claimCodes.codes).toHaveLength(1)
  })

  test('whatever it selects, a claim is refused beforehand or answered without an error', async () => {
    const paths = pathsFrom(schema, 'ClaimCodesPayload')
    expect(paths.length).toBeGreaterThan(70)
    const refused: string[] = []
    for (const path of paths) {
      const before = await claimedCount()
      const { data, errors } = await claims.send(claiming(path), { id: poolId })
      if (errors === undefined) continue
      expect([path, data, errors[0]?.extensions.code, await claimedCount()]).toEqual([
        path,
        undefined,
        'FORBIDDEN',
        before,
      ])
      refused.push(path)
    }
    expect(refused.length).toBeGreaterThan(0)
    expect(
      refused.filter(
        (path) =>
          !/codes\(status:|claim \{ codes|pool \{ (?:claims|redemptions|activity|forecast|tasks)/.test(path),
      ),
    ).toEqual([])
  })
})

/** A selection for every field that can be reached from a type: each once, by the shortest way. */
function pathsFrom(schema: GraphQLSchema, name: string): string[] {
  const paths: string[] = []
  const seen = new Set<GraphQLNamedType>()
  const queue = [{ type: schema.getType(name) as GraphQLNamedType, wrap: (inner: string) => inner }]
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { type, wrap } = next
    if (seen.has(type) || !(isObjectType(type) || isInterfaceType(type))) continue
    seen.add(type)
    for (const field of Object.values(type.getFields())) {
      const of = getNamedType(field.type)
      for (const call of callsOf(field)) {
        paths.push(wrap(isLeafType(of) ? call : `${call} { __typename }`))
        queue.push({ type: of, wrap: (inner) => wrap(`${call} { ${inner} }`) })
      }
    }
  }
  return paths
}

/** The calls of a field with its required arguments: one for each value of the enum among them, if any. */
function callsOf(field: GraphQLField<unknown, unknown>): string[] {
  const required = field.args.filter((arg) => isRequiredArgument(arg))
  if (required.length === 0) return [field.name]
  const given = required.map(({ name, type }) => ({ name, values: valuesOf(type) }))
  const calls = Math.max(...given.map(({ values }) => values.length))
  return Array.from({ length: calls }, (_, i) => {
    const args = given.map(({ name, values }) => `${name}: ${values[i % values.length]}`)
    return `${field.name}(${args.join(', ')})`
  })
}

/** All values of an enum, or one of another type. */
function valuesOf(type: GraphQLInputType): string[] {
  const named = getNamedType(type)
  return isEnumType(named) ? named.getValues().map(({ name }) => name) : [argument(type)]
}

test('the limits are those in the documentation', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/frontends.md'), 'utf8')
  for (const limit of Object.values(answerLimits)) expect(page).toContain(limit.toLocaleString('en'))
})
