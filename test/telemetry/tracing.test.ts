import pino from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { inSpan, inTrace } from '../../src/telemetry/spans.ts'
import { startTracing } from '../../src/telemetry/tracing.ts'
import { claim, newStock } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { Collector } from '../support/collector.ts'
import { testDatabase } from '../support/database.ts'
import { MainProcess } from '../support/process.ts'

interface Line {
  level: number
  msg: string
  lostSpans?: number
  err?: { message: string }
}

/** Records traces as a service with these variables would. `lines`: what it has logged from level info on. */
async function openTracing(environment: Record<string, string>) {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const { tracing } = readConfig(environment)
  if (tracing === undefined) throw new Error('Traces are off.')
  const lines: Line[] = []
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })
  const opened = await startTracing(tracing, { role: 'all', log })
  return { lines, close: opened.close, [Symbol.asyncDispose]: opened.close }
}

afterEach(() => {
  vi.unstubAllEnvs()
})

/** So that a request that fails is not sent again. */
const impatient = { OTEL_EXPORTER_OTLP_TIMEOUT: '300' }

async function trace(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await inTrace('task', {}, async () => {})
}

test('spans are sent as protocol buffers by default, with the headers that were configured', async () => {
  await using collector = await Collector.start()
  const { OTEL_EXPORTER_OTLP_PROTOCOL: _json, ...environment } = collector.environment
  await using _tracing = await openTracing({
    ...environment,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20collector',
  })
  await trace(1)
  expect(await collector.when(() => collector.requests[0])).toEqual({
    path: '/v1/traces',
    type: 'application/x-protobuf',
    authorization: 'Bearer collector',
  })
})

test('an endpoint for traces alone is used as it is', async () => {
  await using collector = await Collector.start()
  const { OTEL_EXPORTER_OTLP_ENDPOINT: _all, ...environment } = collector.environment
  await using _tracing = await openTracing({
    ...environment,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/elsewhere`,
  })
  await trace(1)
  expect((await collector.when(() => collector.requests[0])).path).toBe('/elsewhere')
})

test('what is left is sent at the end', async () => {
  await using collector = await Collector.start()
  const tracing = await openTracing({ ...collector.environment, OTEL_BSP_SCHEDULE_DELAY: '600000' })
  await inTrace('task', { kind: 'last' }, () => inSpan('step', {}, async () => {}))
  expect(collector.spans).toEqual([])
  await tracing.close()
  expect(collector.spans.map(({ name }) => name)).toEqual(['step', 'task'])
  expect(tracing.lines).toEqual([])
})

test.each([
  ['always_off', undefined, 0],
  ['parentbased_always_off', undefined, 0],
  ['traceidratio', '0', 0],
  ['parentbased_traceidratio', '1', 10],
  ['always_on', undefined, 10],
])('the sampler %s %s records %i of 10 traces', async (sampler, ratio, recorded) => {
  await using collector = await Collector.start()
  const tracing = await openTracing({
    ...collector.environment,
    OTEL_TRACES_SAMPLER: sampler,
    ...(ratio !== undefined && { OTEL_TRACES_SAMPLER_ARG: ratio }),
  })
  await trace(10)
  await tracing.close()
  expect(collector.spans).toHaveLength(recorded)
})

test('an outage of the collector is logged once, and its end with how many spans were lost', async () => {
  const collector = await Collector.start()
  const { port } = collector
  await using tracing = await openTracing({ ...collector.environment, ...impatient })
  await collector.close()
  await trace(5)
  await vi.waitFor(() => expect(tracing.lines).toHaveLength(1))
  await trace(5)
  await using again = await Collector.start(port)
  // Whatever is sent while it is still away is lost, too.
  await vi.waitFor(async () => {
    await trace(1)
    expect(tracing.lines).toHaveLength(2)
  })
  await again.when(() => again.spans.length > 0)
  const [out, back] = tracing.lines
  expect(out).toMatchObject({ level: 40, msg: 'could not export traces; spans are lost until it works' })
  expect(out?.err?.message).toContain('ECONNREFUSED')
  expect(back).toMatchObject({ level: 30, msg: 'traces are exported again' })
  expect(back?.lostSpans).toBeGreaterThanOrEqual(5)
})

test('an address at which there is no collector is logged once, too', async () => {
  await using collector = await Collector.start()
  collector.status = 404
  await using tracing = await openTracing(collector.environment)
  await trace(1)
  await collector.when(() => collector.requests.length === 1)
  await trace(1)
  await collector.when(() => collector.requests.length === 2)
  await tracing.close()
  expect(tracing.lines.map(({ msg }) => msg)).toEqual([
    'could not export traces; spans are lost until it works',
  ])
})

test('a collector that never answers holds up nothing: spans are lost rather than kept, and the end is bounded', async () => {
  await using collector = await Collector.start()
  collector.status = 'never'
  const tracing = await openTracing({
    ...collector.environment,
    OTEL_BSP_MAX_QUEUE_SIZE: '100',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '100',
  })
  await trace(10_000)
  await tracing.close()
  expect(tracing.lines.map(({ msg }) => msg)).toEqual([
    'more spans end than can be exported; some are lost',
    'could not export the last spans; nothing else is lost',
  ])
  expect(tracing.lines.at(-1)).toMatchObject({
    err: { message: 'The collector has not answered within 3000 ms.' },
  })
})

test('a service whose collector is away works as ever, and says so once', async () => {
  const collector = await Collector.start()
  const { environment } = collector
  await collector.close()
  await using database = await testDatabase()
  const key = 'a-key-of-the-tests-which-is-long-enough'
  const service = new MainProcess({
    DATABASE_URL: database.url,
    BOOTSTRAP_API_KEY: key,
    ...environment,
    ...impatient,
  })
  await using client = new Client({ ...(await service.ready()), key })
  const { poolId } = await newStock(client, 10)
  for (let i = 0; i < 3; i++) expect(await claim(client, poolId)).toHaveLength(1)
  const { code, stderr } = await service.end('SIGTERM')
  expect(code, stderr).toBe(0)
  expect(stderr.match(/could not export traces/g)).toHaveLength(1)
})
