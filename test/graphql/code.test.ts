import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { claim, done, finished, mutate, newFormat, newPool, newStock, withScopes } from '../support/api.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

interface Code {
  id: string
  code: string
  status: string
  recipient: string | null
  claimedAt: string | null
}

const codeFields = 'id code status recipient claimedAt pool { id } format { id }'

const claimWith = (input: Record<string, unknown>) =>
  mutate<{ codes: Code[]; pool: { availableCount: string; claimedCount: string } }>(
    client,
    'claimCodes',
    input,
    `codes { ${codeFields} } pool { availableCount claimedCount }`,
  )

describe('a claim', () => {
  test('gets one code by default, without a recipient', async () => {
    const { poolId, formatId } = await newStock(client, 3)
    const before = Date.now()
    const { codes, pool } = await claimWith({ poolId })
    expect(codes).toEqual([
      {
        id: expect.any(String),
        code: expect.stringMatching(/^[0-9a-f]{8}-[A-Z0-9]{10}$/),
        status: 'CLAIMED',
        recipient: null,
        claimedAt: expect.any(String),
        pool: { id: poolId },
        format: { id: formatId },
      },
    ])
    expect(Date.parse(codes[0]?.claimedAt ?? '')).toBeGreaterThanOrEqual(before)
    expect(pool).toEqual({ availableCount: '2', claimedCount: '1' })
  })

  test('gives the codes in the order in which the pool shows them', async () => {
    const { poolId } = await newStock(client, 5)
    const asking = `query ($id: ID!) {
      pool(id: $id) { codes(status: AVAILABLE) { edges { node { id code status recipient claimedAt } } } }
    }`
    const { pool } = await client.ask<{ pool: { codes: { edges: { node: Code }[] } } }>(asking, {
      id: poolId,
    })
    const shown = pool.codes.edges.map((edge) => edge.node)
    expect(shown.map((code) => [code.status, code.recipient, code.claimedAt])).toEqual(
      Array.from({ length: 5 }, () => ['AVAILABLE', null, null]),
    )
    const claimed = [
      ...(await claim(client, poolId)),
      ...(await claim(client, poolId, 3)),
      ...(await claim(client, poolId)),
    ]
    expect(claimed).toEqual(shown.map(({ id, code }) => ({ id, code })))
  })

  test('keeps its recipient unchanged', async () => {
    const { poolId } = await newStock(client, 10)
    for (const recipient of ['ada@example.org', '👨‍👩‍👧', 'a\nb', "'; --", 'x'.repeat(1_000)]) {
      const { codes } = await claimWith({ poolId, recipient })
      expect(codes[0]?.recipient).toBe(recipient)
      const { node } = await client.ask<{ node: Code }>(
        'query ($id: ID!) { node(id: $id) { ... on Code { recipient status } } }',
        {
          id: codes[0]?.id,
        },
      )
      expect(node).toEqual({ recipient, status: 'CLAIMED' })
    }
  })

  test('gets 10,000 at once, all different', async () => {
    const { poolId } = await newStock(client, 25_000)
    const first = await claim(client, poolId, 10_000)
    const second = await claim(client, poolId, 10_000)
    expect(new Set([...first, ...second].map((code) => code.code)).size).toBe(20_000)
  })

  test('gets codes that no other client gets, with many at the same time', async () => {
    const { poolId } = await newStock(client, 300)
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => claimWith({ poolId, count: 1 + (i % 10) })),
    )
    const codes = answers.flatMap((answer) => answer.codes ?? [])
    expect(new Set(codes.map((code) => code.code)).size).toBe(codes.length)
    for (const answer of answers.filter(({ codes: got }) => got === undefined))
      expect(answer.__typename).toBe('NotEnoughCodesError')
    const { pool } = await client.ask<{ pool: object }>(
      'query ($id: ID!) { pool(id: $id) { claimedCount availableCount } }',
      { id: poolId },
    )
    expect(pool).toEqual({ claimedCount: String(codes.length), availableCount: String(300 - codes.length) })
    expect(codes.length).toBeGreaterThan(290)
  })

  test('of more codes than the pool has claims nothing, and the error says how many there are', async () => {
    const { poolId } = await newStock(client, 3)
    const { claimCodes } = await client.ask<{ claimCodes: object }>(
      `mutation ($input: ClaimCodesInput!) {
        claimCodes(input: $input) {
          __typename ... on UserError { code path message } ... on NotEnoughCodesError { available pool { id availableCount } }
        }
      }`,
      { input: { poolId, count: 4 } },
    )
    expect(claimCodes).toEqual({
      __typename: 'NotEnoughCodesError',
      code: 'NOT_ENOUGH_CODES',
      path: ['count'],
      message: expect.stringMatching(/3 codes/),
      available: '3',
      pool: { id: poolId, availableCount: '3' },
    })
    expect(await claim(client, poolId, 3)).toHaveLength(3)
    expect((await claimWith({ poolId })).__typename).toBe('NotEnoughCodesError')
  })

  test.each([
    [{ count: 0 }, ['count'], /The count is 0\./],
    [{ count: -1 }, ['count'], /The count is -1\./],
    [{ count: 10_001 }, ['count'], /The count is 10,001\. .*10,000/],
    [{ recipient: '' }, ['recipient'], /empty/],
    [{ recipient: 'x'.repeat(1_001) }, ['recipient'], /1,001.*1,000/],
    [{ recipient: 'a\0' }, ['recipient'], /NUL/],
    [{ recipient: '\udc00' }, ['recipient'], /surrogate/],
    [{ idempotencyKey: '' }, ['idempotencyKey'], /empty/],
    [{ idempotencyKey: 'x'.repeat(256) }, ['idempotencyKey'], /256.*255/],
  ])('with %j is refused, and claims nothing', async (wrong, path, message) => {
    const { poolId } = await newStock(client, 1)
    const refused = await claimWith({ poolId, ...wrong })
    expect(refused).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT', path })
    expect(refused.message).toMatch(message)
    expect(await claim(client, poolId)).toHaveLength(1)
  })

  test.each(['', 'x', '!!!!', '9'.repeat(10_000)])('from the pool %j finds nothing', async (poolId) => {
    expect(await claimWith({ poolId })).toMatchObject({
      __typename: 'NotFoundError',
      code: 'NOT_FOUND',
      path: ['poolId'],
    })
  })

  test('with null as its count is refused before anything is done', async () => {
    const { poolId } = await newStock(client, 1)
    const { errors } = await client.send(
      'mutation ($input: ClaimCodesInput!) { claimCodes(input: $input) { __typename } }',
      {
        input: { poolId, count: null },
      },
    )
    expect(errors?.map((error) => error.extensions.code)).toEqual(['GRAPHQL_VALIDATION_FAILED'])
    // Where there is no default, null is the same as leaving it out.
    expect((await claimWith({ poolId, recipient: null, idempotencyKey: null })).codes).toHaveLength(1)
  })
})

