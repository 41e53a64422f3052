import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  maxComments,
  maxDocument,
  maxDocumentLength,
  maxTokens,
  maxVariables,
} from '../../../src/graphql/limits/limits.ts'
import { useClient, useService } from '../../support/service.ts'
import { Socket } from '../../support/socket.ts'

const service = useService()
const client = useClient(service)
let socket: Socket

beforeAll(async () => {
  socket = await Socket.connect(service, client.authorization())
})

afterAll(async () => {
  await socket[Symbol.asyncDispose]()
})

interface Told {
  message: string
  extensions: { code: string }
}

let operations = 0

/** The errors of a refused operation, over each transport. */
const ways = {
  HTTP: async (query: string, variables = {}): Promise<Told[]> =>
    (await client.send(query, variables)).errors ?? [],
  WebSocket: async (query: string, variables = {}): Promise<Told[]> => {
    operations += 1
    const id = String(operations)
    socket.subscribe(id, query, variables)
    const { type, payload } = await socket.next(id)
    if (type === 'error') return payload as Told[]
    await socket.next(id)
    return (payload as { errors?: Told[] }).errors ?? []
  },
}
const everyWay = Object.keys(ways) as (keyof typeof ways)[]

function times(count: number, write: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => write(i)).join(' ')
}

/** A value with this many levels; the operation has one more. */
const nested = (levels: number) =>
  `{ pools(search: ${'['.repeat(levels)}${']'.repeat(levels)}) { totalCount } }`

/** For each limit, a document of a given size, and the message for one that is too large. */
const limits: [what: string, limit: number, write: (size: number) => string, told: RegExp][] = [
  [
    'characters',
    maxDocumentLength,
    (size) => '{ __typename }'.padStart(size),
    /100,001 characters.*variables/,
  ],
  [
    'tokens',
    maxTokens,
    (size) => `{ pools(search: [${times(size - 12, () => 'x')}]) { totalCount } }`,
    /10,000 tokens.*variables/,
  ],
  ['comments', maxComments, (size) => `${'#\n'.repeat(size)}{ __typename }`, /1,000 comments/],
  [
    'operations',
    maxDocument.operations,
    (size) => times(size, (i) => `query Q${i} { __typename }`),
    /101 operations/,
  ],
  [
    'fragments',
    maxDocument.fragments,
    (size) => `{ __typename } ${times(size, (i) => `fragment F${i} on Query { __typename }`)}`,
    /201 fragments/,
  ],
  ['levels', maxDocument.levels, (size) => nested(size - 1), /51 levels.*the rest by id/],
  [
    'levels of types',
    maxDocument.levels,
    (size) => `query ($a: ${'['.repeat(size)}Int${']'.repeat(size)}) { __typename }`,
    /51 levels/,
  ],
  [
    'characters in a name',
    maxDocument.nameLength,
    (size) => `{ ${'a'.repeat(size)}: __typename }`,
    /256 characters in one name/,
  ],
  [
    'selections',
    maxDocument.selections,
    // The fragment counts once, and for each of its hundred spreads: with the fields around them, 9,997.
    (
      size,
    ) => `{ ${times(100, (i) => `a${i}: __schema { ...F }`)} ${times(size - 9_997, (i) => `b${i}: __typename`)} }
      fragment F on __Schema { ${times(97, (i) => `c${i}: __typename`)} }`,
    /10,001 fields and fragments/,
  ],
  [
    'comparisons',
    maxDocument.comparisons,
    (size) =>
      `{ ${times(200, () => '__typename')} ${times(size === maxDocument.comparisons ? 14 : 15, () => 'a: __typename')} }`,
    /20,0\d\d comparisons.*alias/,
  ],
]

