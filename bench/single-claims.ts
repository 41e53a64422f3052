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
console.log('With an idempotencyKey of its own for each claim, against none')
await compareClaims(
  { rounds: 9, target: { atLeast: 0.9 }, processorTimes: true },
  { what: 'claimCodes with keys', ...claims, withKeys: true },
  { what: 'claimCodes without', ...claims, withKeys: false },
)