describe('an idempotencyKey', () => {
  test('gets the same codes again, whether the default is given or left out, and claims nothing more', async () => {
    const { poolId } = await newStock(client, 10)
    const input = { poolId, recipient: 'ada', idempotencyKey: randomUUID() }
    const first = await claimWith(input)
    await claim(client, poolId, 2)
    const again = await claimWith({ ...input, count: 1 })
    expect(again.codes).toEqual(first.codes)
    expect(again.pool).toEqual({ availableCount: '7', claimedCount: '3' })
  })

  test('sent by many simultaneously gets the same codes for all', async () => {
    const { poolId } = await newStock(client, 100)
    const input = { poolId, count: 5, idempotencyKey: randomUUID() }
    const answers = await Promise.all(Array.from({ length: 20 }, () => claimWith(input)))
    for (const answer of answers) expect(answer.codes).toEqual(answers[0]?.codes)
    expect((await claimWith({ poolId })).pool).toEqual({ availableCount: '94', claimedCount: '6' })
  })

  test('sent with different inputs simultaneously is one claim, and conflicts for the others', async () => {
    const { poolId } = await newStock(client, 100)
    const idempotencyKey = randomUUID()
    const answers = await Promise.all(
      [1, 2, 3, 4].map((count) => claimWith({ poolId, count, idempotencyKey })),
    )
    expect(answers.map((answer) => answer.__typename).sort()).toEqual([
      'ClaimCodesPayload',
      'IdempotencyConflictError',
      'IdempotencyConflictError',
      'IdempotencyConflictError',
    ])
  })

  test('that was used for another input conflicts, and is independent of the keys of generateCodes', async () => {
    const { poolId, formatId } = await newStock(client, 10)
    const idempotencyKey = 'k'.repeat(255 - 36) + randomUUID()
    await claimWith({ poolId, idempotencyKey })
    for (const other of [{ count: 2 }, { recipient: 'ada' }, { poolId: await newPool(client) }])
      expect(await claimWith({ poolId, idempotencyKey, ...other })).toMatchObject({
        __typename: 'IdempotencyConflictError',
        code: 'IDEMPOTENCY_CONFLICT',
        path: ['idempotencyKey'],
      })
    const { task } = await done<{ task: { id: string } }>(
      client,
      'generateCodes',
      { poolId, formatId, quantity: 1, idempotencyKey },
      'task { id }',
    )
    await finished(client, task.id)
  })

  test('keeps no errors: once there are codes, the same request works', async () => {
    const poolId = await newPool(client)
    const formatId = await newFormat(client)
    const input = { poolId, idempotencyKey: randomUUID() }
    expect((await claimWith(input)).__typename).toBe('NotEnoughCodesError')
    const { task } = await done<{ task: { id: string } }>(
      client,
      'generateCodes',
      { poolId, formatId, quantity: 1 },
      'task { id }',
    )
    await finished(client, task.id)
    expect((await claimWith(input)).codes).toHaveLength(1)
    // From now on, the key returns its codes, although the pool is empty.
    expect((await claimWith(input)).codes).toHaveLength(1)
  })
})

