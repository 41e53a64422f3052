/**
 * One event that 10,000 subscriptions watch, over 2,000 sockets of one server: how long until the last has it, against
 * the same bytes broadcast by a bare `ws` server to as many sockets. Run it with `node bench/broadcast.ts`.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { encodeCursor, readLog } from '../src/domain/event.ts'
import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import type { Broadcast } from './bare-server.ts'
import { Readers } from './reading.ts'
import {
  compare,
  newFormat,
  newPool,
  openBooks,
  show,
  showRatio,
  startPostgres,
  startServer,
} from './support.ts'

const sockets = 2_000
const times = 5
const rounds = 15

await using lifecycle = new Lifecycle()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { books, accountId, key, databaseUrl } = bench
const poolId = await newPool(bench, { name: 'Watched', formatId: await newFormat(bench), quantity: 1_000n })
const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false })

const log = await readLog(books, accountId)
const subscribers = await Readers.open(lifecycle, {
  url: `${url.replace('http', 'ws')}/graphql`,
  key,
  sockets,
  subscription: {
    query: `subscription ($poolId: ID, $after: String) { poolEvents(poolId: $poolId, after: $after) {
      __typename cursor at pool { id name availableCount claimedCount status } } }`,
    variables: {
      poolId: encodeId('Pool', poolId),
      after: encodeCursor({ log: log.log, sequence: log.last }),
    },
    times,
  },
})

/** Something that happens to the pool: until when the last subscription has it, in milliseconds. */
async function happen(): Promise<number> {
  const begin = process.hrtime.bigint()
  await books.write(accountId, async (tx) => tx.record({ poolId, kind: 'POOL_EMPTY', payload: {} }))
  return await subscribers.arrivedSince(begin, sockets * times)
}

await happen()
const bare = await lifecycle.open(
  'bare server',
  () => fork(join(import.meta.dirname, 'bare-server.ts')),
  (child) => child.kill(),
)
const [bareUrl] = await once(bare, 'message')
const listeners = await Readers.open(lifecycle, {
  url: String(bareUrl),
  key: undefined,
  sockets,
  subscription: undefined,
})
const text = 'x'.repeat(subscribers.bytes)

async function broadcast(): Promise<number> {
  const begin = process.hrtime.bigint()
  bare.send({ text, times } satisfies Broadcast)
  return await listeners.arrivedSince(begin, sockets * times)
}

const { first, second, ratio } = await compare(rounds, happen, broadcast)
console.log(
  `An event to ${sockets * times} subscriptions over ${sockets} sockets, ${text.length} bytes each, median of ${rounds}`,
)
show('from the change to the last subscription', first, 'ms')
show('the same bytes sent by a bare server', second, 'ms')
showRatio('the one by the other', ratio, { atMost: 2 })
