import { randomUUID } from 'node:crypto'
import pino from 'pino'
import { expect, it } from 'vitest'
import type { Topic } from '../../../src/database/notifications.ts'
import type { Books, BookTransaction } from '../../../src/domain/books/books.ts'
import { useBooks } from '../../support/books.ts'

const test = useBooks()

/** Books, and what they have logged and announced in this process. */
async function observedBooks(): Promise<{ books: Books; observed: string[] }> {
  const observed: string[] = []
  const log = pino({}, { write: (line) => observed.push(JSON.parse(line).msg) })
  const books = await test.another({ log, losesNotices: true })
  for (const topic of ['uploads', 'formats'] satisfies Topic[])
    books.notifications.on(topic, () => observed.push(topic))
  return { books, observed }
}

async function note(tx: BookTransaction): Promise<void> {
  tx.logOnCommit({}, 'done')
  for (const kind of ['UPLOADS', 'FORMATS', 'UPLOADS'] as const) tx.queue(kind)
  await tx.rows({ text: 'SELECT 1' })
}

it('logs and announces once a transaction has committed, each topic once', async () => {
  const { books, observed } = await observedBooks()
  await books.write(test.accountId, async (tx) => {
    await note(tx)
    expect(observed).toEqual([])
  })
  expect(observed).toEqual(['done', 'uploads', 'formats'])
})

it('neither logs nor announces for a transaction that fails, and once for one that is run again', async () => {
  const { books, observed } = await observedBooks()
  const failing = books.write(test.accountId, async (tx) => {
    await note(tx)
    throw new RangeError()
  })
  await expect(failing).rejects.toThrow(RangeError)
  expect(observed).toEqual([])
  let runs = 0
  await books.write(test.accountId, async (tx) => {
    await note(tx)
    runs += 1
    if (runs === 1) await tx.rows({ text: `DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$` })
  })
  expect([runs, observed]).toEqual([2, ['done', 'uploads', 'formats']])
})

it('locks an id for one transaction at a time, without waiting', async () => {
  const [id, other] = [randomUUID(), randomUUID()]
  const tryLock = (wanted: string) => test.books.write(test.accountId, (tx) => tx.tryLock(wanted))
  await test.books.write(test.accountId, async (tx) => {
    expect(await tx.tryLock(id)).toBe(true)
    expect(await tryLock(id)).toBe(false)
    expect(await tryLock(other)).toBe(true)
  })
  expect(await tryLock(id)).toBe(true)
})
