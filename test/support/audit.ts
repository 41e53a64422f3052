import { expect } from 'vitest'
import type { Place } from './books.ts'

/**
 * Holds everything that must be true of an account's books, at any time that nobody writes in them: each pool's
 * batches and claims tile its line, each format's batches tile its indices, each counter is the sum of its rows,
 * each task ended as its batch and its events say, and the event log has no gaps.
 */
export async function expectBalance(place: Place): Promise<void> {
  expect(await findImbalances(place)).toEqual([])
}

async function findImbalances({ books, accountId }: Place): Promise<string[]> {
  const read = (text: string) => books.rows<Row>({ text, values: [accountId] })
  const pools = await read('SELECT id, total, claimed FROM pool WHERE account_id = $1')
  const formats = await read(
    'SELECT id, capacity, next, reserved, taken_ahead, generated FROM format WHERE account_id = $1',
  )
  const batches = await read(
    'SELECT pool_id, start, count, format_id, first, task_id FROM batch WHERE account_id = $1',
  )
  const claims = await read('SELECT pool_id, first, count FROM claim WHERE account_id = $1')
  const tasks = await read(
    'SELECT id, pool_id, format_id, status, quantity, generated, added FROM task WHERE account_id = $1 ORDER BY id',
  )
  const keys = await read(
    `SELECT pool_id, first FROM idempotency WHERE account_id = $1 AND operation = 'claimCodes'`,
  )
  const events = await read(
    'SELECT sequence, pool_id, kind, payload FROM event WHERE account_id = $1 ORDER BY sequence',
  )
  const [log] = await read('SELECT last, floor FROM event_log WHERE account_id = $1')
  if (log === undefined) return ['the account has no event log']

  const found: string[] = []
  const check = (holds: boolean, what: string) => {
    if (!holds) found.push(what)
  }
  for (const pool of pools) {
    const lines = batches.filter((batch) => batch['pool_id'] === pool['id'])
    const handed = claims.filter((claim) => claim['pool_id'] === pool['id'])
    check(
      tiled(lines, 'start') === int(pool['total']),
      `the batches of pool ${pool['id']} do not tile its line`,
    )
    check(tiled(handed, 'first') === int(pool['claimed']), `the claims of pool ${pool['id']} do not tile`)
    check(int(pool['claimed']) <= int(pool['total']), `pool ${pool['id']} handed out more than it had`)
  }
  for (const format of formats) {
    const { id } = format
    const used = batches.filter((batch) => batch['format_id'] === id)
    const waiting = tasks.filter((task) => task['format_id'] === id && isUnfinished(task))
    const promised = waiting.reduce((sum, task) => sum + int(task['quantity']), 0n)
    const gone = int(format['next']) + int(format['reserved']) + int(format['taken_ahead'])
    check(tiled(used, 'first') === int(format['next']), `the batches of format ${id} do not tile its indices`)
    check(int(format['generated']) === int(format['next']), `format ${id} did not count what it generated`)
    check(int(format['reserved']) === promised, `format ${id} reserves other than its tasks wait for`)
    check(gone <= int(format['capacity']), `format ${id} gave more than it has`)
  }
  for (const task of tasks) {
    const { id, status } = task
    const own = batches.filter((batch) => batch['task_id'] === id)
    const done = status === 'COMPLETED' ? int(task['quantity']) : 0n
    const added = own.reduce((sum, batch) => sum + int(batch['count']), 0n)
    check(added === done && own.length === (done > 0n ? 1 : 0), `task ${id}, ${status}, has added ${added}`)
    check(
      int(task['generated']) === done && int(task['added']) === done,
      `task ${id} did not count its codes`,
    )
    const told = events.filter(
      (event) => event['kind'] === 'TASK_STATUS_CHANGED' && payload(event)['taskId'] === id,
    )
    const last = told.at(-1)
    check(
      last !== undefined && payload(last)['status'] === status,
      `the last event of task ${id} is not its status`,
    )
    const refills = events.filter(
      (event) => event['kind'] === 'POOL_REFILLED' && payload(event)['taskId'] === id,
    )
    check(refills.length === own.length, `task ${id} has ${refills.length} events of a refill`)
  }
  for (const key of keys)
    check(
      claims.some((claim) => claim['pool_id'] === key['pool_id'] && claim['first'] === key['first']),
      'a key leads to a claim that does not exist',
    )
  const floor = int(log['floor'])
  check(
    events.every((event, i) => int(event['sequence']) === floor + BigInt(i) + 1n) &&
      floor + BigInt(events.length) === int(log['last']),
    'the event log has gaps',
  )
  return found
}

type Row = Record<string, unknown>

/** Where intervals end that begin at 0 and leave no gap; nothing when they do not. */
function tiled(intervals: readonly Row[], start: string): bigint | undefined {
  const sorted = intervals.toSorted((a, b) => (int(a[start]) < int(b[start]) ? -1 : 1))
  let end = 0n
  for (const interval of sorted) {
    if (int(interval[start]) !== end) return undefined
    end += int(interval['count'])
  }
  return end
}

function int(value: unknown): bigint {
  return BigInt(String(value))
}

function isUnfinished(task: Row): boolean {
  return task['status'] === 'AWAITING_EXECUTION' || task['status'] === 'RUNNING'
}

function payload(event: Row): Row {
  return event['payload'] as Row
}
