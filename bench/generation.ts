/**
 * How long 'save and generate' takes through the API, from sending generateCodes to hearing over the subscription
 * that the task is COMPLETED: for a thousand codes and for a billion, in turns. Run it with
 * `node bench/generation.ts`; compare the ratio, the times depend on the machine.
 */

import { Lifecycle } from '../src/lifecycle.ts'
import { Client } from '../test/support/client.ts'
import { median, startBenchService } from './support.ts'

const rounds = 50
const few = 1_000n
const many = 1_000_000_000n

await using lifecycle = new Lifecycle()
await using client = new Client(await startBenchService(lifecycle))

const { createFormat } = await client.ask<{ createFormat: { format: { id: string } } }>(`
  mutation { createFormat(input: { name: "Bench", shape: { body: { length: 16 }, characters: { set: UNAMBIGUOUS } } }) {
    ... on CreateFormatPayload { format { id } }
  } }`)
const { createPool } = await client.ask<{ createPool: { pool: { id: string } } }>(
  'mutation { createPool(input: { name: "Bench" }) { ... on CreatePoolPayload { pool { id } } } }',
)

/** Milliseconds. */
async function timeOf(quantity: bigint): Promise<number> {
  const start = performance.now()
  const { generateCodes } = await client.ask<{ generateCodes: { task: { id: string } } }>(
    `mutation ($input: GenerateCodesInput!) {
      generateCodes(input: $input) { ... on GenerateCodesPayload { task { id } } }
    }`,
    { input: { poolId: createPool.pool.id, formatId: createFormat.format.id, quantity: String(quantity) } },
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

const times: [number, number][] = []
// The first rounds warm up and do not count.
for (let round = -10; round < rounds; round++) {
  const pair: [number, number] =
    round % 2 === 0
      ? [await timeOf(few), await timeOf(many)]
      : ([await timeOf(many), await timeOf(few)].reverse() as [number, number])
  if (round >= 0) times.push(pair)
}
const [short, long] = [median(times.map(([time]) => time)), median(times.map(([, time]) => time))]
const ratio = median(times.map(([a, b]) => b / a))
console.log(`From generateCodes to COMPLETED, median of ${rounds}:`)
console.log(`  ${few.toLocaleString('en').padStart(13)} codes ${short.toFixed(1).padStart(8)} ms`)
console.log(`  ${many.toLocaleString('en').padStart(13)} codes ${long.toFixed(1).padStart(8)} ms`)
console.log(`  a billion takes ${ratio.toFixed(2)} times as long as a thousand (median of the pairs)`)
