import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { DatabaseUnavailableError } from '../../src/database/errors.ts'
import { Reach } from '../../src/database/reach.ts'
import { LogLines } from '../support/log-lines.ts'

afterEach(() => {
  vi.useRealTimers()
})

const accountId = '00000000-0000-0000-0000-000000000001'
const lost = new DatabaseUnavailableError(new Error('Connection terminated'))

/** A database whose answer to all that it is asked is an error. */
function failingReach(error: Error) {
  const connections = new pg.Pool()
  vi.spyOn(connections, 'query').mockImplementation(() => {
    throw error
  })
  const log = new LogLines('info')
  return { reach: new Reach({ connections, log: log.log }), log }
}

it('takes no account for lost if it cannot find out, and logs why', async () => {
  for (const code of ['55P03', '57014', 'XX000', '55000']) {
    const { reach, log } = failingReach(Object.assign(new Error('No.'), { code }))
    expect(await reach.isLost(accountId, lost)).toBe(false)
    expect(log.lines).toMatchObject([{ accountId, err: { code } }])
  }
  const { reach, log } = failingReach(lost)
  expect(await reach.isLost(accountId, lost)).toBe(false)
  expect(log.lines).toEqual([])
})

it('looks for nodes in the background, and logs why it cannot', async () => {
  const { reach, log } = failingReach(Object.assign(new Error('No.'), { code: '55P03' }))
  expect(reach.tryNodes()).toBeUndefined()
  await log.line(({ msg }) => msg.includes('could not find out'))
  expect(reach.nodesAway()).toEqual([])
})

/** A distributed database with one node, which is away. */
function reachOfNode() {
  const node = 'n1:5432'
  /** What counting its accounts comes to. */
  const counted = Promise.withResolvers<number>()
  const database = { isAway: true, countings: 0 }
  const answer = async (text: string, values: unknown[] = []): Promise<object[]> => {
    if (text.includes("to_regclass('pg_catalog")) return [{ value: true }]
    if (text.includes('FROM pg_dist_partition')) return [{}]
    if (text.includes('FROM unnest')) return [values].flat(2).map((id) => ({ accountId: id, node }))
    if (text.includes('FROM event_log') && database.isAway) throw lost
    if (!text.includes('count(*)')) return []
    database.countings++
    return [{ accounts: await counted.promise }]
  }
  const connections = new pg.Pool()
  vi.spyOn(connections, 'query').mockImplementation((async ({ text, values }: pg.QueryConfig) => ({
    rows: await answer(text, values),
  })) as never)
  const log = new LogLines('info')
  const reach = new Reach({ connections, log: log.log })
  const lose = () => reach.isLost(accountId, lost)
  return { node, database, counted, reach, log, lose }
}

describe('a node that has gone', () => {
  it('is reported once, whoever notices at the same time, with how many accounts it has', async () => {
    const { node, counted, reach, log, lose } = reachOfNode()
    const losses = Promise.all([lose(), lose(), reach.eachNode([accountId], () => Promise.reject(lost))])
    await expect
      .poll(() => reach.nodesAway())
      .toEqual([{ node, accounts: undefined, since: expect.any(Date) }])
    const [before] = reach.nodesAway()
    counted.resolve(3)
    expect(await losses).toEqual([true, true, undefined])
    expect(reach.nodesAway()).toEqual([{ node, accounts: 3, since: before?.since }])
    expect(log.lines).toMatchObject([{ msg: expect.stringContaining('is away'), node, accounts: 3 }])
  })

  it('is not away any more when it has come back while its accounts were counted', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { database, counted, reach, log, lose } = reachOfNode()
    const loss = lose()
    await expect.poll(() => database.countings).toBe(1)
    database.isAway = false
    vi.advanceTimersByTime(1_000)
    expect(await reach.has(accountId)).toBe(false)
    await expect.poll(() => reach.has(accountId)).toBe(true)
    counted.resolve(3)
    expect(await loss).toBe(true)
    expect(reach.nodesAway()).toEqual([])
    await log.line(({ msg }) => msg.includes('is back'))
    expect(log.lines.map(({ msg }) => msg)).toEqual([
      expect.stringContaining('is away'),
      expect.stringContaining('is back'),
    ])
  })

  it('is reported without the number if it cannot be counted', async () => {
    const slow = reachOfNode()
    slow.counted.reject(new Error('Query read timeout'))
    expect(await slow.lose()).toBe(true)
    expect(slow.log.lines).toMatchObject([{ msg: expect.stringContaining('is away') }])
    const wrong = reachOfNode()
    wrong.counted.reject(Object.assign(new Error('No.'), { code: '42P01' }))
    expect(await wrong.lose()).toBe(true)
    expect(wrong.log.lines).toMatchObject([
      { msg: expect.stringContaining('could not count'), err: { code: '42P01' } },
      { msg: expect.stringContaining('is away') },
    ])
    for (const { reach, node } of [slow, wrong])
      expect(reach.nodesAway()).toMatchObject([{ node, accounts: undefined }])
  })
})