describe('auto-generation', () => {
  test('lets no claim fail while the format has codes, and then reports that it ran out', async () => {
    const { poolId, formatId } = await newStock(client, 1, {
      body: { length: 1 },
      characters: { set: 'DIGITS' },
    })
    await done(
      client,
      'saveReplenishment',
      { poolId, method: 'GENERATE', formatId, quantity: 4, autoGenerate: true },
      'pool { id }',
    )
    for (let i = 0; i < 10; i++) expect(await claim(client, poolId)).toHaveLength(1)
    const refused = await claimWith({ poolId })
    expect(refused.__typename).toBe('NotEnoughCodesError')
    const { poolEvents } = await client.ask<{ poolEvents: { edges: { node: { __typename: string } }[] } }>(
      'query ($id: ID!) { poolEvents(poolId: $id) { edges { node { __typename ... on PoolRefillFailedEvent { failure { code message format { id } } } } } } }',
      { id: poolId },
    )
    const kinds = poolEvents.edges.map((edge) => edge.node.__typename)
    expect(kinds.filter((kind) => kind === 'PoolRefillFailedEvent')).toHaveLength(1)
    expect(kinds.filter((kind) => kind === 'PoolEmptyEvent')).toHaveLength(1)
    expect(
      poolEvents.edges.find((edge) => edge.node.__typename === 'PoolRefillFailedEvent')?.node,
    ).toMatchObject({
      failure: { code: 'FORMAT_EXHAUSTED', format: { id: formatId } },
    })
  })
})

describe('looking up a code', () => {
  const lookUp = async (code: string) =>
    (
      await client.ask<{ code: Code | null }>(
        `query ($code: String!) { code(code: $code) { ${codeFields} } }`,
        { code },
      )
    ).code

  test('finds it however a person types it, before and after it is claimed, under the same id', async () => {
    const prefix = `SUMMER${randomUUID().slice(0, 4).toUpperCase()}-`
    const { poolId } = await newStock(client, 2, { prefix, body: { pattern: '####-####' } })
    const { pool } = await client.ask<{ pool: { codes: { edges: { node: Code }[] } } }>(
      'query ($id: ID!) { pool(id: $id) { codes(status: AVAILABLE, first: 1) { edges { node { id code } } } } }',
      { id: poolId },
    )
    const [first] = pool.codes.edges
    const { id, code } = first?.node ?? { id: '', code: '' }
    expect(await lookUp(code)).toMatchObject({ id, code, status: 'AVAILABLE', recipient: null })
    const { codes } = await claimWith({ poolId, recipient: 'ada' })
    for (const typed of [
      code,
      code.toLowerCase(),
      code.replaceAll('-', ''),
      ` ${code.replaceAll('-', ' - ')} `,
    ])
      expect(await lookUp(typed)).toEqual(codes[0])
  })

  test('of a string that was never generated, or that is no code at all, finds nothing', async () => {
    const { formatId } = await newStock(client, 1, { body: { length: 12 } })
    const { format } = await client.ask<{ format: { examples: string[] } }>(
      'query ($id: ID!) { format(id: $id) { examples } }',
      { id: formatId },
    )
    for (const text of [...format.examples, '', ' ', '\0', '\ud800', '%', '____', '9'.repeat(100_000)])
      expect(await lookUp(text)).toBeNull()
  })
})