describe.each(everyWay)('over %s', (way) => {
  const refusals = async (query: string, variables = {}) => await ways[way](query, variables)

  test.each(limits)(
    'the maximum number of %s is accepted, and no more',
    async (_what, limit, write, told) => {
      for (const { message } of await refusals(write(limit))) expect(message).not.toMatch(/allowed|more than/)
      const [refusal, ...others] = await refusals(write(limit + 1))
      expect(refusal?.message).toMatch(told)
      expect(refusal?.extensions.code).toMatch(/^GRAPHQL_(PARSE|VALIDATION)_FAILED$/)
      expect(others).toEqual([])
    },
  )

  test.each([
    [
      'values',
      (size: number) => Array.from({ length: size - 1 }, () => 'x'),
      maxVariables.values,
      /10,020 values/,
    ],
    [
      'levels',
      (size: number) => JSON.parse(`${'['.repeat(size)}${']'.repeat(size)}`),
      maxVariables.levels,
      /50 levels/,
    ],
    [
      'fields',
      (size: number) => Object.fromEntries(Array.from({ length: size }, (_, i) => [i, 0])),
      maxVariables.fields,
      /100 fields/,
    ],
  ])(
    'variables with the maximum number of %s are accepted, and no more',
    async (_what, write, limit, told) => {
      expect(await refusals('{ __typename }', { v: write(limit) })).toEqual([])
      const refused = await refusals('{ __typename }', { v: write(limit + 1) })
      expect(refused).toMatchObject([
        { message: expect.stringMatching(told), extensions: { code: 'BAD_USER_INPUT' } },
      ])
    },
  )

  test('a size that cannot be counted is refused without a figure', async () => {
    const fragments = times(20, (i) => `fragment F${i} on Query { ${times(8, () => `...F${i + 1}`)} }`)
    const [refusal] = await refusals(`{ ...F0 } ${fragments} fragment F20 on Query { __typename }`)
    expect(refusal?.message).toMatch(/^The document has far more than 10,000 fields and fragments/)
  })

  test('of many errors, the first ten are reported', async () => {
    const errors = await refusals(`{ ${times(2_000, (i) => `a${i}`)} }`)
    expect(errors.map(({ message }) => message)).toEqual([
      ...Array.from({ length: 10 }, (_, i) => `Cannot query field "a${i}" on type "Query".`),
      'There may be more errors. Correct these first.',
    ])
  })

  test.each([
    ['an argument', `{ pools(first: "${'x'.repeat(90_000)}") { totalCount } }`, {}],
    [
      'an object',
      `mutation { claimCodes(input: { ${times(2_000, (i) => `a${i}: 1`)} }) { __typename } }`,
      {},
    ],
    ['a variable', 'query ($n: Int) { pools(first: $n) { totalCount } }', { n: 'x'.repeat(900_000) }],
    [
      'many variables',
      'mutation ($input: ClaimCodesInput!) { claimCodes(input: $input) { __typename } }',
      { input: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`a${i}`, 'x'.repeat(9_000)])) },
    ],
  ])('an error in %s does not quote all of it', async (_what, query, variables) => {
    const errors = await refusals(query, variables)
    expect(errors.map(({ extensions }) => extensions.code)).toContain('GRAPHQL_VALIDATION_FAILED')
    expect(JSON.stringify(errors).length).toBeLessThan(15_000)
  })

  test('fragments that contain each other are named in the error', async () => {
    const errors = await refusals('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }')
    expect(errors.map(({ message }) => message)).toEqual([
      'A fragment must not contain itself: "A" → "B" → "A". Break the cycle.',
    ])
  })

  test('variables in a fragment of many operations are refused, and the message says what to do', async () => {
    const fragment = `fragment F on Query { nodes(ids: [${'$id '.repeat(2_000)}]) { id } }`
    const errors = await refusals(`${times(100, (i) => `query Q${i}($id: ID!) { ...F }`)} ${fragment}`)
    expect(errors).toMatchObject([{ message: expect.stringContaining('its own document') }])
  })

  test('nine hundred look-ups are one request', async () => {
    const codes = times(900, (i) => `a${i}: code(code: "DOC-${i}") { id }`)
    const errors = await refusals(`{ ${codes} }`)
    expect(errors.every(({ extensions }) => extensions.code === 'RATE_LIMITED')).toBe(true)
  })
})

describe('JSON that would take long to parse', () => {
  const bodies = [
    [
      'is nested deeply',
      `{"query":"{__typename}","extensions":${'['.repeat(400_000)}${']'.repeat(400_000)}}`,
      'levels',
    ],
    ['has many values', `{"query":"{__typename}","extensions":[${'{},'.repeat(300_000)}0]}`, 'values'],
    [
      'has many names',
      `{"query":"{__typename}","extensions":{${Array.from({ length: 60_000 }, (_, i) => `"k${i}":0`)}}}`,
      'values',
    ],
  ] as const

  test.each(bodies)('is refused over HTTP because it %s', async (_what, body, told) => {
    const response = await fetch(`${service.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...client.authorization() },
      body,
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ errors: [{ message: expect.stringContaining(told) }] })
  })

  test.each(bodies)('closes a WebSocket with 4400 because it %s', async (_what, body, told) => {
    await using other = await Socket.connect(service, client.authorization())
    other.socket.send(`{"type":"subscribe","id":"1","payload":${body}}`)
    expect(await other.closed).toMatchObject({ code: 4400, reason: expect.stringContaining(told) })
  })

  test('in a form is refused', async () => {
    const form = new FormData()
    form.set('operations', bodies[1][1])
    form.set('map', '{}')
    const headers = client.authorization()
    const response = await fetch(`${service.url}/graphql`, { method: 'POST', headers, body: form })
    expect(await response.json()).toMatchObject({ errors: [{ message: expect.stringContaining('values') }] })
  })
})

describe('a WebSocket', () => {
  test('accepts no id of more than 255 characters', async () => {
    for (const [length, type] of [
      [255, 'next'],
      [256, 'error'],
    ] as const) {
      const id = 'x'.repeat(length)
      socket.subscribe(id, '{ __typename }')
      expect((await socket.next(id)).type).toBe(type)
    }
  })

  test('is closed with 4400 for connectionParams of more than 20,000 characters', async () => {
    await using other = await Socket.open(service)
    other.send({ type: 'connection_init', payload: { ...client.authorization(), more: 'x'.repeat(20_000) } })
    expect(await other.closed).toMatchObject({
      code: 4400,
      reason: expect.stringContaining('connectionParams'),
    })
  })
})
