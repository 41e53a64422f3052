/**
 * How long one request blocks all others: documents and variables of many shapes, each as large as the limits permit,
 * valid or not, over HTTP. No two are the same, so that each is parsed. Run it with `node bench/event-loop.ts`.
 */

import { randomUUID } from 'node:crypto'
import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { median, openBench, startServer, watchEventLoop } from './support.ts'

const rounds = 7

interface Request {
  query: string
  variables?: Record<string, unknown>
}

const repeat = (count: number, write: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => write(i)).join(' ')
const query = (text: string): Request => ({ query: text })

/** A claim for recipients of a pool that does not exist. */
const recipients = (list: readonly string[]): Request => ({
  query: 'mutation ($input: ClaimForRecipientsInput!) { claimForRecipients(input: $input) { __typename } }',
  variables: { input: { poolId: encodeId('Pool', randomUUID()), recipients: list } },
})

/** Requests at a limit or beyond it, by description. */
const shapes: Record<string, Request> = {
  'unknown fields': query(`{ ${repeat(9_990, (i) => `a${i}`)} }`),
  'aliases of one field': query(`{ ${repeat(3_330, (i) => `a${i}: __typename`)} }`),
  'fields with a selection': query(`{ ${repeat(1_660, (i) => `a${i}: pools { totalCount }`)} }`),
  'fields below each kind of event': query(
    `{ poolEvents(first: 1) { edges { node { pool { ${repeat(300, (i) => `a${i}: activity(from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z", step: DAY) { claimedCount }`)} } } } } }`,
  ),
  'look-ups': query(`{ ${repeat(830, (i) => `a${i}: code(code: "XYZ-${i}") { code }`)} }`),
  'inline fragments': query(`{ ${repeat(1_240, (i) => `... on Query { a${i}: __typename }`)} }`),
  'nested inline fragments': query(
    `{ ${'... { '.repeat(45)} ${repeat(3_200, (i) => `a${i}: __typename`)} ${'} '.repeat(46)}`,
  ),
  'one field repeated': query(`{ ${repeat(9_990, () => 'id')} }`),
  'one field repeated as often as is permitted': query(`{ ${repeat(200, () => '__typename')} }`),
  'a field with selections, repeated too often': query(
    `{ z: __typename ${repeat(750, () => 'pools { edges { node { id } } }')} }`,
  ),
  'a field with selections, repeated': query(`{ ${repeat(95, () => 'pools { totalCount }')} }`),
  'directives of one field': query(`{ a: __typename ${repeat(1_400, () => '@include(if: true)')} }`),
  'directives of many fields': query(`{ ${repeat(990, (i) => `a${i}: __typename @skip(if: true)`)} }`),
  'unknown directives': query(`{ a: __typename ${repeat(4_900, (i) => `@d${i}`)} }`),
  'variables that are not used': query(`query (${repeat(2_490, (i) => `$a${i}: Int`)}) { __typename }`),
  'variables that are used': query(
    `query (${repeat(600, (i) => `$a${i}: Int`)}) { ${repeat(600, (i) => `p${i}: pools(first: $a${i}) { totalCount }`)} }`,
  ),
  'unknown arguments': query(`{ pools(${repeat(2_490, (i) => `a${i}: 1`)}) { totalCount } }`),
  'a list of ids': query(`{ nodes(ids: [${repeat(9_980, (i) => `"${i}"`)}]) { id } }`),
  'an object of unknown fields': query(
    `mutation { claimCodes(input: { ${repeat(3_300, (i) => `a${i}: 1`)} }) { __typename } }`,
  ),
  'unknown enum values': query(`{ pools(status: [${repeat(9_980, (i) => `X${i}`)}]) { totalCount } }`),
  operations: query(repeat(100, (i) => `query Q${i} { ${repeat(32, (j) => `a${j}: __typename`)} }`)),
  'operations with one fragment': query(
    `${repeat(100, (i) => `query Q${i} { ...F }`)} fragment F on Query { ${repeat(95, (i) => `a${i}: __typename`)} }`,
  ),
  'operations with one fragment of variables': query(
    `${repeat(100, (i) => `query Q${i}($a: ID!) { ...F }`)} fragment F on Query { nodes(ids: [${repeat(4_000, () => '$a')}]) { id } }`,
  ),
  'fragments side by side': query(
    `{ ${repeat(140, (i) => `...F${i}`)} } ${repeat(140, (i) => `fragment F${i} on Query { a${i}: __typename }`)}`,
  ),
  'fragments within fragments': query(
    `{ ...F0 } ${repeat(42, (i) => `fragment F${i} on Query { ${repeat(9, (j) => `a${j}: __typename`)} ...F${i + 1} }`)} ` +
      'fragment F42 on Query { __typename }',
  ),
  'fragments that double': query(
    `{ ...F0 } ${repeat(150, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F150 on Query { __typename }`,
  ),
  'fragments in a cycle': query(
    `{ ...F0 } ${repeat(1_000, (i) => `fragment F${i} on Query { ...F${(i + 1) % 1_000} }`)}`,
  ),
  'fragments that are not used': query(
    `{ __typename } ${repeat(200, (i) => `fragment F${i} on Query { ${repeat(14, (j) => `a${j}: __typename`)} }`)}`,
  ),
  'definitions of types': query(`{ __typename } ${repeat(1_400, (i) => `type A${i} { a: B${i} }`)}`),
  'unknown types': query(`{ ${repeat(1_400, (i) => `... on A${i} { a${i} }`)} }`),
  'a subscription with many fields': query(`subscription { ${repeat(3_300, (i) => `a${i}: __typename`)} }`),
  comments: query(`${'#\n'.repeat(1_000)}{ __typename }`),
  'too many comments': query(`${'#\n'.repeat(49_000)}{ __typename }`),
  'empty lines': query(`${'\n'.repeat(99_000)}{ nothing }`),
  commas: query(`{ __typename${','.repeat(99_000)} }`),
  'a block string': query(`{ code(code: """${'a\n'.repeat(49_000)}""") { code } }`),
  'escaped characters': query(`{ code(code: "${'\\u0061'.repeat(16_000)}") { code } }`),
  'one long name': query(`{ ${'a'.repeat(99_000)} }`),
  'long names': query(`{ ${repeat(380, (i) => `${'a'.repeat(250)}${i}`)} }`),
  'levels of types': query(`query ($a: ${'['.repeat(4_900)}Int${']'.repeat(4_900)}) { __typename }`),
  'levels of values': query(`{ pools(search: ${'['.repeat(4_900)}${']'.repeat(4_900)}) { totalCount } }`),
  'levels of fields': query(`${'{ a '.repeat(4_900)}${'}'.repeat(4_900)}`),
  'too many tokens': query(`{ ${repeat(15_000, (i) => `a${i}`)} }`),
  introspection: query(`{ __schema { types { ${repeat(3_300, (i) => `a${i}: name`)} } } }`),
  'wrong items in a variable': {
    query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    variables: { ids: Array.from({ length: 9_900 }, () => ({})) },
  },
  'a list of recipients': recipients(Array.from({ length: 10_000 }, (_, i) => `${i}`.padEnd(90, 'x'))),
  'recipients of many combining marks': recipients(
    Array.from({ length: 120 }, () => `a${'\u0345\u0301\u0334'.repeat(1_333)}`),
  ),
  'an object of long texts in a variable': {
    query: 'mutation ($input: ClaimCodesInput!) { claimCodes(input: $input) { __typename } }',
    variables: {
      input: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`a${i}`, 'x'.repeat(9_500)])),
    },
  },
  'a long text in a variable': {
    query: 'query ($first: Int) { pools(first: $first) { totalCount } }',
    variables: { first: 'x'.repeat(990_000) },
  },
  'many values in a variable': {
    query: '{ __typename }',
    variables: { v: Array.from({ length: 9_900 }, () => 0) },
  },
  'too many values in a variable': {
    query: '{ __typename }',
    variables: { v: Array.from({ length: 300_000 }, () => ({})) },
  },
}

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const url = await startServer(bench)

