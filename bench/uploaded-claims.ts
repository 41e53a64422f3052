/**
 * Compares claims by the origin of the codes: claims of one code and of a hundred over HTTP, from a pool of uploaded codes,
 * and from one whose format skips every other index because its code was uploaded, each with a pool whose format skips
 * nothing. Run it with `node bench/uploaded-claims.ts`.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import {
  claimedOf,
  claiming,
  compare,
  newFormat,
  newPool,
  newUploadedPool,
  openBooks,
  show,
  showRatio,
  startPostgres,
  startServer,
} from './support.ts'

const rounds = 5
const roundMs = 2_000
const many = 3_000_000

await using lifecycle = new Lifecycle()
const bench = await openBooks(lifecycle, await startPostgres(lifecycle))
const { books, accountId, databaseUrl, key } = bench

const generated = await newPool(bench, {
  name: 'Generated',
  formatId: await newFormat(bench, 10),
  quantity: 1_000_000_000n,
})
const uploaded = await newUploadedPool(bench, { name: 'Uploaded', codes: await someCodes() })
const aroundHoles = await newPool(bench, {
  name: 'Around uploaded codes',
  formatId: await newFormatWithHoles(),
  quantity: BigInt(many),
})
await books.pool.query('VACUUM ANALYZE')
const url = await startServer(lifecycle, { databaseUrl, role: 'all', codeRows: false })
const claimed = new Map<string, number>()

/** Codes in no order, of an otherwise unused format. */
async function someCodes(): Promise<string[]> {
  const space = await books.codeSpaces.get(books, accountId, await newFormat(bench, 11))
  return space.codesAt(0n, many)
}

/** A format with uploaded codes at every other index, as far as the benchmark gets. */
async function newFormatWithHoles(): Promise<string> {
  const formatId = await newFormat(bench, 12)
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

/** Claims per second. */
function side(poolId: string, count: number, connections: number): () => Promise<number> {
  const load = { urls: [url], connections, milliseconds: roundMs }
  const claims = claiming(load, { key, poolIds: [poolId], count })
  return async () => {
    const { rate, answered } = await claims()
    claimed.set(poolId, (claimed.get(poolId) ?? 0) + answered * count)
    return rate
  }
}

for (const [count, connections, what] of [
  [1, 64, 'Claims of one code'],
  [100, 16, 'Claims of a hundred codes'],
] as const) {
  console.log(`${what} over HTTP, ${connections} connections, median of ${rounds}`)
  const usual = side(generated, count, connections)
  const ofUploaded = await compare(rounds, side(uploaded, count, connections), usual)
  show('from a pool of uploaded codes', ofUploaded.first, 'a second')
  show('from a pool of generated codes', ofUploaded.second, 'a second')
  showRatio('the one by the other', ofUploaded.ratio, { atLeast: 0.8 })
  const around = await compare(rounds, side(aroundHoles, count, connections), usual)
  show('from a pool of a format that leaves out every other code', around.first, 'a second')
  show('from a pool of generated codes', around.second, 'a second')
  showRatio('the one by the other', around.ratio, { atLeast: 0.8 })
}

for (const [poolId, count] of claimed)
  if ((await claimedOf(bench, poolId)) !== count)
    throw new Error('A pool has handed out more or less than was answered.')
