import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Semaphore } from '../../../src/async/semaphore.ts'
import { connectionConfig } from '../../../src/database/open.ts'
import type { Books } from '../../../src/domain/books/books.ts'
import { readEventsAfter, readLog } from '../../../src/domain/books/event-log.ts'
import { cancelTask } from '../../../src/domain/generation/task.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { readUploadWaits } from '../../../src/domain/upload/queue.ts'
import { receiveUpload } from '../../../src/domain/upload/receive.ts'
import { AccountLock } from '../../../src/worker/uploads/account-lock.ts'
import { AccountUploads } from '../../../src/worker/uploads/account-uploads.ts'
import { UploadWorker } from '../../../src/worker/uploads/upload-worker.ts'
import { expectBalance } from '../../support/audit.ts'
import {
  newAccount,
  newPool,
  openBooks,
  type Place,
  poolNow,
  silent,
  type TestBooks,
  useBooks,
} from '../../support/books.ts'
import { runSql } from '../../support/database.ts'
import { openProxy } from '../../support/proxy.ts'
import { codesFile } from '../../support/upload-api.ts'

// The machine may be busy: two dozen chunks of other accounts then take half a minute. A chunk takes several times as long as the
// interval.
const patiently = { timeout: 50_000, interval: 20 }
// Four chunks. An upload is interrupted after some chunk, at most three times.
const long = 40_000

const shared = useBooks()

afterAll(async () => {
  await expectBalance(shared)
})

interface OwnPlace extends Place {
  poolId: string
}

async function place(books = shared.books): Promise<OwnPlace> {
  const accountId = await newAccount(books)
  return { books, accountId, poolId: await newPool({ books, accountId }) }
}

/** A worker that the database cannot tell from one in another process. */
function startWorker(
  books: Books = shared.books,
  options: { url?: string; log?: typeof silent; shareMs?: number } = {},
) {
  const { url = shared.databaseUrl, log = silent, shareMs = 10_000 } = options
  const connection = connectionConfig(url)
  const worker = new UploadWorker({ books, connection, maxBytes: 100_000_000, shareMs, log })
  return Object.assign(worker, { [Symbol.asyncDispose]: () => worker.close() })
}

const newName = () => randomUUID().slice(0, 13)

async function send({ books, accountId, poolId }: OwnPlace, file: string): Promise<string> {
  async function* bytes() {
    for (let from = 0; from < file.length; from += 65_536) yield Buffer.from(file.slice(from, from + 65_536))
  }
  const input = { poolId, dryRun: false }
  return (await receiveUpload(books, accountId, input, bytes(), 100_000_000)).taskId
}

interface Row {
  status: string
  read: number
  accepted: number
  added: number
  duplicates: number
  hasWork: boolean
  failure: string | null
}

async function read(taskId: string, books = shared.books): Promise<Row> {
  const [row] = await books.rows<Row>({
    text: `
      SELECT status, rows_read::int AS read, accepted::int, added::int, has_work AS "hasWork", failure_code AS failure,
        (duplicates_in_file + duplicates_in_account)::int AS duplicates
      FROM task WHERE id = $1`,
    values: [taskId],
  })
  if (row === undefined) throw new Error('There is no such task.')
  return row
}

/** Resolves when the upload is in the middle of its file. */
async function halfway(taskId: string): Promise<void> {
  await expect.poll(async () => (await read(taskId)).read, patiently).toBeGreaterThan(0)
  expect(await read(taskId)).toMatchObject({ status: 'RUNNING' })
}

/** Resolves when the upload has no work left, to how it ended. */
async function cleared(taskId: string, books = shared.books): Promise<Row> {
  await expect.poll(async () => (await read(taskId, books)).hasWork, patiently).toBe(false)
  return await read(taskId, books)
}

/** The number of rows that an upload has in other tables. */
async function rowsOf(taskId: string): Promise<{ pieces: number; codes: number }> {
  const [row] = await shared.books.rows<{ pieces: number; codes: number }>({
    text: `
      SELECT (SELECT count(*)::int FROM upload_piece WHERE task_id = $1) AS pieces,
        (SELECT count(*)::int FROM uploaded_code WHERE task_id = $1) AS codes`,
    values: [taskId],
  })
  if (row === undefined) throw new Error('Nothing was counted.')
  return row
}

async function expectWhole(own: OwnPlace, taskId: string, rows = long): Promise<void> {
  expect(await cleared(taskId)).toMatchObject({
    status: 'COMPLETED',
    read: rows,
    accepted: rows,
    added: rows,
    duplicates: 0,
  })
  expect(await rowsOf(taskId)).toEqual({ pieces: 0, codes: rows })
  expect((await poolNow(own, own.poolId)).total).toBe(BigInt(rows))
}

