import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { CommitUnansweredError } from '../../../src/database/errors.ts'
import {
  FileInterruptedError,
  InvalidInputError,
  NotFoundError,
  TooManyUploadsError,
} from '../../../src/domain/books/errors.ts'
import { readQueue } from '../../../src/domain/books/queue.ts'
import { readFile, removeFile } from '../../../src/domain/upload/file.ts'
import { readNextUpload } from '../../../src/domain/upload/queue.ts'
import { receiveUpload, Uploads } from '../../../src/domain/upload/receive.ts'
import { newAccount, newPool, openBooks, type Place, useBooks } from '../../support/books.ts'
import { openProxy } from '../../support/proxy.ts'

const shared = useBooks()

afterEach(() => {
  vi.useRealTimers()
})

const maxBytes = 10_000_000

/** A new account with a pool. */
async function place(books = shared.books): Promise<Place & { poolId: string }> {
  const accountId = await newAccount(books)
  return { books, accountId, poolId: await newPool({ books, accountId }) }
}

async function* bytes(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

/** A file that must not be read. */
const untouchable: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => {
    throw new Error('The file was read.')
  },
}

async function stored({ books, accountId }: Place): Promise<{ pieces: number; tasks: number }> {
  const [row] = await books.rows<{ pieces: number; tasks: number }>({
    text: `SELECT (SELECT count(*)::int FROM upload_piece WHERE account_id = $1) AS pieces,
      (SELECT count(*)::int FROM task WHERE account_id = $1) AS tasks`,
    values: [accountId],
  })
  if (row === undefined) throw new Error('Nothing was counted.')
  return row
}

async function contents(of: Place, taskId: string, size: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of readFile(of.books, { accountId: of.accountId, taskId }, BigInt(size)))
    chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('a file that is received', () => {
  test('is stored as it came, in pieces of a megabyte, for the task that will read it', async () => {
    const own = await place()
    const file = Buffer.from(Array.from({ length: 2_500_000 }, (_, i) => (i * i * 31) % 251))
    async function* chunks() {
      for (let from = 0; from < file.length; from += 64_000) yield file.subarray(from, from + 64_000)
    }
    const input = { poolId: own.poolId, dryRun: false, column: 'Vouchers' }
    const { taskId } = await receiveUpload(own.books, own.accountId, input, chunks(), maxBytes)
    expect(await readNextUpload(own.books, own.accountId)).toMatchObject({
      accountId: own.accountId,
      id: taskId,
      poolId: own.poolId,
      status: 'AWAITING_EXECUTION',
      column: 'Vouchers',
      header: undefined,
      rowsRead: 0n,
      bytes: BigInt(file.length),
    })
    expect(await stored(own)).toEqual({ pieces: 3, tasks: 1 })
    expect((await contents(own, taskId, file.length)).equals(file)).toBe(true)
  })

  test('is not read if the input or the pool is wrong', async () => {
    const { books, accountId, poolId } = await place()
    const receive = (input: object) =>
      receiveUpload(books, accountId, { poolId, dryRun: false, ...input }, untouchable, maxBytes)
    await expect(receive({ column: '' })).rejects.toThrow(InvalidInputError)
    await expect(receive({ idempotencyKey: '' })).rejects.toThrow(InvalidInputError)
    await expect(receive({ poolId: randomUUID() })).rejects.toThrow(NotFoundError)
    await expect(receive({ poolId: (await place()).poolId })).rejects.toThrow(NotFoundError)
  })

  test('leaves nothing behind if its source fails', async () => {
    const own = await place()
    async function* failing() {
      yield Buffer.alloc(2_000_000)
      throw new FileInterruptedError('Gone.')
    }
    const input = { poolId: own.poolId, dryRun: false }
    await expect(receiveUpload(own.books, own.accountId, input, failing(), maxBytes)).rejects.toThrow('Gone.')
    expect(await stored(own)).toEqual({ pieces: 0, tasks: 0 })
  })

  test('is rejected before it takes so long that housekeeping could remove it as abandoned', async () => {
    const own = await place()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    async function* slow() {
      yield Buffer.alloc(2_000_000)
      vi.setSystemTime(Date.now() + 13 * 60 * 60 * 1_000)
      yield Buffer.alloc(1)
    }
    const input = { poolId: own.poolId, dryRun: false }
    await expect(receiveUpload(own.books, own.accountId, input, slow(), maxBytes)).rejects.toThrow('12 hours')
    expect(await stored(own)).toEqual({ pieces: 0, tasks: 0 })
  })

  test('is one of a limited number at the same time, in all and for its account', async () => {
    const places = await Promise.all([1, 2, 3, 4, 5].map(() => place()))
    const [first, , , , fifth] = places
    if (first === undefined || fifth === undefined) throw new Error('There is no place.')
    const uploads = new Uploads(shared.books, maxBytes)
    const { promise: end, resolve } = Promise.withResolvers<void>()
    async function* waiting() {
      yield Buffer.from('code\n')
      await end
    }
    const receive = ({ accountId, poolId }: typeof first, file: AsyncIterable<Uint8Array>) =>
      uploads.receive({ accountId, keyId: randomUUID() }, { poolId, dryRun: true }, file)
    const arriving = Array.from({ length: 8 }, () => receive(first, waiting()))
    const tooMany = expect(receive(first, untouchable)).rejects
    await tooMany.toThrow(TooManyUploadsError)
    await tooMany.toThrow(/^Your account is sending 8 files/)
    // Files of others are still received while there is room.
    for (const own of places.slice(1, 4)) for (let i = 0; i < 8; i++) arriving.push(receive(own, waiting()))
    await expect(receive(fifth, untouchable)).rejects.toThrow(TooManyUploadsError)
    resolve()
    await Promise.all(arriving)
    await receive(first, bytes('code\n'))
    await receive(fifth, bytes('code\n'))
  })
})

