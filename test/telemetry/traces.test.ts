import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeId } from '../../src/graphql/ids.ts'
import { done, finished, newPool, newStock } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { Collector } from '../support/collector.ts'
import { type TestDatabase, testDatabase, waitUntilSomebodyWaitsFor } from '../support/database.ts'
import { MainProcess } from '../support/process.ts'
import { postCodes, upload } from '../support/upload-api.ts'

const key = 'a-key-of-the-tests-which-is-long-enough'

// The clock of a span has whole milliseconds at its start.
const roundingMs = 2

let collector: Collector
let database: TestDatabase
let service: MainProcess
let client: Client
let url: string

beforeAll(async () => {
  await using opened = new AsyncDisposableStack()
  collector = opened.use(await Collector.start())
  database = opened.use(await testDatabase())
  service = opened.use(
    new MainProcess({
      DATABASE_URL: database.url,
      BOOTSTRAP_API_KEY: key,
      OTEL_SERVICE_NAME: 'codes',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=tests',
      ...collector.environment,
    }),
  )
  url = (await service.ready()).url
  client = opened.use(new Client({ url, key }))
  const all = opened.move()
  return () => all[Symbol.asyncDispose]()
})

/** Sends a query in the trace of a caller. */
async function sendIn(traceparent: string): Promise<void> {
  const body = JSON.stringify({ query: '{ __typename }' })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}`, traceparent }
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body })
  expect(response.status).toBe(200)
}

test('the trace of a slow claim shows that it waited for the lock of its pool', async () => {
  const { poolId } = await newStock(client, 10)
  await database.connections.query('UPDATE pool SET one_per_recipient = true')
  const claim = (recipient: string) =>
    done(client, 'claimCodes', { poolId, count: 1, recipient, idempotencyKey: randomUUID() }, 'pool { id }')
  // From then on, what the recipients hold is read in the same round trip.
  await claim('ann')
  // Otherwise it could arrive later, in place of the next one.
  await collector.trace('claim')
  const holder = await database.connections.connect()
  await holder.query('BEGIN')
  await holder.query('SELECT FROM pool FOR UPDATE')
  collector.spans.length = 0
  const claimed = claim('bob')
  await waitUntilSomebodyWaitsFor(holder)
  const released = Date.now()
  await holder.query('COMMIT')
  holder.release()
  await claimed

  const trace = await collector.trace('claim')
  expect(trace.path('lock-pool')).toEqual([
    'POST graphql',
    'mutation claimCodes',
    'claim',
    'group of claims',
    'transaction',
    'lock-pool',
  ])
  const lock = trace.span('lock-pool')
  expect(lock.start).toBeLessThanOrEqual(released + roundingMs)
  expect(lock.end).toBeGreaterThanOrEqual(released - roundingMs)
  // The first of these was sent together with it, but has its span from when it was its turn.
  for (const later of ['newest-claims-of', 'insert-keys', 'insert-claims', 'write-pool-counters', 'commit'])
    expect(trace.span(later).start, `${trace}`).toBeGreaterThanOrEqual(released - roundingMs)
  expect(trace.span('claim').attributes).toMatchObject({ 'promo_codes.codes': 1 })
  expect(trace.root?.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.response.status_code': 200,
  })
  expect(trace.span('mutation claimCodes').attributes).toMatchObject({
    'graphql.operation.type': 'mutation',
    'promo_codes.fields': ['claimCodes'],
  })
  expect(trace.root?.resource).toMatchObject({
    'service.name': 'codes',
    'deployment.environment.name': 'tests',
    'promo_codes.role': 'all',
  })
})

describe('the work of a task is in the trace of the request that created it', () => {
  test('of a generation, whose log lines name the trace', async () => {
    collector.spans.length = 0
    await newStock(client, 10)
    const trace = await collector.trace('run generation')
    expect(trace.path('run generation')).toEqual([
      'POST graphql',
      'mutation generateCodes',
      'transaction',
      'run generation',
    ])
    expect(service.stderr).toMatch(new RegExp(`"traceId":"${trace.root?.traceId}".*"task completed"`))
  })

  test('of an upload', async () => {
    const poolId = await newPool(client)
    collector.spans.length = 0
    const taskId = await upload({ url }, client, poolId, `${randomUUID()}\n${randomUUID()}\n`)
    await finished(client, taskId)
    const trace = await collector.trace('read upload')
    expect(trace.path('add chunk')).toEqual(['POST codesUpload', 'transaction', 'read upload', 'add chunk'])
    expect(trace.span('add chunk').attributes).toEqual({ 'promo_codes.rows': 2 })
  })
})

describe('a request belongs to the trace of its caller', () => {
  const callerId = '00f067aa0ba902b7'

  test('which is recorded only if the caller has it recorded', async () => {
    const [recorded, unrecorded] = [randomTraceId(), randomTraceId()]
    await sendIn(`00-${unrecorded}-${callerId}-00`)
    await sendIn(`00-${recorded}-${callerId}-01`)
    const root = await collector.when(() =>
      collector.spans.find(({ traceId, isRequest }) => traceId === recorded && isRequest),
    )
    expect(root).toMatchObject({ name: 'POST graphql', parentId: callerId })
    expect(collector.spans.filter(({ traceId }) => traceId === unrecorded)).toEqual([])
  })

  test.each([
    '',
    'garbage',
    `00-${'0'.repeat(32)}-${callerId}-01`,
    `ff-${'a'.repeat(32)}-${callerId}-01`,
    'x'.repeat(8_000),
  ])('unless it names no trace: %.20s', async (traceparent) => {
    collector.spans.length = 0
    await sendIn(traceparent)
    const root = await collector.when(() => collector.spans.find(({ isRequest }) => isRequest))
    expect(root.parentId).toBeUndefined()
  })
})

test('an operation over a WebSocket is a trace, and a subscription only until its stream begins', async () => {
  const poolId = await newPool(client)
  collector.spans.length = 0
  const query = 'subscription ($id: ID!) { poolUpdated(id: $id) { name } }'
  const updates = client.subscribe<{ poolUpdated: { name: string } }>(query, { id: poolId })
  await updates.next()
  const { root } = await collector.trace('subscription poolUpdated')
  expect(root).toMatchObject({ name: 'subscription poolUpdated', parentId: undefined })
  expect(root?.attributes).toMatchObject({ 'promo_codes.transport': 'websocket' })
  await done(client, 'updatePool', { poolId, name: 'Renamed' }, 'pool { id }')
  expect((await updates.next()).value?.data).toEqual({ poolUpdated: { name: 'Renamed' } })
  await updates.return?.()
  await collector.trace('mutation updatePool')
  const late = collector.spans.filter(
    ({ traceId, start }) => traceId === root?.traceId && start > (root?.end ?? 0),
  )
  expect(late).toEqual([])
})

test('no span contains a key, a code, a recipient or anything else that somebody has typed', async () => {
  const { poolId } = await newStock(client, 10)
  const recipient = `ada-${randomUUID()}@example.com`
  const { codes } = await done<{ codes: { code: string }[] }>(
    client,
    'claimCodes',
    { poolId, count: 2, recipient },
    'codes { code }',
  )
  const [code = ''] = codes.map(({ code }) => code)
  const reference = `order-${randomUUID()}`
  await done(client, 'redeemCode', { code, reference }, 'redemption { id }')
  await client.ask(
    `query ($code: String!) { code(code: $code) { id } literal: code(code: "${code}") { id } }`,
    { code },
  )
  const typed = `${randomUUID()} is no pool`
  await client.send(`mutation { claimCodes(input: { poolId: "${typed}", count: 1 }) { __typename } }`)
  await client.send(`{ ${typed} }`)
  await postCodes({ url }, client, encodeId('Pool', randomUUID()), typed)
  await newPool(client)

  await collector.trace('redeem')
  await collector.trace('look up')
  await collector.trace('mutation createPool')
  const all = JSON.stringify(collector.spans)
  expect(all).toContain('redeemCode')
  for (const secret of [key, code, recipient, reference, typed, 'authorization'])
    expect(all).not.toContain(secret)
})

test('load balancers that ask whether it is ready leave no traces', async () => {
  collector.spans.length = 0
  await fetch(`${url}/ready`)
  await fetch(`${url}/health`)
  await newPool(client)
  await collector.trace('mutation createPool')
  const requests = collector.spans.filter(({ isRequest }) => isRequest).map(({ name }) => name)
  expect(requests).toContain('POST graphql')
  for (const name of ['GET ready', 'GET health']) expect(requests).not.toContain(name)
})

function randomTraceId(): string {
  return randomUUID().replaceAll('-', '')
}
