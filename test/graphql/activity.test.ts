import { describe, expect, test } from 'vitest'
import { claim, generate, newFormat, newPool, newStock, withScopes } from '../support/api.ts'
import { useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

const hourMs = 3_600_000
const dayMs = 24 * hourMs

const query = `
  query ($id: ID!, $from: DateTime!, $to: DateTime!, $step: ActivityStep!, $timeZone: String! = "UTC") {
    pool(id: $id) {
      activity(from: $from, to: $to, step: $step, timeZone: $timeZone) {
        from to claimedCount addedCount redeemedCount availableCount
      }
    }
  }`

interface Step {
  from: string
  to: string
  claimedCount: string
  addedCount: string
  redeemedCount: string
  availableCount: string
}

async function activity(variables: Record<string, unknown>): Promise<Step[]> {
  return (await client.ask<{ pool: { activity: Step[] } }>(query, variables)).pool.activity
}

describe('the activity of a pool', () => {
  test('counts what was claimed and added, and what is available', async () => {
    const { poolId } = await newStock(client, 100)
    await claim(client, poolId, 3)
    await claim(client, poolId, 4)
    const now = Date.now()
    const steps = await activity({
      id: poolId,
      from: new Date(now - hourMs),
      to: new Date(now + 2 * hourMs),
      step: 'HOUR',
      timeZone: 'Asia/Kolkata',
    })
    const sum = (count: 'claimedCount' | 'addedCount' | 'redeemedCount') =>
      steps.reduce((all, step) => all + Number(step[count]), 0)
    expect([sum('claimedCount'), sum('addedCount'), sum('redeemedCount')]).toEqual([7, 100, 0])
    for (const { from } of steps) expect(from).toMatch(/:30:00\.000Z$/)
    // A step in the future is like now.
    expect(steps.at(-1)).toMatchObject({ claimedCount: '0', addedCount: '0', availableCount: '93' })
    expect(steps.length).toBeGreaterThanOrEqual(4)
  })

  test('has days in UTC unless a time zone is given', async () => {
    const id = await newPool(client)
    const none = { claimedCount: '0', addedCount: '0', redeemedCount: '0', availableCount: '0' }
    expect(
      await activity({ id, from: '2026-03-29T01:00:00+01:00', to: '2026-03-30T00:00:00Z', step: 'DAY' }),
    ).toEqual([{ from: '2026-03-29T00:00:00.000Z', to: '2026-03-30T00:00:00.000Z', ...none }])
    expect(
      await activity({
        id,
        from: '2026-03-29T00:00:00Z',
        to: '2026-03-29T01:00:00Z',
        step: 'DAY',
        timeZone: 'Europe/Berlin',
      }),
    ).toEqual([{ from: '2026-03-28T23:00:00.000Z', to: '2026-03-29T22:00:00.000Z', ...none }])
  })

  test.each([
    [{ from: '2026-03-02T00:00:00Z', to: '2026-03-01T00:00:00Z' }, /from .*is after to/],
    [{ timeZone: 'Mars/Olympus' }, /no time zone "Mars\/Olympus".*Europe\/Berlin/],
    [
      { step: 'HOUR', from: '1980-01-01T00:00:00Z', to: '2094-01-01T00:00:00Z' },
      /999,\d\d\d hours.*at most 1,000/,
    ],
    [{ to: '9999-01-01T00:00:00Z' }, /years 1970 to 9998/],
  ])('refuses %j', async (wrong, message) => {
    const id = await newPool(client)
    const from = '2026-03-01T00:00:00Z'
    const { errors } = await client.send(query, { id, from, to: from, step: 'DAY', ...wrong })
    expect(errors).toMatchObject([
      { message: expect.stringMatching(message), extensions: { code: 'BAD_USER_INPUT' } },
    ])
  })

  test('of a hundred pools and thirty days is one answer', async () => {
    const { pools } = await client.ask<{ pools: { edges: { node: { activity: object[] } }[] } }>(
      `{ pools(first: 100) { edges { node {
        activity(from: "2026-03-01T00:00:00Z", to: "2026-03-31T00:00:00Z", step: DAY) { claimedCount availableCount }
        forecast { runsOutAt }
      } } } }`,
    )
    for (const { node } of pools.edges) expect(node.activity).toHaveLength(30)
  })
})

describe('the forecast of a pool', () => {
  const forecast = 'forecast { claimsPerDay runsOutAt formatRunsOutAt }'

  async function forecastOf(id: string) {
    const { pool } = await client.ask<{
      pool: { forecast: { claimsPerDay: number; runsOutAt: string; formatRunsOutAt: string } }
    }>(`query ($id: ID!) { pool(id: $id) { ${forecast} } }`, { id })
    return pool.forecast
  }

  test('goes by its claims and the codes that its format has left', async () => {
    const formatId = await newFormat(client, { body: { length: 2 }, characters: { set: 'DIGITS' } })
    const poolId = await newPool(client)
    expect(await forecastOf(poolId)).toEqual({ claimsPerDay: 0, runsOutAt: null, formatRunsOutAt: null })
    await generate(client, { poolId, formatId, quantity: 60 })
    await claim(client, poolId, 10)
    // 10 codes in a day, as the pool is new: 50 last for 5 days, and the 40 that are not generated yet for 4 more.
    const { claimsPerDay, runsOutAt, formatRunsOutAt } = await forecastOf(poolId)
    expect(claimsPerDay).toBe(10)
    const inDays = (at: string) => Math.round((new Date(at).getTime() - Date.now()) / dayMs)
    expect(inDays(runsOutAt)).toBe(5)
    expect(formatRunsOutAt).toBeNull()
    await client.ask(
      `mutation ($input: SaveReplenishmentInput!) { saveReplenishment(input: $input) { __typename } }`,
      { input: { poolId, method: 'GENERATE', formatId } },
    )
    expect(inDays((await forecastOf(poolId)).formatRunsOutAt)).toBe(9)
    await client.ask(
      `mutation ($input: SaveReplenishmentInput!) { saveReplenishment(input: $input) { __typename } }`,
      { input: { poolId, method: 'UPLOAD' } },
    )
    expect((await forecastOf(poolId)).formatRunsOutAt).toBeNull()
  })
})

test.each([
  'activity(from: "2026-03-01T00:00:00Z", to: "2026-03-01T00:00:00Z", step: DAY) { claimedCount }',
  'forecast { claimsPerDay }',
])('a key that may only claim cannot read with it %s', async (field) => {
  const { poolId } = await newStock(client, 5)
  await using till = await withScopes(service, client, ['CLAIM'])
  const { errors } = await till.send(
    `mutation ($input: ClaimCodesInput!) {
      claimCodes(input: $input) { ... on ClaimCodesPayload { pool { ${field} } } }
    }`,
    { input: { poolId } },
  )
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
  const { pool } = await client.ask<{ pool: object }>('query ($id: ID!) { pool(id: $id) { claimedCount } }', {
    id: poolId,
  })
  expect(pool).toEqual({ claimedCount: '0' })
})

test('what is wrong with the steps of every pool of a long list is answered, and harms nothing else', async () => {
  for (let i = 0; i < 12; i++) await newPool(client)
  const pools = `query ($timeZone: String!) { pools(first: 20) { edges { node { id activity(
    from: "2026-11-01T00:00:00Z", to: "2026-11-20T00:00:00Z", step: DAY, timeZone: $timeZone) { claimedCount } } } } }`
  for (let i = 0; i < 20; i++) {
    const { errors } = await client.send(pools, { timeZone: 'Etc/Unknown' })
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } })
  }
})