describe('a COMMIT that was not answered', () => {
  test.each([
    ['took place', 'unanswered', { pieces: 1, tasks: 1 }],
    ['did not take place', 'lost', { pieces: 1, tasks: 0 }],
  ] as const)(
    'but %s leaves the file, which the upload may need, and the same key finds out',
    async (_what, fate, left) => {
      const own = await place()
      await using proxy = await openProxy(shared.databaseUrl)
      const books = await shared.another({ url: proxy.url })
      const input = { poolId: own.poolId, dryRun: false, idempotencyKey: randomUUID() }
      const cut = proxy.cutCommit(fate)
      const receiving = receiveUpload(books, own.accountId, input, bytes('code\n'), maxBytes)
      await expect(receiving).rejects.toThrow(CommitUnansweredError)
      await cut
      expect(await stored(own)).toEqual(left)
      const { taskId } = await receiveUpload(own.books, own.accountId, input, bytes('code\n'), maxBytes)
      expect((await stored(own)).tasks).toBe(1)
      expect(String(await contents(own, taskId, 5))).toBe('code\n')
    },
  )
})

describe('the file of an upload', () => {
  test('is not read as complete if a piece is missing, or if it is too large', async () => {
    const own = await place()
    const input = { poolId: own.poolId, dryRun: false }
    const file = () => bytes(Buffer.alloc(1_100_000, 'a'), Buffer.alloc(1_100_000, 'b'), 'c')
    const { taskId } = await receiveUpload(own.books, own.accountId, input, file(), maxBytes)
    await expect(contents(own, taskId, 2_199_999)).rejects.toThrow('larger')
    await expect(contents(own, taskId, 2_200_002)).rejects.toThrow('has no piece 3')
    expect((await contents(own, taskId, 2_200_001)).length).toBe(2_200_001)
    await own.books.rows({
      text: 'DELETE FROM upload_piece WHERE account_id = $1 AND number = 1',
      values: [own.accountId],
    })
    await expect(contents(own, taskId, 2_200_001)).rejects.toThrow('has no piece 1')
  })

  test('is removed completely, whatever the number of its pieces, and no other is', async () => {
    const own = await place()
    const ids = [randomUUID(), randomUUID()]
    for (const id of ids)
      await own.books.rows({
        text: `INSERT INTO upload_piece SELECT $1, $2, n, 'x' FROM generate_series(0, 99) n`,
        values: [own.accountId, id],
      })
    await removeFile(own.books, { accountId: own.accountId, taskId: ids[0] ?? '' })
    expect(
      await own.books.rows({
        text: 'SELECT task_id, count(*)::int FROM upload_piece WHERE account_id = $1 GROUP BY 1',
        values: [own.accountId],
      }),
    ).toEqual([{ task_id: ids[1], count: 100 }])
  })
})

test('the queue returns each account once, in the order of their oldest uploads', async () => {
  await using test = await openBooks()
  const { books } = test
  const places = [await place(books), await place(books), await place(books)]
  const ids = places.map(({ accountId }) => accountId)
  for (const index of [1, 0, 1, 2, 0]) {
    const own = places[index]
    if (own === undefined) throw new Error('There is no such place.')
    const input = { poolId: own.poolId, dryRun: false }
    await receiveUpload(books, own.accountId, input, bytes('code\n'), maxBytes)
  }
  const [a, b, c] = ids
  const queued: string[] = []
  for await (const page of readQueue(books, 'UPLOADS')) queued.push(...page.map(({ accountId }) => accountId))
  expect(queued).toEqual([b, a, c])
})
