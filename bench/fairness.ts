/**
 * How long an ordinary request of one API key waits while another key sends expensive ones: a hundred introspections on
 * each of several sockets, and claims of 10,000 codes over 300 connections. Run it with `node bench/fairness.ts`.
 */

import { getIntrospectionQuery } from 'graphql'
import { createApiKey } from '../src/domain/account/account.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { measure, requestOf } from './load.ts'
import { Readers } from './reading.ts'
import {
  beginningOfClaim,
  claimDocument,
  claimInput,
  median,
  newPool,
  openBench,
  show,
  startServer,
} from './support.ts'

const roundMs = 2_000
const introspections = 100

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { books, accountId, key: greedy } = bench
const poolId = await newPool(bench, { quantity: 1_000_000_000_000n })
const { secret: modest } = await createApiKey(books.connections, accountId, {
  name: 'Modest',
  scopes: ['READ'],
})
const url = await startServer(bench)
const ordinary = requestOf({ key: modest, query: '{ pools { totalCount } }', variables: {} })

/** Sends one ordinary request after the other for a while, and prints how long they took. */
async function showWaits(what: string): Promise<void> {
  const load = { urls: [url], connections: 1, milliseconds: roundMs }
  const { latencies } = await measure(load, () => ordinary, '{"data":{"pools":')
  show(`${what}: the first`, latencies[0] ?? 0, 'ms')
  show('  the median', median(latencies), 'ms')
  show('  the longest', Math.max(...latencies), 'ms')
}

console.log('An ordinary request of another key')
await showWaits('warming up')
await showWaits('while no other key sends requests')

for (const sockets of [3, 20]) {
  const readers = await Readers.open(lifecycle, {
    url,
    key: greedy,
    sockets,
    subscription: { query: getIntrospectionQuery(), variables: {}, times: introspections },
  })
  await showWaits(`while ${sockets} sockets send ${introspections} introspections each`)
  readers.cut()
  await showWaits('after these sockets were cut')
}

const claim = requestOf({
  key: greedy,
  query: claimDocument('claimCodes'),
  variables: claimInput(poolId, 10_000),
})
const claims = measure(
  { urls: [url], connections: 300, milliseconds: roundMs },
  () => claim,
  beginningOfClaim,
)
await showWaits('while 300 connections claim 10,000 codes each')
await claims