async function send({ query: text, variables }: Request): Promise<string> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${bench.key}` },
    body: JSON.stringify({ query: text, variables }),
  })
  const { errors } = (await response.json()) as { errors?: { message: string }[] }
  return errors?.[0]?.message.slice(0, 60) ?? 'answered'
}

for (let i = 0; i < 200; i++)
  await send(query(`{ a${i}: account { name } pools { totalCount edges { node { id name } } } }`))
const found = Object.entries(shapes).map(([name, shape]) => ({
  name,
  shape,
  answer: '',
  cpuTimes: [] as number[],
  times: [] as number[],
}))
for (let round = 0; round < rounds; round++)
  for (const of of found) {
    const { maxCpuMs, maxMs } = await watchEventLoop(url, async () => {
      of.answer = await send({ ...of.shape, query: `${' '.repeat(round)}${of.shape.query}` })
    })
    of.cpuTimes.push(maxCpuMs)
    of.times.push(maxMs)
  }

console.log(
  'The longest iteration of the event loop while one request is answered, in ms: processor time, and by the clock',
)
for (const { name, answer, cpuTimes, times } of found.toSorted(
  (a, b) => median(b.cpuTimes) - median(a.cpuTimes),
))
  console.log(
    `${name.padEnd(48)}${median(cpuTimes).toFixed(1).padStart(8)}${median(times).toFixed(1).padStart(8)}  ${answer}`,
  )
