import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import { TaskFinishedError } from '../../../src/domain/books/errors.ts'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { failGeneration, generateCodes, runGeneration } from '../../../src/domain/generation/generation.ts'
import {
  cancelTask,
  markFailed,
  markGenerationCompleted,
  markRunning,
  markUndone,
  markUploadCompleted,
  readTask,
} from '../../../src/domain/generation/task.ts'
import { lockPool } from '../../../src/domain/pool/pool.ts'
import { completeUpload, undoUpload } from '../../../src/domain/upload/finish.ts'
import { markWaitingForClearing } from '../../../src/domain/upload/queue.ts'
import { openLog } from '../../../src/log.ts'
import { fill, newFormat, newPool, newSmallFormat, type Place, useBooks } from '../../support/books.ts'
import { addCodes, newCodes, startUpload, upload } from '../../support/uploads.ts'

const test = useBooks()
let place: Place
let books: Books
let accountId: string
/** The entries of the log. */
const entries: unknown[] = []

beforeAll(async () => {
  accountId = test.accountId
  const log = openLog({ base: null }, { write: (line) => void entries.push(JSON.parse(line)) })
  books = await test.another({ log })
  place = { books, accountId }
})
beforeEach(() => {
  entries.length = 0
})

/** An entry at level info. */
function entry(msg: string, fields: object) {
  return { level: 30, time: expect.any(Number), msg, accountId, ...fields }
}

describe('the log', () => {
  const duration = expect.any(Number)

  it('has the start and the end of a generation, with the count added and the duration', async () => {
    const [poolId, formatId] = [await newPool(place), await newFormat(place)]
    const taskId = await generateCodes(books, accountId, { poolId, formatId, quantity: 20n })
    expect(entries).toEqual([])
    await runGeneration(books, { accountId, taskId })
    await runGeneration(books, { accountId, taskId })
    const subject = { taskId, kind: 'GENERATION', trigger: 'MANUAL', quantity: '20' }
    expect(entries).toEqual([
      entry('task started', { ...subject, waitedMs: duration }),
      entry('task completed', { ...subject, added: '20', durationMs: duration }),
    ])
    const { startedAt, finishedAt } = (await readTask(books, accountId, taskId)) ?? {}
    expect(entries[1]).toMatchObject({ durationMs: Number(finishedAt) - Number(startedAt) })
  })

  it('has a refill made by a claim', async () => {
    const formatId = await newFormat(place)
    const settings = { formatId, quantity: 10n, autoGenerate: true, refillThreshold: 2n }
    const poolId = await newPool(place, settings)
    const claims = new Claims(books)
    await claims.claim(accountId, { poolId, count: 7 })
    entries.length = 0
    await claims.claim(accountId, { poolId, count: 1 })
    await claims.claim(accountId, { poolId, count: 1 })
    const subject = { kind: 'GENERATION', trigger: 'AUTO_GENERATE', taskId: expect.any(String) }
    expect(entries).toEqual([
      entry('task completed', { ...subject, quantity: '10', added: '10', durationMs: 0 }),
    ])
  })

  it('warns of a pool that runs low, cannot be refilled, or runs empty, and says which', async () => {
    const claims = new Claims(books)
    const told = () => entries.splice(0).filter((line) => !JSON.stringify(line).includes('task '))
    const poolId = await newPool(place, {
      formatId: await newSmallFormat(place, 24),
      quantity: 100n,
      autoGenerate: true,
      refillThreshold: 5n,
    })
    const warnings = async (count: number) => {
      await claims.claim(accountId, { poolId, count })
      return told()
    }
    const warning = (msg: string) => ({ ...entry(msg, { poolId }), level: 40 })
    expect(told()).toEqual([warning('a pool could not be refilled')])
    expect(await warnings(18)).toEqual([])
    expect(await warnings(1)).toEqual([warning('a pool is low')])
    expect(await warnings(5)).toEqual([warning('a pool is empty')])
  })

  it('has the number of rows of an upload, and that it was undone', async () => {
    const poolId = await newPool(place)
    const [code = ''] = newCodes(1)
    const taskId = await upload(place, poolId, [code, code, ...newCodes(2)])
    await undoUpload(books, accountId, taskId)
    const subject = { taskId, kind: 'UPLOAD', trigger: 'MANUAL' }
    expect(entries).toEqual([
      entry('task started', { ...subject, waitedMs: duration }),
      entry('task completed', { ...subject, rows: '4', added: '3', durationMs: duration }),
      entry('upload undone', { ...subject, rows: '4', added: '0' }),
      { ...entry('a pool is empty', { poolId }), level: 40 },
    ])
  })

  it('has cancellations and failures, without the message of a failure, which may quote a file', async () => {
    const [poolId, formatId] = [await newPool(place), await newFormat(place)]
    const cancelled = await generateCodes(books, accountId, { poolId, formatId, quantity: 1n })
    const failed = await startUpload(place, poolId)
    entries.length = 0
    await cancelTask(books, accountId, cancelled)
    await books.write(accountId, async (tx) => {
      await lockPool(tx, poolId)
      await markFailed(tx, failed, { code: 'UNREADABLE_FILE', message: 'Row 1 is SECRET-CODE.' })
    })
    const generation = { taskId: cancelled, kind: 'GENERATION', trigger: 'MANUAL', quantity: '1' }
    const failure = { failureCode: 'UNREADABLE_FILE', durationMs: duration }
    expect(entries).toEqual([
      entry('task cancelled', { ...generation, added: '0' }),
      entry('task failed', {
        ...{ taskId: failed, kind: 'UPLOAD', trigger: 'MANUAL', rows: '0', added: '0' },
        ...failure,
      }),
    ])
  })

  it('has no entry of a transaction that was rolled back', async () => {
    const [poolId, formatId] = [await newPool(place), await newFormat(place)]
    const taskId = await generateCodes(books, accountId, { poolId, formatId, quantity: 1n })
    const rolledBack = books.write(accountId, async (tx) => {
      await lockPool(tx, poolId)
      await markRunning(tx, taskId)
      throw new Error('no commit')
    })
    await expect(rolledBack).rejects.toThrow('no commit')
    expect(entries).toEqual([])
  })
})

