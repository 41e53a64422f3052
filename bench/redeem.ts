/**
 * What redeeming itself costs: codes of one pool, each claimed by itself and redeemed once, over HTTP, from 64 connections,
 * against a mutation of the same shape that does nothing, on the same server. Run it with `node bench/redeem.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { measure, requestOf } from './load.ts'
import { claimBefore, formatOf, newPool, openBench, showComparison, startServer } from './support.ts'

const connections = 64
const rounds = 9
const roundMs = 3_000
const expected = '{"data":{"result":{"redemption":{"id":"'
// More than a fast machine redeems in all rounds.
const claimed = 300_000

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { books, accountId, key } = bench

const poolId = await newPool(bench)
await claimBefore(bench, poolId, claimed, { each: 1, recipient: true })
const space = await books.codeSpaces.get(books, accountId, await formatOf(bench))
const codes = space.codesAt(0n, claimed)
await books.connections.query('VACUUM ANALYZE')
const load = { urls: [await startServer(bench)], connections, milliseconds: roundMs }

let redeemed = 0

function side(field: string): () => Promise<number> {
  const query = `mutation ($input: RedeemCodeInput!) { result: ${field}(input: $input) {
    ... on RedeemCodePayload { redemption { id at } alreadyRedeemed } ... on UserError { code message } } }`
  let next = 0
  const request = () => {
    const code = codes[next++] ?? ''
    return requestOf({
      key,
      query,
      variables: { input: { code, reference: `order ${next}`, place: 'Till 3' } },
    })
  }
  return async () => {
    const { rate, answered } = await measure(load, request, expected)
    if (field === 'redeemCode') redeemed += answered
    return rate
  }
}

console.log(`Redemptions over HTTP, ${connections} connections, median of ${rounds}`)
await showComparison(
  { rounds, unit: 'a second', target: { atLeast: 0.6 } },
  { what: 'redeemCode', figure: side('redeemCode') },
  { what: 'a mutation of the same shape that does nothing', figure: side('redeemNothing') },
)
const [usage] = await books.rows<{ redeemed: string }>({
  text: 'SELECT redeemed FROM pool_usage WHERE account_id = $1 AND pool_id = $2',
  values: [accountId, poolId],
})
if (usage?.redeemed !== String(redeemed))
  throw new Error('More or fewer codes have been redeemed than were answered.')