describe('guessing codes', () => {
  // A rate so low that no further guess is earned while a test runs.
  const failures = 3
  const query = 'query ($code: String!) { code(code: $code) { code } }'
  const aliased = (codes: readonly string[]) =>
    `{ ${codes.map((code, i) => `a${i}: code(code: "${code}") { code }`).join(' ')} }`
  const limited = expect.objectContaining({
    message: expect.stringContaining('retryAfterMs'),
    extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number), requestId: expect.any(String) },
  })

  const strict = useService({ failedLookUpsPerMinute: failures })
  const owner = useClient(strict)
  let codes: string[]
  beforeAll(async () => {
    const { poolId } = await newStock(owner, 300)
    codes = (await claim(owner, poolId, 300)).map(({ code }) => code)
  })

  test('is refused after some misses, and so are codes that exist, until retryAfterMs has passed', async () => {
    const guesser = await withScopes(strict, owner, ['READ'])
    for (let i = 0; i < failures; i++)
      expect((await guesser.send(query, { code: `no ${i}` })).errors).toBeUndefined()
    for (const code of ['no', codes[0]]) {
      const answer = await guesser.send(query, { code })
      expect(answer).toEqual({ status: 200, data: { code: null }, errors: [limited] })
      const wait = answer.errors?.[0]?.extensions['retryAfterMs']
      expect(wait).toBeGreaterThan(0)
      expect(wait).toBeLessThanOrEqual(60_000 / failures)
    }
    // Nothing else is refused.
    expect((await guesser.send('{ account { name } }')).errors).toBeUndefined()
  })

  test('is limited for each key separately', async () => {
    const guesser = await withScopes(strict, owner, ['READ'])
    const desk = await withScopes(strict, owner, ['READ'])
    const misses = Array.from({ length: failures + 1 }, (_, i) => `no ${i}`)
    expect((await guesser.send(aliased(misses))).errors).toEqual([limited])
    expect(await desk.ask(query, { code: codes[0] })).toEqual({ code: { code: codes[0] } })
    expect(await owner.ask(query, { code: codes[0] })).toEqual({ code: { code: codes[0] } })
  })

  test('is no faster with many look-ups in one request or many requests at once', async () => {
    const guesser = await withScopes(strict, owner, ['READ'])
    const misses = Array.from({ length: 500 }, (_, i) => `no ${i}`)
    const answers = await Promise.all([0, 1, 2].map(() => guesser.send(aliased(misses))))
    const refused = answers.flatMap(({ errors = [] }) => errors)
    expect(refused).toHaveLength(3 * 500 - failures)
    for (const error of refused) expect(error.extensions.code).toBe('RATE_LIMITED')
  })

  test('is not what a support desk does: codes that exist can be looked up without limit', async () => {
    const desk = await withScopes(strict, owner, ['READ'])
    for (let round = 0; round < 3; round++)
      expect(Object.values(await desk.ask<Record<string, unknown>>(aliased(codes)))).toEqual(
        codes.map((code) => ({ code })),
      )
  })

  test('over WebSocket counts towards the same limit', async () => {
    await using guesser = await withScopes(strict, owner, ['READ'])
    const misses = Array.from({ length: failures }, (_, i) => `no ${i}`)
    for await (const result of guesser.subscribe(aliased(misses))) expect(result.errors).toBeUndefined()
    for await (const result of guesser.subscribe(query, { code: codes[0] }))
      expect(result).toEqual({ data: { code: null }, errors: [limited] })
    expect((await guesser.send(query, { code: codes[0] })).errors).toEqual([limited])
  })
})
