import { expect, test } from 'vitest'
import { claim, newStock, withScopes } from '../support/api.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

test('every object with a global id can be read by it, alone and in a list, in the order of the ids', async () => {
  const { poolId, formatId, taskId } = await newStock(client, 2)
  const [claimed] = await claim(client, poolId)
  const { keyId } = await withScopes(service, client, ['READ'])
  const { account, pool } = await client.ask<{
    account: { id: string }
    pool: Record<'codes' | 'claims', { edges: { node: { id: string } }[] }>
  }>(
    'query ($id: ID!) { account { id } pool(id: $id) { claims { edges { node { id } } } codes(status: AVAILABLE) { edges { node { id } } } } }',
    { id: poolId },
  )
  const things: [string, string | undefined][] = [
    ['Pool', poolId],
    ['Format', formatId],
    ['Task', taskId],
    ['Code', claimed?.id],
    ['Claim', pool.claims.edges[0]?.node.id],
    ['Code', pool.codes.edges[0]?.node.id],
    ['ApiKey', keyId],
    ['Account', account.id],
  ]
  for (const [type, id] of things)
    expect(await client.ask('query ($id: ID!) { node(id: $id) { __typename id } }', { id })).toEqual({
      node: { __typename: type, id },
    })
  const mixed = [...things, ['', 'x'] as const, ...things.toReversed(), ...things]
  const { nodes } = await client.ask<{ nodes: object[] }>(
    'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }',
    { ids: mixed.map(([, id]) => id) },
  )
  expect(nodes).toEqual(mixed.map(([type, id]) => (type === '' ? null : { __typename: type, id })))
})

test('fields are selected by the type of each node', async () => {
  const { poolId, formatId, taskId } = await newStock(client, 2)
  const { nodes } = await client.ask<{ nodes: object[] }>(
    `query ($ids: [ID!]!) {
      nodes(ids: $ids) {
        ... on Pool { availableCount tasks { edges { node { id format { id } } } } }
        ... on Format { availableForGeneration examples(count: 1) }
        ... on Task { status pool { id } }
      }
    }`,
    { ids: [taskId, poolId, formatId] },
  )
  expect(nodes).toEqual([
    { status: 'COMPLETED', pool: { id: poolId } },
    { availableCount: '2', tasks: { edges: [{ node: { id: taskId, format: { id: formatId } } }] } },
    { availableForGeneration: String(24n ** 10n - 2n), examples: [expect.any(String)] },
  ])
})

test('a text that is not an id, or not quite one, returns null', async () => {
  const { poolId } = await newStock(client, 1)
  const text = Buffer.from(poolId, 'base64').toString()
  const encode = (changed: string) => Buffer.from(changed).toString('base64')
  const ids = [
    '',
    ' ',
    'x',
    '=',
    '%%%',
    'null',
    '0',
    '💥',
    '\0',
    text,
    ` ${poolId}`,
    `${poolId}\n`,
    `${poolId}!`,
    `${poolId}=`,
    poolId.replace(/=+$/, ''),
    poolId.slice(0, -4),
    poolId.toLowerCase(),
    encode(text.toUpperCase()),
    encode(text.replace('Pool', 'pool')),
    encode(text.replace('Pool', 'Format')),
    encode(text.replace('Pool', 'Query')),
    encode(text.replace('Pool', '__proto__')),
    encode(text.replaceAll('-', '')),
    encode(`${text}:0`),
    encode(`${text}' OR true--`),
    encode('Pool:'),
    encode('Pool:1'),
    encode('Code:1'),
    encode(`Code:${text.slice(5)}:-1`),
    encode(`Code:${text.slice(5)}:00`),
    encode(`Code:${text.slice(5)}:${'9'.repeat(40)}`),
    'A'.repeat(100_000),
  ].filter((id) => id !== poolId)
  const { nodes } = await client.ask<{ nodes: null[] }>('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
    ids,
  })
  expect(nodes.map((node, at) => node ?? ids[at])).toEqual(ids)
  for (const id of ids)
    expect(await client.ask('query ($id: ID!) { pool(id: $id) { id } }', { id })).toEqual({ pool: null })
  // A number is an ID, too.
  expect(await client.ask('{ node(id: 12345678901234567890) { id } }')).toEqual({ node: null })
})

test('an index that a format has not generated yet is not a code', async () => {
  const { formatId } = await newStock(client, 3)
  const uuid = Buffer.from(formatId, 'base64').toString().slice('Format:'.length)
  const ids = [0, 2, 3, 1_000_000].map((index) => Buffer.from(`Code:${uuid}:${index}`).toString('base64'))
  const { nodes } = await client.ask<{ nodes: unknown[] }>(
    'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }',
    { ids },
  )
  expect(nodes).toEqual([{ __typename: 'Code' }, { __typename: 'Code' }, null, null])
})

test('at most 100 nodes can be read at once', async () => {
  const { poolId } = await newStock(client, 1)
  const asking = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'
  const ids = Array.from({ length: 100 }, () => poolId)
  expect((await client.ask<{ nodes: object[] }>(asking, { ids })).nodes).toHaveLength(100)
  expect(await client.ask(asking, { ids: [] })).toEqual({ nodes: [] })
  const { errors } = await client.send(asking, { ids: [...ids, poolId] })
  expect(errors?.map((error) => error.extensions.code)).toEqual(['BAD_USER_INPUT'])
  expect(errors?.[0]?.message).toMatch(/101.*100/)
})
