/**
 * How long answers hold the event loop of a service: operations of many shapes, each as large as the limits allow or
 * nearly so, one after the other, from another thread. The service runs in this one, and its delays are what
 * monitorEventLoopDelay sees. Run it with `node bench/answers.ts`.
 */

import { on, once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { getIntrospectionQuery } from 'graphql'
import { WebSocket } from 'ws'
import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'

const pools = 100
const rounds = 5
const claimed = 10_000

interface Shape {
  name: string
  query: string
  over?: 'WebSocket'
}

interface Target {
  url: string
  key: string
}

if (isMainThread) await main()
else await client(workerData as Target)

async function main(): Promise<void> {
  const { newPool, openBooks, startPostgres } = await import('./support.ts')
  const { createFormat } = await import('../src/domain/format/create.ts')
  const { startService } = await import('../src/service.ts')
  const { pino } = await import('pino')
  await using lifecycle = new Lifecycle()
  const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
  const formatId = await createFormat(bench.books, bench.accountId, {
    name: 'Spring',
    shape: {
      prefix: 'SPRING-',
      suffix: '',
      body: { pattern: '#####-#####' },
      characters: { set: 'UNAMBIGUOUS' },
    },
  })
  const ids: string[] = []
  for (let i = 0; i < pools; i++)
    ids.push(
      await newPool(bench, { name: `Pool ${i}`, formatId, quantity: i === 0 ? 1_000_000_000n : 1_000n }),
    )
  const { url } = await startService(lifecycle, {
    databaseUrl: bench.databaseUrl,
    embedded: false,
    port: 0,
    host: '127.0.0.1',
    role: 'api',
    bootstrapApiKey: bench.key,
    eventRetentionDays: 30,
    rejectedRowsRetentionDays: 30,
    failedLookUpsPerMinute: 0,
    maxUploadBytes: 1,
    log: pino({ level: 'error' }),
  })
  const worker = new Worker(new URL(import.meta.url), { workerData: { url, key: bench.key } })
  await once(worker, 'online')
  for (const shape of shapes(ids)) await measure(worker, shape)
  await worker.terminate()
}

async function measure(worker: Worker, shape: Shape): Promise<void> {
  const ask = async () => {
    worker.postMessage(shape)
    const [{ milliseconds, bytes, errors }] = (await once(worker, 'message')) as [
      Record<string, number | string>,
    ]
    return { milliseconds: Number(milliseconds), bytes: Number(bytes), errors }
  }
  await ask()
  const longest: number[] = []
  const took: number[] = []
  const busiest: number[] = []
  let answer = await ask()
  for (let round = 0; round < rounds; round++) {
    const delays = monitorEventLoopDelay({ resolution: 1 })
    const turns = watchTurns()
    delays.enable()
    answer = await ask()
    delays.disable()
    busiest.push(turns())
    longest.push(delays.max / 1e6)
    took.push(answer.milliseconds)
  }
  const [held, busy, whole] = [longest, busiest, took].map((all) => median(all).toFixed(0).padStart(5))
  const size = answer.bytes.toLocaleString('en').padStart(12)
  process.stdout.write(
    `${held} ms held  ${busy} ms busy  ${whole} ms  ${size} bytes  ${shape.name}  ${answer.errors ?? ''}\n`,
  )
}

/** The most of the processor's time that a turn of the event loop takes, until the function that is returned is called. */
function watchTurns(): () => number {
  let most = 0
  let watching = true
  let before = process.threadCpuUsage()
  const look = () => {
    const { user, system } = process.threadCpuUsage(before)
    most = Math.max(most, user + system)
    before = process.threadCpuUsage()
    if (watching) setImmediate(look)
  }
  setImmediate(look)
  return () => {
    watching = false
    return most / 1_000
  }
}

function median(figures: number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN
}

function shapes([first = '', ...others]: string[]): Shape[] {
  const id = encodeId('Pool', first)
  const many = (count: number, field: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => field(i)).join(' ')
  const claim = (fields: string, recipient = 'ada@example.com') =>
    `mutation { claimCodes(input: { poolId: "${id}", count: ${claimed}, recipient: ${JSON.stringify(recipient)} }) {
      ... on ClaimCodesPayload { codes { ${fields} } pool { availableCount } } ... on UserError { message } } }`
  const everything = 'id code status recipient claimedAt pool { id name } format { id name pattern }'
  const page = (fields: string) => `edges { cursor node { ${fields} } }`
  return [
    { name: 'a small query', query: '{ account { id } }' },
    { name: 'introspection', query: getIntrospectionQuery() },
    {
      name: 'names of all types and fields, twice',
      query: `{ ${many(2, (i) => `a${i}: __schema { types { name fields { name } } }`)} }`,
    },
    {
      name: '__type × 30',
      query: `{ ${many(30, (i) => `a${i}: __type(name: "Pool") { fields { name description } }`)} }`,
    },
    { name: '__typename × 3,000', query: `{ ${many(3_000, (i) => `a${i}: __typename`)} }` },
    { name: 'a claim of 10,000', query: claim('code') },
    { name: 'a claim of 10,000, everything', query: claim(everything) },
    { name: 'a claim of 10,000, everything, over WebSocket', query: claim(everything), over: 'WebSocket' },
    { name: 'a claim of 10,000, recipient × 12', query: claim(many(12, (i) => `a${i}: recipient`)) },
    {
      name: 'a claim of 10,000, recipient of 500 control characters',
      query: claim('recipient', '\u0001'.repeat(500)),
    },
    {
      name: '900 look-ups',
      query: `{ ${many(900, (i) => `a${i}: code(code: "SPRING-BBBBB-${String(i).padStart(5, '2')}") { code }`)} }`,
    },
    {
      name: '100 pools',
      query: `{ pools(first: 100) { ${page('id name status availableCount createdAt')} } }`,
    },
    {
      name: '100 pools, 80 aliases',
      query: `{ pools(first: 100) { edges { node { ${many(80, (i) => `a${i}: name`)} } } } }`,
    },
    {
      name: '100 pools × 20 tasks',
      query: `{ pools(first: 100) { edges { node { tasks { totalCount ${page('id status format { name } pool { name }')} } } } } }`,
    },
    {
      name: '100 pools × 100 codes',
      query: `{ pools(first: 100) { edges { node { codes(first: 100, status: AVAILABLE) { ${page('code status')} } } } } }`,
    },
    { name: 'pages × 280', query: `{ ${many(280, (i) => `a${i}: pools(first: 100) { totalCount }`)} }` },
    {
      name: 'pages of events × 100',
      query: `{ ${many(100, (i) => `a${i}: poolEvents(first: 100) { edges { cursor node { at pool { name } } } }`)} }`,
    },
    {
      name: 'pages of formats × 280',
      query: `{ ${many(280, (i) => `a${i}: formats { totalCount edges { node { name } } }`)} }`,
    },
    { name: '1,000 rows', query: `{ ${many(1_000, (i) => `a${i}: account { id }`)} }` },
    {
      name: '700 pools by their ids',
      query: `{ ${many(700, (i) => `a${i}: pool(id: "${encodeId('Pool', others[i % 99] ?? first)}") { name availableCount }`)} }`,
    },
    {
      name: 'nodes × 13',
      query: `{ ${many(13, (i) => `a${i}: nodes(ids: ${JSON.stringify([first, ...others].map((each) => encodeId('Pool', each)))}) { id ... on Pool { name } }`)} }`,
    },
    {
      name: 'examples × 300',
      query: `{ formats { edges { node { ${many(300, (i) => `a${i}: examples(count: 10)`)} } } } }`,
    },
    {
      name: 'previews × 200',
      query: `{ ${many(200, (i) => `a${i}: previewFormat(shape: { body: { length: 12 }, characters: { set: DIGITS } }) { ... on FormatPreview { capacity examples overlaps { name } warnings { message } } }`)} }`,
    },
    {
      name: 'too many pages: refused',
      query: `{ ${many(900, (i) => `a${i}: pools(first: 100) { totalCount }`)} }`,
    },
    {
      name: 'fragments that multiply: refused',
      query: `{ ...a0 } ${many(300, (i) => `fragment a${i} on Query { ...a${i + 1} ...a${i + 1} }`)} fragment a300 on Query { account { id } }`,
    },
  ]
}

/** What an operation is answered with, once it is complete. */
async function answered(socket: WebSocket): Promise<string> {
  const messages: string[] = []
  for await (const [message] of on(socket, 'message')) {
    messages.push(String(message))
    if (messages.at(-1)?.includes('"type":"complete"') === true) break
  }
  return messages[0] ?? ''
}

/** Sends what it is told, and says how long it took. */
async function client({ url, key }: Target): Promise<void> {
  const authorization = `Bearer ${key}`
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }))
  await once(socket, 'message')
  parentPort?.on('message', async ({ query, over }: Shape) => {
    const began = performance.now()
    let text: string
    if (over === 'WebSocket') {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
      text = await answered(socket)
    } else {
      const body = JSON.stringify({ query })
      const headers = { authorization, 'content-type': 'application/json' }
      text = await (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).text()
    }
    const milliseconds = performance.now() - began
    const errors = /"errors":\[\{"message":"[^"]{0,60}/.exec(text)?.[0]
    parentPort?.postMessage({ milliseconds, bytes: text.length, errors })
  })
}
