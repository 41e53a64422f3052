import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Books, CodeSpaces } from '../../../src/domain/books/books.ts'
import { checkMasterKeys, rewrapSecrets } from '../../../src/domain/books/secrets.ts'
import { Keyring, MasterKey } from '../../../src/keys/keyring.ts'
import { expectBalance } from '../../support/audit.ts'
import { newFormat, openBooks, type TestBooks } from '../../support/books.ts'
import { runSql } from '../../support/database.ts'

const newKey = () => new MasterKey(new Uint8Array(randomBytes(32)))
const firstCode = async (books: Books, { accountId }: TestBooks, formatId: string) =>
  (await new CodeSpaces(books.keyring).get(books, accountId, formatId)).codeAt(7n)

async function wrappedBy({ databaseUrl }: TestBooks): Promise<(string | null)[]> {
  const rows = await runSql<{ by: string | null }>(
    databaseUrl,
    'SELECT wrapped_by AS by FROM format ORDER BY id',
  )
  return rows.map(({ by }) => by)
}

describe('the keys of formats', () => {
  test('are wrapped once there is a master key, and yield the same codes', async () => {
    await using test = await openBooks()
    const old = await newFormat(test)
    const code = await firstCode(test.books, test, old)
    const current = newKey()
    const books = await test.another({ keyring: new Keyring({ current }) })
    const young = await newFormat({ books, accountId: test.accountId })
    expect(await wrappedBy(test)).toEqual([null, current.id])
    expect(await firstCode(books, test, old)).toBe(code)
    const own = await firstCode(books, test, young)

    expect(await rewrapSecrets(books, books.keyring)).toEqual({
      changed: 1,
      damaged: [],
      left: 0,
    })
    expect(await rewrapSecrets(books, books.keyring)).toEqual({
      changed: 0,
      damaged: [],
      left: 0,
    })
    expect(await wrappedBy(test)).toEqual([current.id, current.id])
    expect(await firstCode(books, test, old)).toBe(code)
    expect(await firstCode(books, test, young)).toBe(own)
    await expectBalance({ books })
    await expect(firstCode(test.books, test, old)).rejects.toThrow(/Set MASTER_KEY/)
  })

  test('are wrapped anew when the master key is replaced, and stored as they are when it is given up', async () => {
    await using test = await openBooks()
    const [previous, current] = [newKey(), newKey()]
    const before = await test.another({ keyring: new Keyring({ current: previous }) })
    const formatId = await newFormat({ books: before, accountId: test.accountId })
    const code = await firstCode(before, test, formatId)

    const lost = new Keyring({ current })
    await expect(rewrapSecrets(test.books, lost)).rejects.toThrow(previous.id)
    expect(await wrappedBy(test)).toEqual([previous.id])
    const rotated = await rewrapSecrets(test.books, new Keyring({ current, previous }))
    expect(rotated).toEqual({ changed: 1, damaged: [], left: 0 })
    expect(await wrappedBy(test)).toEqual([current.id])
    await expect(checkMasterKeys(test.books, new Keyring({ current: previous }))).rejects.toThrow(current.id)
    await checkMasterKeys(test.books, lost)

    await rewrapSecrets(test.books, new Keyring({ previous: current }))
    expect(await wrappedBy(test)).toEqual([null])
    expect(await firstCode(test.books, test, formatId)).toBe(code)
  })

  test('that do not open are left as they are, and named', async () => {
    await using test = await openBooks()
    const [previous, current] = [newKey(), newKey()]
    const before = await test.another({ keyring: new Keyring({ current: previous }) })
    const place = { books: before, accountId: test.accountId }
    const [one, two] = [await newFormat(place), await newFormat(place)]
    await runSql(
      test.databaseUrl,
      `UPDATE format SET key = other.key FROM format AS other
       WHERE format.id = '${one}' AND other.id = '${two}' AND other.account_id = format.account_id`,
    )
    const keyring = new Keyring({ current, previous })
    const done = await rewrapSecrets(test.books, keyring)
    expect(done).toEqual({ changed: 1, damaged: [expect.stringContaining(one)], left: 0 })
    expect(await wrappedBy(test)).toEqual([previous.id, current.id])
    await expect(expectBalance({ books: await test.another({ keyring }) })).rejects.toThrow(/format-codes/)
  })
})
