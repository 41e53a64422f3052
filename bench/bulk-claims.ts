/**
 * Claims of 10,000 codes at a time: in the domain, in this process; and through the API, against a query on the same server
 * that answers with 10,000 similar objects without using the database. It creates them for each answer, or, which costs
 * the garbage collector nothing, returns the same ones each time. Run it with `node bench/bulk-claims.ts`.
 */

import { Claims } from '../src/domain/claim/claim.ts'
import { maxClaim } from '../src/domain/claim/request.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { measure, requestOf } from './load.ts'
import {
  beginningOfClaim,
  claimDocument,
  claimInput,
  median,
  newPool,
  openBench,
  show,
  showComparison,
  showRatio,
  startServer,
} from './support.ts'

const connections = 4
const rounds = 9
const roundMs = 2_000

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { accountId, books, key } = bench
const poolId = await newPool(bench, { quantity: 100_000_000_000n })

/** Codes per second with this many callers, each of which claims again as soon as it has its codes. */
async function claimInDomain(callers: number): Promise<number> {
  const claims = new Claims(books)
  const start = performance.now()
  let codes = 0
  let elapsed = 0
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (; elapsed < roundMs; elapsed = performance.now() - start) {
        const claimed = await claims.claim(accountId, { poolId, count: maxClaim })
        codes += claimed.codes.length
      }
    }),
  )
  return (codes / elapsed) * 1_000
}

async function rateInDomain(callers: number): Promise<number> {
  const rates: number[] = []
  for (let round = -2; round < rounds; round++) rates.push(await claimInDomain(callers))
  return median(rates.slice(2))
}

console.log(`Claims of ${maxClaim.toLocaleString('en')} codes in the domain, median of ${rounds}`)
const [alone, together] = [await rateInDomain(1), await rateInDomain(4)]
show('one caller', alone, 'codes a second')
show('four callers at once', together, 'codes a second')
showRatio('the better of them, in millions', Math.max(alone, together) / 1_000_000, { atLeast: 1 })

const load = { urls: [await startServer(bench)], connections, milliseconds: roundMs }

/** Answers per second. */
async function rateOf(request: Buffer, expected: string): Promise<number> {
  return (await measure(load, () => request, expected)).rate
}

const claim = requestOf({
  key,
  query: claimDocument('claimCodes'),
  variables: claimInput(poolId, maxClaim),
})
const rateOfClaims = () => rateOf(claim, beginningOfClaim)

function rateOfQuery(field: string): () => Promise<number> {
  const request = requestOf({ key, query: `{ result: ${field} { code } }`, variables: {} })
  return () => rateOf(request, '{"data":{"result":[{"code":"')
}

console.log(`Answers with 10,000 codes over HTTP, ${connections} connections, median of ${rounds}`)
const claims = { what: 'claimCodes', figure: rateOfClaims }
await showComparison({ rounds, unit: 'answers a second', target: { atLeast: 0.8 } }, claims, {
  what: 'a query that creates 10,000 similar objects',
  figure: rateOfQuery('newCodes'),
})
await showComparison({ rounds, unit: 'answers a second' }, claims, {
  what: 'a query that returns the same 10,000 objects each time',
  figure: rateOfQuery('keptCodes'),
})
