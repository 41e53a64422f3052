/**
 * What a claim itself costs: claims of one code over HTTP, from 64 connections, against a mutation of the same shape that
 * does nothing, on the same server. Run it with `node bench/single-claims.ts`.
 */

import { randomUUID } from 'node:crypto'
import { Lifecycle } from '../src/lifecycle.ts'
import { type Measurement, measure, requestOf } from './load.ts'
import {
  beginningOfClaim,
  claimDocument,
  claimedOf,
  claimInput,
  claiming,
  compare,
  newFormat,
  newPool,
  openBooks,
  show,
  showRatio,
  startPostgres,
  startServer,
} from './support.ts'

const connections = 64
const rounds = 9
const roundMs = 3_000

await using lifecycle = new Lifecycle()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { databaseUrl, key } = bench
const poolId = await newPool(bench, {
  name: 'Bench',
  formatId: await newFormat(bench),
  quantity: 1_000_000_000n,
})
const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false })
const load = { urls: [url], connections, milliseconds: roundMs }

const { input } = claimInput(poolId, 1)
let claimed = 0

/** Like `claiming`, each claim with its own idempotency key. */
function claimingWithKeys(field: string): () => Promise<Measurement> {
  const query = claimDocument(field)
  const next = () =>
    requestOf({ key, query, variables: { input: { ...input, idempotencyKey: randomUUID() } } })
  return () => measure(load, next, beginningOfClaim)
}

function side(field: string, withKeys: boolean): () => Promise<number> {
  const claims = withKeys ? claimingWithKeys(field) : claiming(load, { key, field, poolIds: [poolId] })
  return async () => {
    const { rate, answered } = await claims()
    if (field === 'claimCodes') claimed += answered
    return rate
  }
}

console.log(`Claims of one code over HTTP, ${connections} connections, median of ${rounds}`)
const plain = await compare(rounds, side('claimCodes', false), side('doNothing', false))
show('claimCodes', plain.first, 'a second')
show('a mutation of the same shape that does nothing', plain.second, 'a second')
showRatio('the one by the other', plain.ratio, { atLeast: 0.8 })

const keyed = await compare(3, side('claimCodes', true), side('doNothing', true))
show('claimCodes, each with its own idempotencyKey', keyed.first, 'a second')
show('the mutation that does nothing, with such keys too', keyed.second, 'a second')
show('the one by the other', keyed.ratio, '\n')

if ((await claimedOf(bench, poolId)) !== claimed)
  throw new Error('The pool has handed out more or less than was answered.')
