/**
 * How long withdrawCodes and restoreCodes take through the API: for a million codes against a thousand, and for a million around
 * 100,000 uploaded ones, which are hundreds of batches. Run it with `node bench/withdraw.ts`.
 */

import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { done } from '../test/support/api.ts'
import { Client } from '../test/support/client.ts'
import { upload } from '../test/support/uploads.ts'
import { formatOf, newPool, openBench, type Side, showComparison, startServer } from './support.ts'

const rounds = 100
const million = 1_000_000n
const uploaded = 100_000

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)

interface Stock {
  what: string
  poolId: string
  count: bigint
}

async function stock(what: string, count: bigint, formatId: string): Promise<Stock> {
  return { what, count, poolId: await newPool(bench, { name: what, quantity: count, formatId }) }
}

/** A format of which every tenth code is uploaded, as far as these pools need it. */
async function formatWithHoles(): Promise<string> {
  const formatId = await formatOf(bench, 11)
  const space = await bench.books.codeSpaces.get(bench.books, bench.accountId, formatId)
  const codes = Array.from({ length: uploaded }, (_, i) => space.codeAt(BigInt(i) * 10n))
  await upload(bench, await newPool(bench, { name: 'uploads', quantity: 1n }), codes)
  return formatId
}

const few = await stock('a thousand codes', 1_000n, await formatOf(bench))
const many = await stock('a million codes', million, await formatOf(bench))
const holed = await stock('a million codes around 100,000 uploaded ones', million, await formatWithHoles())

// Only now, as its worker would run the upload, which has no file.
await using client = new Client({ url: await startServer(bench), key: bench.key })

async function withdraw({ poolId, count }: Stock): Promise<void> {
  const input = { poolId: encodeId('Pool', poolId) }
  const { moved } = await done<{ moved: string }>(client, 'withdrawCodes', input, 'moved: withdrawnCount')
  if (BigInt(moved) !== count) throw new Error(`${moved} codes were withdrawn, not ${count}.`)
}

async function restore({ poolId, count }: Stock): Promise<void> {
  const input = { poolId: encodeId('Pool', poolId) }
  const { moved } = await done<{ moved: string }>(client, 'restoreCodes', input, 'moved: restoredCount')
  if (BigInt(moved) !== count) throw new Error(`${moved} codes were restored, not ${count}.`)
}

type Change = (stock: Stock) => Promise<void>

/** The milliseconds that a change takes; another one makes it possible again. */
function timing(stock: Stock, change: Change, back: Change): Side {
  const figure = async () => {
    const start = performance.now()
    await change(stock)
    const time = performance.now() - start
    await back(stock)
    return time
  }
  return { what: stock.what, figure }
}

async function compare(change: Change, back: Change): Promise<void> {
  console.log(`${change.name}Codes, median of ${rounds}`)
  const target = { atMost: 1.2 }
  await showComparison({ rounds, unit: 'ms', target }, timing(many, change, back), timing(few, change, back))
  await showComparison({ rounds, unit: 'ms' }, timing(holed, change, back), timing(few, change, back))
}

await compare(withdraw, restore)
for (const each of [few, many, holed]) await withdraw(each)
await compare(restore, withdraw)
