/**
 * Claims over HTTP from a pool that 1,000 subscriptions watch, against claims from one that nobody does. Run it with
 * `node bench/watched-claims.ts`.
 */

import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { Readers } from './reading.ts'
import {
  claiming,
  compare,
  newFormat,
  newPool,
  openBooks,
  rateOf,
  show,
  showRatio,
  startPostgres,
  startServer,
} from './support.ts'

const connections = 64
const sockets = 1_000
const rounds = 11
const roundMs = 3_000

await using lifecycle = new Lifecycle()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { databaseUrl, key } = bench
const formatId = await newFormat(bench)
const watched = await newPool(bench, { name: 'Watched', formatId, quantity: 1_000_000_000n })
const alone = await newPool(bench, { name: 'Alone', formatId, quantity: 1_000_000_000n })
const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false })
const load = { urls: [url], connections, milliseconds: roundMs }

await Readers.open(lifecycle, {
  url: `${url.replace('http', 'ws')}/graphql`,
  key,
  sockets,
  subscription: {
    query: 'subscription ($id: ID!) { poolUpdated(id: $id) { id availableCount claimedCount status } }',
    variables: { id: encodeId('Pool', watched) },
    times: 1,
  },
})

const side = (poolId: string) => rateOf(claiming(load, { key, poolIds: [poolId] }))

const { first, second, ratio } = await compare(rounds, side(watched), side(alone))
console.log(`Claims of one code over HTTP, ${connections} connections, median of ${rounds}`)
show(`from a pool that ${sockets.toLocaleString('en')} subscriptions watch`, first, 'a second')
show('from a pool that nobody watches', second, 'a second')
showRatio('the one by the other', ratio, { atLeast: 0.9 })
