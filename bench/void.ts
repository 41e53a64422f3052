/**
 * How long it takes through the API to void the claimed codes of a task, and to unvoid them: a million codes, each of a claim of
 * its own, against a thousand. Run it with `node bench/void.ts`.
 */

import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { Client } from '../test/support/client.ts'
import { claimBefore, newPool, openBench, showComparison, startServer } from './support.ts'

const rounds = 101
const counts = [1_000_000, 1_000]

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { books, accountId } = bench

/** The id of a task all of whose codes have been claimed. */
async function claimedTask(count: number): Promise<string> {
  const poolId = await newPool(bench, { name: `${count} codes`, quantity: BigInt(count) })
  await claimBefore(bench, poolId, count, { each: 1 })
  const [task] = await books.rows<{ id: string }>({
    text: 'SELECT id FROM task WHERE account_id = $1 AND pool_id = $2',
    values: [accountId, poolId],
  })
  if (task === undefined) throw new Error('The pool has no task.')
  return encodeId('Task', task.id)
}

const tasks = await Promise.all(counts.map(claimedTask))
await books.rows({ text: 'VACUUM ANALYZE' })
await books.rows({ text: 'CHECKPOINT' })
await using client = new Client({ url: await startServer(bench), key: bench.key })

/** Milliseconds of one mutation, after which all codes of the task are void, or none are. */
async function timeOf(act: 'void' | 'unvoid', side: number): Promise<number> {
  const name = act === 'void' ? 'VoidCodes' : 'UnvoidCodes'
  const start = performance.now()
  const { result } = await client.ask<{ result: { count: string } }>(
    `mutation ($input: ${name}Input!) {
      result: ${act}Codes(input: $input) { ... on ${name}Payload { count: ${act}edCount } }
    }`,
    { input: { select: { taskId: tasks[side] } } },
  )
  const time = performance.now() - start
  if (Number(result.count) !== counts[side]) throw new Error(`Only ${result.count} codes were changed.`)
  return time
}

/** Of both acts in turn, the milliseconds of one. */
async function timeOfOne(act: 'void' | 'unvoid', side: number): Promise<number> {
  const times = { void: await timeOf('void', side), unvoid: await timeOf('unvoid', side) }
  return times[act]
}

console.log(`From the request to the answer, one client, median of ${rounds}`)
for (const act of ['void', 'unvoid'] as const)
  await showComparison(
    { rounds, unit: 'ms', target: { atMost: 1.2 } },
    { what: `${act} a million codes`, figure: () => timeOfOne(act, 0) },
    { what: `${act} a thousand codes`, figure: () => timeOfOne(act, 1) },
  )