describe('a task', () => {
  /** Attempts every transition. Resolves to the names of those that have taken place. */
  async function attempt(taskId: string): Promise<string[]> {
    const failure = { code: 'INTERNAL', message: 'No.' } as const
    const transitions = {
      markRunning,
      markGenerationCompleted,
      markUploadCompleted,
      markUndone,
      markFailed: (tx: Parameters<typeof markRunning>[0], id: string) => markFailed(tx, id, failure),
    }
    const possible: string[] = []
    for (const [name, transition] of Object.entries(transitions)) {
      const attempted = books.write(accountId, async (tx) => {
        if ((await transition(tx, taskId)) !== undefined) possible.push(name)
        throw new Error('no commit')
      })
      await expect(attempted).rejects.toThrow('no commit')
    }
    return possible
  }

  it('changes its status only by the transitions of its kind', async () => {
    const [poolId, formatId] = [await newPool(place), await newSmallFormat(place, 10)]
    const generate = () => generateCodes(books, accountId, { poolId, formatId, quantity: 1n })
    const start = (taskId: string) => books.write(accountId, (tx) => markRunning(tx, taskId))
    const [completed, waiting, running, cancelled, failed] = [
      await fill(place, poolId, formatId, 1n),
      await generate(),
      await generate(),
      await generate(),
      await generate(),
    ]
    await start(running)
    await cancelTask(books, accountId, cancelled)
    await failGeneration(books, { accountId, taskId: failed })
    const [reading, uploaded, undone] = [
      await startUpload(place, poolId),
      await upload(place, poolId, newCodes(1)),
      await upload(place, poolId, newCodes(1)),
    ]
    await undoUpload(books, accountId, undone)

    expect(await attempt(waiting)).toEqual(['markRunning', 'markFailed'])
    expect(await attempt(running)).toEqual(['markGenerationCompleted', 'markFailed'])
    expect(await attempt(reading)).toEqual(['markUploadCompleted', 'markFailed'])
    expect(await attempt(uploaded)).toEqual(['markUndone'])
    for (const ended of [completed, cancelled, failed, undone]) expect(await attempt(ended)).toEqual([])
    for (const ended of [completed, failed, uploaded, undone])
      await expect(cancelTask(books, accountId, ended)).rejects.toThrow(TaskFinishedError)
  })

  it('waits for no clearing once it has ended', async () => {
    const poolId = await newPool(place)
    const failure = { code: 'INTERNAL', message: 'No.' } as const
    const ends: ((taskId: string) => Promise<unknown>)[] = [
      (taskId) => completeUpload(books, { accountId, taskId }),
      (taskId) => books.write(accountId, (tx) => markFailed(tx, taskId, failure)),
      (taskId) => cancelTask(books, accountId, taskId),
    ]
    for (const end of ends) {
      const taskId = await startUpload(place, poolId)
      await markWaitingForClearing(books, { accountId, taskId })
      await end(taskId)
      const [row] = await books.rows({ text: 'SELECT * FROM task WHERE id = $1', values: [taskId] })
      expect(row).toMatchObject({ waits_for_clearing: false })
    }
  })
})

describe('the key of the request that created a task', () => {
  const [creator, another] = [randomUUID(), randomUUID()]

  /** The actors of the events of a pool, oldest first. */
  async function actors(poolId: string): Promise<(string | undefined)[]> {
    const events = await readHistory(books, accountId, { poolId, limit: 100, fromOldest: true })
    return events.reverse().map((event) => event.actorId)
  }

  it('is behind what workers do on it', async () => {
    const [poolId, formatId] = [await newPool(place), await newFormat(place)]
    const input = { poolId, formatId, quantity: 1n }
    const taskId = await generateCodes(books.actingAs(creator), accountId, input)
    await runGeneration(books, { accountId, taskId })
    const failing = await generateCodes(books.actingAs(creator), accountId, input)
    await failGeneration(books, { accountId, taskId: failing })
    await upload({ ...place, books: books.actingAs(creator) }, poolId, newCodes(1))
    const [created, ...others] = await actors(poolId)
    expect(created).toBeUndefined()
    expect(others).toEqual(Array.from({ length: 10 }, () => creator))
  })

  it('completes uploads, too', async () => {
    const poolId = await newPool(place)
    const taskId = await startUpload({ ...place, books: books.actingAs(creator) }, poolId)
    await addCodes(place, taskId, newCodes(1))
    await completeUpload(books, { accountId, taskId })
    expect((await actors(poolId)).slice(1)).toEqual([creator, creator, creator, creator])
  })

  it('is not behind what another key does with it', async () => {
    const [poolId, formatId] = [await newPool(place), await newFormat(place)]
    const input = { poolId, formatId, quantity: 1n }
    const taskId = await generateCodes(books.actingAs(creator), accountId, input)
    await cancelTask(books.actingAs(another), accountId, taskId)
    const uploaded = await upload(place, poolId, newCodes(1))
    await undoUpload(books.actingAs(another), accountId, uploaded)
    const told = await actors(poolId)
    expect(told.slice(1, 3)).toEqual([creator, another])
    // That the upload is undone, and that the pool is empty.
    expect(told.slice(-2)).toEqual([another, another])
  })
})
