/**
 * What a claim itself costs: claims of one code over HTTP, from 64 connections, against a mutation of the same shape that
 * does nothing, on the same server. Run it with `node bench/single-claims.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { compareClaims, newPool, openBench, startServer } from './support.ts'

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const poolIds = [await newPool(bench)]
const claims = { bench, poolIds, urls: [await startServer(bench)] }

await compareClaims(
  { rounds: 9, target: { atLeast: 0.8 } },
  { what: 'claimCodes', ...claims },
  { what: 'a mutation of the same shape that does nothing', ...claims, field: 'doNothing' },
)
console.log('The same, with an idempotencyKey of its own for each claim')
await compareClaims(
  { rounds: 3 },
  { what: 'claimCodes', ...claims, withKeys: true },
  { what: 'the mutation that does nothing', ...claims, field: 'doNothing', withKeys: true },
)