describe('an interrupted upload resumes where it was', () => {
  test('in another worker, when its worker is closed', async () => {
    const own = await place()
    const taskId = await send(own, codesFile(newName(), long))
    const first = startWorker()
    await halfway(taskId)
    await first.close()
    const { status, read: reached } = await read(taskId)
    expect(status).toBe('RUNNING')
    expect(reached).toBeLessThan(long)
    await using _second = startWorker(await shared.another())
    await expectWhole(own, taskId)
  })

  test('in any worker, when the connection that holds the lock is lost', async () => {
    const own = await place()
    const taskId = await send(own, codesFile(newName(), long))
    await using _first = startWorker()
    await using _second = startWorker(await shared.another())
    for (let time = 0; time < 3; time++) {
      const { read: before } = await read(taskId)
      // On a busy machine the upload may have been faster than this test.
      if (time > 0 && before === long) break
      await expect.poll(async () => (await read(taskId)).read, patiently).toBeGreaterThan(before)
      // Only uploads in progress hold such a lock in this database.
      const ended = await runSql<{ ended: boolean }>(
        shared.databaseUrl,
        `SELECT pg_terminate_backend(pid) AS ended FROM pg_locks
         WHERE locktype = 'advisory' AND granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      )
      if (time === 0) expect(ended).not.toEqual([])
    }
    await expectWhole(own, taskId)
  })

  test('when the database goes away and comes back', async () => {
    const own = await place()
    const taskId = await send(own, codesFile(newName(), long))
    await using proxy = await openProxy(shared.databaseUrl)
    await using _worker = startWorker(await shared.another({ url: proxy.url }), { url: proxy.url })
    await halfway(taskId)
    proxy.breakDown()
    expect((await read(taskId)).status).toBe('RUNNING')
    proxy.mend()
    await expectWhole(own, taskId)
  })

  test('when a COMMIT is not answered', async () => {
    const own = await place()
    // There are still some to come after the second, also if this test is late.
    const rows = 2 * long
    const taskId = await send(own, codesFile(newName(), rows))
    await using proxy = await openProxy(shared.databaseUrl)
    await using _worker = startWorker(await shared.another({ url: proxy.url }), { url: proxy.url })
    for (const fate of ['unanswered', 'lost'] as const) {
      const { read: before } = await read(taskId)
      await expect.poll(async () => (await read(taskId)).read, patiently).toBeGreaterThan(before)
      await proxy.cutCommit(fate)
    }
    await expectWhole(own, taskId, rows)
  })
})

describe('a cancelled upload', () => {
  test('stops in the middle of its file, and its codes can be uploaded again', async () => {
    const own = await place()
    const file = codesFile(newName(), long)
    await using _worker = startWorker()
    const taskId = await send(own, file)
    await halfway(taskId)
    await cancelTask(own.books, own.accountId, taskId)
    const again = await send(own, file)
    const row = await cleared(taskId)
    expect(row).toMatchObject({ status: 'CANCELLED', added: 0 })
    expect(row.read).toBeLessThan(long)
    expect(await rowsOf(taskId)).toEqual({ pieces: 0, codes: 0 })
    await expectWhole(own, again)
  })

  test('never starts if it had not started', async () => {
    const own = await place()
    const taskId = await send(own, codesFile(newName(), 10))
    await cancelTask(own.books, own.accountId, taskId)
    await using _worker = startWorker()
    expect(await cleared(taskId)).toMatchObject({ status: 'CANCELLED', read: 0 })
    expect(await rowsOf(taskId)).toEqual({ pieces: 0, codes: 0 })
  })
})

test('an undone upload is cleared away before the next file of its account needs its codes', async () => {
  const own = await place()
  // More than are cleared away in one transaction.
  const rows = 12_000
  const file = codesFile(newName(), rows)
  await using _worker = startWorker()
  const first = await send(own, file)
  expect(await cleared(first)).toMatchObject({ status: 'COMPLETED', added: rows })
  await undoUpload(own.books, own.accountId, first)
  const second = await send(own, file)
  expect(await cleared(second)).toMatchObject({ status: 'COMPLETED', added: rows, duplicates: 0 })
  expect(await rowsOf(first)).toEqual({ pieces: 0, codes: 0 })
})

test('an upload waits for the clearing of an undone one only if they share codes, and says so', async () => {
  const own = await place()
  const { accountId } = own
  const file = codesFile(newName(), 20)
  const undone = await send(own, file)
  {
    await using _worker = startWorker()
    expect(await cleared(undone)).toMatchObject({ status: 'COMPLETED', added: 20 })
  }
  await undoUpload(own.books, accountId, undone)
  const waitOf = async (taskId: string) => (await readUploadWaits(own.books, accountId, [taskId])).get(taskId)
  const [unrelated, related] = [await send(own, codesFile(newName(), 10)), await send(own, file)]
  expect([await waitOf(unrelated), await waitOf(related)]).toEqual(['WORKER', 'EARLIER_UPLOAD'])
  await using _worker = await own.books.write(accountId, async (tx) => {
    // While this holds the row, nobody can clear the upload away.
    await tx.rows({
      text: 'SELECT 1 FROM task WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE',
      values: [accountId, undone],
    })
    const worker = startWorker(await shared.another())
    await expect.poll(async () => (await read(unrelated)).status, patiently).toBe('COMPLETED')
    await expect.poll(() => waitOf(related), patiently).toBe('CLEARING')
    expect(await read(related)).toMatchObject({ status: 'RUNNING', read: 0 })
    return worker
  })
  expect(await cleared(related)).toMatchObject({ status: 'COMPLETED', added: 20, duplicates: 0 })
  expect(await waitOf(related)).toBeUndefined()
  expect((await cleared(undone)).status).toBe('UNDONE')
  expect(await rowsOf(undone)).toEqual({ pieces: 0, codes: 0 })
})

test('a worker that has lost the lock of the account no longer notes what its upload waits for', async () => {
  const own = await place()
  const { books, accountId } = own
  const file = codesFile(newName(), 20)
  const undone = await send(own, file)
  {
    await using _worker = startWorker()
    expect(await cleared(undone)).toMatchObject({ status: 'COMPLETED' })
  }
  await undoUpload(books, accountId, undone)
  const taskId = await send(own, file)
  {
    await using lock = await AccountLock.acquire(connectionConfig(shared.databaseUrl), accountId)
    if (lock === undefined) throw new Error('Another worker has the lock.')
    const semaphore = new Semaphore(1)
    vi.spyOn(semaphore, 'run').mockImplementationOnce(async (work) => {
      try {
        // The first chunk, which is refused because the undone upload still has its codes.
        return await work()
      } finally {
        lock.isLost = true
      }
    })
    const options = { books, semaphore, maxBytes: 100_000_000, shareMs: 10_000, log: silent }
    await new AccountUploads(accountId, lock, {
      ...options,
      yieldShare: () => false,
      isClosed: () => false,
    }).run()
  }
  expect(await read(taskId)).toMatchObject({ status: 'RUNNING', read: 0 })
  expect((await readUploadWaits(books, accountId, [taskId])).get(taskId)).toBeUndefined()
  await using _worker = startWorker()
  expect(await cleared(taskId)).toMatchObject({ status: 'COMPLETED', added: 20 })
})

describe('several uploads', () => {
  test('of one account are read one after the other, oldest first, by any number of workers', async () => {
    const own = await place()
    const { last: sequence } = await readLog(own.books, own.accountId)
    // Two chunks, so that those of two files could alternate.
    const rows = 15_000
    const file = codesFile(newName(), rows)
    const tasks = [await send(own, file), await send(own, file), await send(own, file)]
    await using _first = startWorker()
    await using _second = startWorker(await shared.another())
    for (const taskId of tasks) await cleared(taskId)
    const events = await readEventsAfter(own.books, own.accountId, sequence, 100)
    const seen = events.flatMap((event) =>
      event.kind === 'TASK_STATUS_CHANGED' && event.payload.status !== 'AWAITING_EXECUTION'
        ? [`${tasks.indexOf(event.payload.taskId)} ${event.payload.status}`]
        : [],
    )
    expect(seen).toEqual([0, 1, 2].flatMap((task) => [`${task} RUNNING`, `${task} COMPLETED`]))
    expect((await read(tasks[0] ?? '')).added).toBe(rows)
    expect((await read(tasks[2] ?? '')).duplicates).toBe(rows)
  })

  test('of other accounts do not wait for one that is stuck', async () => {
    const [stuck, ...others] = [await place(), await place(), await place(), await place(), await place()]
    if (stuck === undefined) throw new Error('There is no account.')
    const name = newName()
    const blocked = await send(stuck, codesFile(newName(), 10))
    const tasks = await Promise.all(others.map((own) => send(own, codesFile(name, 10))))
    await shared.books.write(stuck.accountId, async (tx) => {
      // As a worker would whose transaction hangs.
      await tx.rows({
        text: `SELECT pg_advisory_xact_lock(hashtextextended('uploads of ' || $1, 0))`,
        values: [stuck.accountId],
      })
      await using _worker = startWorker(await shared.another())
      for (const taskId of tasks)
        expect(await cleared(taskId)).toMatchObject({ status: 'COMPLETED', added: 10 })
      expect(await read(blocked)).toMatchObject({ status: 'AWAITING_EXECUTION' })
    })
    await using _worker = startWorker()
    expect(await cleared(blocked)).toMatchObject({ status: 'COMPLETED', added: 10 })
  })
})

describe('a small upload does not wait for huge ones', () => {
  interface Work {
    own: OwnPlace
    taskId: string
  }

  // A database for each: the huge ones need not be cleared away.
  let crowded: TestBooks
  beforeEach(async () => {
    crowded = await openBooks()
  })
  afterEach(() => crowded.close())

  /** Sends a file with `rows` rows for each of `accounts` new accounts. */
  async function sendToEach(accounts: number, rows: number): Promise<Work[]> {
    const works: Work[] = []
    for (let i = 0; i < accounts; i++) {
      const own = await place(crowded.books)
      works.push({ own, taskId: await send(own, codesFile('c', rows)) })
    }
    return works
  }

  /** How many of them had finished when the upload `taskId` finished. */
  async function finishedBefore(works: readonly Work[], taskId: string): Promise<number> {
    const [row] = await runSql<{ count: number }>(
      crowded.databaseUrl,
      `SELECT count(*)::int FROM task
       WHERE id IN (${works.map((work) => `'${work.taskId}'`)})
         AND finished_at < (SELECT finished_at FROM task WHERE id = '${taskId}')`,
    )
    return row?.count ?? Number.NaN
  }

  test('while those of three other accounts are read; neither does the clearing of a cancelled one', async () => {
    const huge = await sendToEach(3, 150_000)
    const [small, cancelled] = (await sendToEach(2, 10)) as [Work, Work]
    await cancelTask(cancelled.own.books, cancelled.own.accountId, cancelled.taskId)
    await using _worker = startWorker(crowded.books, {
      url: crowded.databaseUrl,
      shareMs: Number.POSITIVE_INFINITY,
    })
    await cleared(cancelled.taskId, crowded.books)
    expect(await cleared(small.taskId, crowded.books)).toMatchObject({ status: 'COMPLETED', added: 10 })
    expect(await finishedBefore(huge, small.taskId)).toBe(0)
    for (const { taskId } of huge) expect(await read(taskId, crowded.books)).toMatchObject({ hasWork: true })
  }, 120_000)

  test('when more accounts have one than are worked on at the same time: each has its share', async () => {
    const huge = await sendToEach(7, 200_000)
    const [small] = (await sendToEach(1, 10)) as [Work]
    await using _worker = startWorker(crowded.books, { url: crowded.databaseUrl, shareMs: 0 })
    expect(await cleared(small.taskId, crowded.books)).toMatchObject({ status: 'COMPLETED', added: 10 })
    expect(await finishedBefore(huge, small.taskId)).toBe(0)
  }, 120_000)
})

describe('an upload that cannot be read', () => {
  test('because its file is incomplete fails, is logged, and does not hold up others', async () => {
    const own = await place()
    // Long enough for two pieces.
    const broken = await send(own, codesFile(newName().padEnd(50, '-'), 20_000))
    const fine = await send(own, codesFile(newName(), 10))
    await runSql(shared.databaseUrl, `DELETE FROM upload_piece WHERE task_id = '${broken}' AND number = 1`)
    const lines: string[] = []
    const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) })
    await using _worker = startWorker(shared.books, { log })
    expect(await cleared(broken)).toMatchObject({ status: 'FAILED', failure: 'INTERNAL', added: 0 })
    expect(await cleared(fine)).toMatchObject({ status: 'COMPLETED', added: 10 })
    expect(await rowsOf(broken)).toEqual({ pieces: 0, codes: 0 })
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ msg: 'an upload failed', taskId: broken }),
    ])
  })

  test('because of the content of its file fails with the reason, and is not logged', async () => {
    const own = await place()
    const taskId = await send(own, `a,b\n${'x,y\n'.repeat(10)}`)
    const lines: string[] = []
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
    await using _worker = startWorker(shared.books, { log })
    expect(await cleared(taskId)).toMatchObject({ status: 'FAILED', failure: 'UNREADABLE_FILE' })
    expect(lines).toEqual([])
  })
})
