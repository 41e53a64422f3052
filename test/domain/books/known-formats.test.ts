import { describe, expect, it } from 'vitest'
import type { Queryable } from '../../../src/database/transaction.ts'
import { KnownFormatsCache } from '../../../src/domain/books/known-formats.ts'
import { nilId } from '../../../src/nil-id.ts'

/** A database in which each account has the given number of formats, with the ids "1", "2" and so on. */
function databaseOf(counts: Record<string, number>) {
  const read: number[] = []
  const books = {
    async rows({ values }) {
      const [accountId, from] = values as [string, string]
      const ids = Array.from({ length: counts[accountId] ?? 0 }, (_, i) => String(i + 1))
      const rows = ids
        .filter((id) => id >= from)
        .map((id) => ({ id, pattern: `P${id}-##`, characters: '01' }))
      read.push(rows.length)
      return rows as never[]
    },
  } satisfies Queryable
  return { books, counts, read }
}

describe('the known formats of an account', () => {
  it('are read once, and then only those that are new', async () => {
    const { books, counts, read } = databaseOf({ acme: 3 })
    const knownFormats = new KnownFormatsCache()
    expect(knownFormats.get('acme').newest).toBe(nilId)
    await knownFormats.refresh(books, 'acme')
    counts['acme'] = 5
    await knownFormats.refresh(books, 'acme')
    expect(read).toEqual([3, 3])
    const { formats, newest } = knownFormats.get('acme')
    expect([formats.size, newest, formats.find('p501')]).toEqual([5, '5', ['5']])
  })

  it('are read once for all calls at the same moment', async () => {
    const { books, read } = databaseOf({ acme: 3 })
    const knownFormats = new KnownFormatsCache()
    await Promise.all([1, 2, 3].map(() => knownFormats.refresh(books, 'acme')))
    expect(read).toEqual([3])
    expect(knownFormats.get('acme').formats.size).toBe(3)
  })

  it('are read again when the newest one is gone', async () => {
    const { books, counts } = databaseOf({ acme: 5 })
    const knownFormats = new KnownFormatsCache()
    await knownFormats.refresh(books, 'acme')
    counts['acme'] = 2
    await knownFormats.refresh(books, 'acme')
    expect(knownFormats.get('acme')).toMatchObject({ newest: '2' })
    expect(knownFormats.get('acme').formats.size).toBe(2)
  })

  it('are kept for the accounts used most recently, and for at least one', async () => {
    const { books } = databaseOf({ one: 3, two: 3, three: 3, large: 9 })
    const knownFormats = new KnownFormatsCache(8)
    const knows = (accountId: string) => knownFormats.get(accountId).newest !== nilId
    for (const accountId of ['one', 'two']) await knownFormats.refresh(books, accountId)
    expect([knows('two'), knows('one')]).toEqual([true, true])
    await knownFormats.refresh(books, 'three')
    expect([knows('three'), knows('one')]).toEqual([true, true])
    await knownFormats.refresh(books, 'large')
    expect(knows('large')).toBe(true)
    expect(knows('one')).toBe(false)
  })
})
