import { v7 as newId } from 'uuid'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { saveReplenishment } from '../../../src/domain/generation/replenishment.ts'
import { insertUploadTask, markRunning, readTasks } from '../../../src/domain/generation/task.ts'
import { followPools } from '../../../src/domain/pool/live-pools.ts'
import { type PoolState, renamePool } from '../../../src/domain/pool/pool.ts'
import type { RowPoller } from '../../../src/domain/subscription/row-poller.ts'
import { completeUpload } from '../../../src/domain/upload/finish.ts'
import { followUploads } from '../../../src/domain/upload/live-uploads.ts'
import { markWaitingForClearing } from '../../../src/domain/upload/queue.ts'
import {
  fill,
  newFormat,
  newPlace,
  newPool,
  type Place,
  poolNow,
  silent,
  useBooks,
} from '../../support/books.ts'
import { isDistributed } from '../../support/database.ts'
import { startUpload } from '../../support/uploads.ts'

const test = useBooks()

// The test controls the clock of the row pollers.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  return () => {
    vi.useRealTimers()
  }
})

/** A follower of a pool that has got its current state. */
async function follow(pools: RowPoller<PoolState>, poolId: string, place: Place = test) {
  const leaving = new AbortController()
  onTestFinished(() => leaving.abort())
  const states = pools.follow(await poolNow(place, poolId), leaving.signal)
  const first = await states.next()
  expect(first.value).toMatchObject({ id: poolId })
  return { states, leave: () => leaving.abort() }
}

function openPoller(): RowPoller<PoolState> {
  const pools = followPools(test.books, silent)
  onTestFinished(() => pools.close())
  return pools
}

describe('a follower of a pool', () => {
  it('gets its counts, settings and name at the next poll after a change', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    const claims = new Claims(test.books)
    const { states } = await follow(openPoller(), poolId)
    const changes: [() => Promise<unknown>, object][] = [
      [() => fill(test, poolId, formatId, 5n), { total: 5n, claimed: 0n }],
      [
        async () => {
          for (let i = 0; i < 3; i++) await claims.claim(test.accountId, { poolId, count: 1 })
        },
        { total: 5n, claimed: 3n },
      ],
      [
        () =>
          saveReplenishment(test.books, test.accountId, {
            poolId,
            method: 'GENERATE',
            formatId,
            autoGenerate: false,
            refillThreshold: 1n,
          }),
        { formatId },
      ],
      [
        () => renamePool(test.books, test.accountId, { poolId, name: 'Another name' }),
        { name: 'Another name' },
      ],
    ]
    for (const [change, expected] of changes) {
      const next = states.next()
      await change()
      vi.advanceTimersByTime(1_000)
      expect((await next).value).toMatchObject(expected)
    }
  })

  it('gets each of several pools, which are read together, whatever their accounts', async () => {
    const places = [test, test, await newPlace(test)]
    const all = await Promise.all(
      places.map(async (place) => ({
        place,
        poolId: await newPool(place),
        formatId: await newFormat(place),
      })),
    )
    const pools = openPoller()
    const followers = await Promise.all(
      [...all, ...all].map(({ place, poolId }) => follow(pools, poolId, place)),
    )
    const next = followers.map(({ states }) => states.next())
    for (const [i, { place, poolId, formatId }] of all.entries())
      await fill(place, poolId, formatId, BigInt(i + 1))
    const reads = vi.spyOn(test.books.connections, 'query')
    vi.advanceTimersByTime(1_000)
    const seen = await Promise.all(next)
    expect(seen.map(({ value }) => Number(value?.total))).toEqual([1, 2, 3, 1, 2, 3])
    // Notifications of what `fill` has committed may still be in flight on the same connections.
    const ofPools = reads.mock.calls.filter(([statement]) => JSON.stringify(statement).includes('FROM pool'))
    // On a distributed database, those on each node together.
    if (!isDistributed()) expect(ofPools).toHaveLength(1)
    reads.mockRestore()
  })

  it('ends at once when it leaves, and does not affect others', async () => {
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    const pools = openPoller()
    const [stays, goes] = [await follow(pools, poolId), await follow(pools, poolId)]
    const [kept, left] = [stays.states.next(), goes.states.next()]
    goes.leave()
    expect(await left).toEqual({ done: true, value: undefined })
    await fill(test, poolId, formatId, 1n)
    vi.advanceTimersByTime(1_000)
    expect(Number((await kept).value?.total)).toBe(1)
  })
})

describe('a follower of an upload', () => {
  it('gets what the upload waits for whenever that changes', async () => {
    const { books, accountId } = test
    const poolId = await newPool(test)
    const earlier = await startUpload(test, poolId)
    const taskId = newId()
    await books.write(accountId, (tx) =>
      insertUploadTask(tx, { id: taskId, poolId, column: undefined, dryRun: false, bytes: 1n }),
    )
    const tasks = followUploads(books, silent)
    const leaving = new AbortController()
    onTestFinished(async () => {
      leaving.abort()
      await tasks.close()
    })
    const [task] = await readTasks(books, accountId, [taskId])
    if (task === undefined) throw new Error('The task was not inserted.')
    const states = tasks.follow({ ...task, waitingFor: 'EARLIER_UPLOAD' }, leaving.signal)
    await states.next()
    const start = () => books.write(accountId, (tx) => markRunning(tx, taskId))
    const changes: [() => Promise<unknown>, string | undefined][] = [
      [() => completeUpload(books, { accountId, taskId: earlier }), 'WORKER'],
      [start, undefined],
      [() => markWaitingForClearing(books, { accountId, taskId }), 'CLEARING'],
      [() => completeUpload(books, { accountId, taskId }), undefined],
    ]
    for (const [change, expected] of changes) {
      const next = states.next()
      await change()
      vi.advanceTimersByTime(1_000)
      expect((await next).value?.waitingFor).toBe(expected)
    }
  })
})
