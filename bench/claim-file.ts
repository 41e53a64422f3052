/**
 * Whether claiming a file takes longer the more codes it has: claimFile of a hundred million codes against one of a thousand,
 * on one server, one after the other. Run it with `node bench/claim-file.ts`.
 */

import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { newPool, openBench, showComparison, startServer } from './support.ts'

const requests = 100

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
// More than all requests claim.
const poolId = encodeId('Pool', await newPool(bench, { quantity: 10_000_000_000_000n }))
const url = await startServer(bench)

const query = `mutation ($input: ClaimFileInput!) { claimFile(input: $input) {
  __typename ... on ClaimFilePayload { claim { id count codesUrl } pool { claimedCount } } } }`

/** Milliseconds of one request, which claims `count` codes. */
async function timeToClaim(count: number): Promise<number> {
  const start = performance.now()
  for (let i = 0; i < requests; i++) {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bench.key}` },
      body: JSON.stringify({ query, variables: { input: { poolId, count } } }),
    })
    const answer = await response.text()
    if (!answer.includes(`"count":"${count}"`)) throw new Error(`A file was not claimed: ${answer}`)
  }
  return (performance.now() - start) / requests
}

console.log(`claimFile over HTTP, median of 15 times ${requests}`)
await showComparison(
  { rounds: 15, unit: 'ms', target: { atMost: 1.1 } },
  { what: 'of 100,000,000 codes', figure: () => timeToClaim(100_000_000) },
  { what: 'of 1,000 codes', figure: () => timeToClaim(1_000) },
)
