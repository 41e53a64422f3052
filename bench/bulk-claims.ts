/**
 * Claims of 10,000 codes at a time: in the domain, with the database, in this process; and through the API, against
 * a query on the same server that answers with a list of 10,000 like objects without touching the database. Run it
 * with `node bench/bulk-claims.ts`.
 */

import { Claims, maximumClaim } from '../src/domain/claim.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { LoadGenerator, requestOf } from './load.ts'
import {
  claimDocument,
  claimInput,
  compare,
  median,
  newFormat,
  newPool,
  openBooks,
  show,
  showRatio,
  startPostgres,
  startServer,
} from './support.ts'

const rounds = 9
const roundMs = 3_000

await using lifecycle = new Lifecycle()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { accountId, books, databaseUrl, key } = bench
const poolId = await newPool(bench, {
  name: 'Bench',
  formatId: await newFormat(bench),
  quantity: 100_000_000_000n,
})

/** Codes per second, when so many callers claim, each again as soon as it has its codes. */
async function claimInDomain(callers: number): Promise<number> {
  const claims = new Claims(books)
  const start = performance.now()
  let codes = 0
  let elapsed = 0
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (; elapsed < roundMs; elapsed = performance.now() - start)
        codes += (await claims.claim(accountId, { poolId, count: maximumClaim })).length
    }),
  )
  return (codes / elapsed) * 1_000
}

async function rateInDomain(callers: number): Promise<number> {
  const rates: number[] = []
  for (let round = -2; round < rounds; round++) rates.push(await claimInDomain(callers))
  return median(rates.slice(2))
}

console.log(`Claims of ${maximumClaim.toLocaleString('en')} codes in the domain, median of ${rounds}`)
const [alone, together] = [await rateInDomain(1), await rateInDomain(4)]
show('one caller', alone, 'codes a second')
show('four callers at once', together, 'codes a second')
showRatio('the better of them, in millions', Math.max(alone, together) / 1_000_000, { atLeast: 1 })

const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false })

async function compareOverHttp(connections: number): Promise<number> {
  const load = await LoadGenerator.open([url], connections)
  const claim = requestOf({
    key,
    query: claimDocument('claimCodes'),
    variables: claimInput(poolId, maximumClaim),
  })
  const query = requestOf({ key, query: '{ result: likeCodes { code } }', variables: {} })
  const { first, second, ratio } = await compare(
    rounds,
    async () => (await load.measure(roundMs, () => claim, '{"data":{"result":{"codes":[{"code":"')).rate,
    async () => (await load.measure(roundMs, () => query, '{"data":{"result":[{"code":"')).rate,
  )
  load.close()
  const many = connections === 1 ? 'one connection' : `${connections} connections`
  console.log(
    `Answers with ${maximumClaim.toLocaleString('en')} codes over HTTP, ${many}, median of ${rounds}`,
  )
  show('claimCodes', first, 'answers a second')
  show('a query that answers with like objects', second, 'answers a second')
  return ratio
}

showRatio('the one by the other', await compareOverHttp(4), { atLeast: 0.8 })
