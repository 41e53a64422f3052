/**
 * How long it takes through the API to save and generate, from sending generateCodes to the event that the task is
 * COMPLETED: for a billion codes against a thousand. Run it with `node bench/generation.ts`.
 */

import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { Client } from '../test/support/client.ts'
import { formatOf, newPool, openBench, showComparison, startServer } from './support.ts'

const rounds = 50

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const poolId = encodeId('Pool', await newPool(bench, { quantity: 1n }))
const formatId = encodeId('Format', await formatOf(bench, 16))
await using client = new Client({ url: await startServer(bench), key: bench.key })

/** Milliseconds. */
async function timeOf(quantity: bigint): Promise<number> {
  const start = performance.now()
  const { generateCodes } = await client.ask<{ generateCodes: { task: { id: string } } }>(
    `mutation ($input: GenerateCodesInput!) {
      generateCodes(input: $input) { ... on GenerateCodesPayload { task { id } } }
    }`,
    { input: { poolId, formatId, quantity: String(quantity) } },
  )
  const updates = client.subscribe<{ taskUpdated: { status: string; addedCount: string } }>(
    'subscription ($id: ID!) { taskUpdated(id: $id) { status addedCount } }',
    { id: generateCodes.task.id },
  )
  let last: { status: string; addedCount: string } | undefined
  for await (const { data } of updates) last = data?.taskUpdated
  const time = performance.now() - start
  if (last?.status !== 'COMPLETED' || BigInt(last.addedCount) !== quantity)
    throw new Error(`The task did not add ${quantity} codes: ${JSON.stringify(last)}`)
  return time
}

// Warms up: the comparison itself does so only with two rounds.
for (let round = 0; round < 8; round++) await timeOf(1_000n)
console.log(`From generateCodes to COMPLETED, median of ${rounds}`)
await showComparison(
  { rounds, unit: 'ms' },
  { what: '1,000,000,000 codes', figure: () => timeOf(1_000_000_000n) },
  { what: '1,000 codes', figure: () => timeOf(1_000n) },
)
