/**
 * Compares claims by the origin of the codes: claims of one code and of a hundred over HTTP, from a pool of uploaded codes,
 * and from one whose format skips every other index because its code was uploaded, each with a pool whose format skips
 * nothing. Run it with `node bench/uploaded-claims.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { compareClaims, formatOf, newPool, newUploadedPool, openBench, startServer } from './support.ts'

const many = 3_000_000

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { books, accountId } = bench

const generated = await newPool(bench, { name: 'Generated' })
const uploaded = await newUploadedPool(bench, { name: 'Uploaded', codes: await someCodes() })
const aroundHoles = await newPool(bench, {
  name: 'Around uploaded codes',
  formatId: await formatWithHoles(),
  quantity: BigInt(many),
})
await books.connections.query('VACUUM ANALYZE')
const urls = [await startServer(bench)]

/** Codes in no order, of an otherwise unused format. */
async function someCodes(): Promise<string[]> {
  const space = await books.codeSpaces.get(books, accountId, await formatOf(bench, 11))
  return space.codesAt(0n, many)
}

/** A format with uploaded codes at every other index, as far as the benchmark gets. */
async function formatWithHoles(): Promise<string> {
  const formatId = await formatOf(bench, 12)
  await books.rows({
    text: `
      INSERT INTO taken (account_id, format_id, index)
      SELECT $1, $2, 2 * n FROM generate_series(0, $3::integer - 1) AS n`,
    values: [accountId, formatId, many],
  })
  await books.rows({
    text: 'UPDATE format SET taken_ahead = $3 WHERE account_id = $1 AND id = $2',
    values: [accountId, formatId, many],
  })
  return formatId
}

for (const [count, connections] of [
  [1, 64],
  [100, 16],
] as const) {
  const comparison = { rounds: 5, milliseconds: 2_000, connections, count, processorTimes: true }
  const usual = { what: 'from a pool of generated codes', bench, urls, poolIds: [generated] }
  await compareClaims(
    { ...comparison, target: { atLeast: 0.8 } },
    { what: 'from a pool of uploaded codes', bench, urls, poolIds: [uploaded] },
    usual,
  )
  await compareClaims(
    { ...comparison, target: { atLeast: 0.9 } },
    { what: 'from a format that skips every other index', bench, urls, poolIds: [aroundHoles] },
    usual,
  )
}
