/**
 * How long answers block the event loop of a service: operations of many shapes, each as large as the limits permit or
 * nearly so, one after the other. Run it with `node bench/answers.ts`.
 */

import { on, once } from 'node:events'
import { getIntrospectionQuery } from 'graphql'
import { WebSocket } from 'ws'
import { createFormat } from '../src/domain/format/create.ts'
import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { median, newPool, openBench, startServer, watchEventLoop } from './support.ts'

const pools = 100
const rounds = 5
const claimed = 10_000

interface Shape {
  name: string
  query: string
  over?: 'WebSocket'
}

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
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
  ids.push(await newPool(bench, { name: `Pool ${i}`, formatId, quantity: i === 0 ? 1_000_000_000n : 1_000n }))
const url = await startServer(bench, { role: 'api', failedLookUpsPerMinute: 0 })
const authorization = `Bearer ${bench.key}`
const socket = await lifecycle.open('socket', connect, (opened) => opened.close())

async function connect(): Promise<WebSocket> {
  const opened = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  await once(opened, 'open')
  opened.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }))
  await once(opened, 'message')
  return opened
}

/** Sends an operation, and resolves to the text of its answer. */
async function answerTo({ query, over }: Shape): Promise<string> {
  if (over !== 'WebSocket') {
    const headers = { authorization, 'content-type': 'application/json' }
    const body = JSON.stringify({ query })
    return await (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).text()
  }
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
  const messages: string[] = []
  for await (const [message] of on(socket, 'message')) {
    messages.push(String(message))
    if (messages.at(-1)?.includes('"type":"complete"') === true) break
  }
  return messages[0] ?? ''
}

async function showTimes(shape: Shape): Promise<void> {
  let answer = ''
  const figures: { held: number; busy: number; whole: number }[] = []
  for (let round = -2; round < rounds; round++) {
    let whole = 0
    const { maxMs: held, maxCpuMs: busy } = await watchEventLoop(url, async () => {
      const began = performance.now()
      answer = await answerTo(shape)
      whole = performance.now() - began
    })
    if (round >= 0) figures.push({ held, busy, whole })
  }
  const [held, busy, whole] = (['held', 'busy', 'whole'] as const).map((figure) =>
    median(figures.map((each) => each[figure]))
      .toFixed(0)
      .padStart(5),
  )
  const size = answer.length.toLocaleString('en').padStart(12)
  const errors = /"errors":\[\{"message":"[^"]{0,60}/.exec(answer)?.[0] ?? ''
  console.log(`${held} ms held  ${busy} ms busy  ${whole} ms  ${size} bytes  ${shape.name}  ${errors}`)
}

console.log(
  'The longest iteration of the event loop, by the clock and of processor time, and the whole answer',
)
for (const shape of shapes(ids)) await showTimes(shape)

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
      name: 'too many pages, refused',
      query: `{ ${many(900, (i) => `a${i}: pools(first: 100) { totalCount }`)} }`,
    },
    {
      name: 'fragments that multiply, refused',
      query: `{ ...a0 } ${many(300, (i) => `fragment a${i} on Query { ...a${i + 1} ...a${i + 1} }`)} fragment a300 on Query { account { id } }`,
    },
  ]
}
