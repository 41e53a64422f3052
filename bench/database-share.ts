/**
 * Whose processor time the reads take: that of the server's process or that of PostgreSQL. It answers how much a read replica
 * could take off the primary. Look-ups, pools, pages of the history, files of codes, and claims beside them. Run it with
 * `node bench/database-share.ts`. Needs Linux, for /proc.
 */

import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { codesPath } from '../src/routes.ts'
import { measure, requestOf } from './load.ts'
import { databaseSeconds, timesOf } from './processor-time.ts'
import {
  claimBefore,
  claiming,
  formatOf,
  newPool,
  openBench,
  processOf,
  recordEvent,
  show,
  startServer,
} from './support.ts'

const milliseconds = 5_000
const connections = 64
const codesOfFile = 1_000_000
const events = 2_000

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { accountId, books, key } = bench
const url = await startServer(bench)
const serverPid = Number(processOf(url).pid)
const load = { urls: [url], connections, milliseconds }

const poolId = await newPool(bench)
const handedOut = await newPool(bench, { name: 'handed out', quantity: BigInt(codesOfFile) })
await claimBefore(bench, handedOut, codesOfFile, { each: 1, recipient: true })
for (let i = 0; i < events; i++) await recordEvent(bench, poolId)
await books.rows({ text: 'VACUUM ANALYZE' })
const space = await books.codeSpaces.get(books, accountId, await formatOf(bench))
const codes = space.codesAt(1_000_000_000n, 20_000)

/** Prints the processor time that each request of some work takes, and PostgreSQL's share of it. */
async function showShare(what: string, work: () => Promise<number>): Promise<void> {
  const before = { server: (await timesOf(serverPid)).own, database: await databaseSeconds(books) }
  const requests = await work()
  const server = ((await timesOf(serverPid)).own - before.server) / requests
  const database = ((await databaseSeconds(books)) - before.database) / requests
  console.log(what)
  show("the server's processor time", server * 1e6, 'µs')
  show("PostgreSQL's processor time", database * 1e6, 'µs')
  show("PostgreSQL's share", (100 * database) / (server + database), '%')
}

/** Sends requests for a while, and resolves to how many were answered. */
async function answered(requests: readonly Buffer[], expected: string): Promise<number> {
  let at = 0
  const next = () => requests[at++ % requests.length] as Buffer
  return (await measure(load, next, expected)).answered
}

/** Downloads the file of the claimed codes. */
async function download(): Promise<number> {
  const response = await fetch(`${url}${codesPath(encodeId('Pool', handedOut), { status: 'CLAIMED' })}`, {
    headers: { Authorization: `Bearer ${key}` },
  })
  let bytes = 0
  for await (const piece of response.body ?? []) bytes += piece.length
  if (response.status !== 200 || bytes < codesOfFile) throw new Error('The file is incomplete.')
  return 1
}

const lookUp = 'query ($code: String!) { result: code(code: $code) { code status recipient claimedAt } }'
const lookUps = codes.map((code) => requestOf({ key, query: lookUp, variables: { code } }))
const history = `query ($poolId: ID!) { result: poolEvents(poolId: $poolId, first: 50) { edges { node {
  __typename cursor at pool { name } } } } }`
const pool = 'query ($poolId: ID!) { result: pool(id: $poolId) { name availableCount claimedCount } }'
const readings = [requestOf({ key, query: pool, variables: { poolId: encodeId('Pool', poolId) } })]
const pages = [requestOf({ key, query: history, variables: { poolId: encodeId('Pool', poolId) } })]
const claim = claiming(load, { key, poolIds: [poolId] })

console.log('warming up')
await claim()
await answered(lookUps, '{"data":{"result":{"code":"')
await showShare('A claim', async () => (await claim()).answered)
await showShare('A look-up', () => answered(lookUps, '{"data":{"result":{"code":"'))
await showShare('How a pool is doing', () => answered(readings, '{"data":{"result":{"name":'))
await showShare('A page of fifty events', () => answered(pages, '{"data":{"result":{"edges":[{"node":'))
await showShare(`A file of ${codesOfFile.toLocaleString('en')} codes claimed one at a time`, download)
