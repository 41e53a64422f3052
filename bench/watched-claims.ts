/**
 * Claims over HTTP from a pool that 1,000 subscriptions watch, against claims from one that nobody watches. Run it with
 * `node bench/watched-claims.ts`.
 */

import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { Readers } from './reading.ts'
import { compareClaims, newPool, openBench, startServer } from './support.ts'

const sockets = 1_000

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const watched = await newPool(bench, { name: 'Watched' })
const alone = await newPool(bench, { name: 'Alone' })
const url = await startServer(bench)

await Readers.open(lifecycle, {
  url,
  key: bench.key,
  sockets,
  subscription: {
    query: 'subscription ($id: ID!) { poolUpdated(id: $id) { id availableCount claimedCount status } }',
    variables: { id: encodeId('Pool', watched) },
    times: 1,
  },
})

await compareClaims(
  { rounds: 11, target: { atLeast: 0.9 } },
  { what: 'from a pool that 1,000 subscriptions watch', bench, urls: [url], poolIds: [watched] },
  { what: 'from a pool that nobody watches', bench, urls: [url], poolIds: [alone] },
)
