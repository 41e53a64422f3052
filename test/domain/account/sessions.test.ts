import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  createApiKey,
  hashOfSecret,
  renewLocalKey,
  revokeApiKey,
} from '../../../src/domain/account/account.ts'
import {
  endSession,
  findSessions,
  forgetSessions,
  isToken,
  openSession,
  touchSessions,
} from '../../../src/domain/account/sessions.ts'
import type { Books } from '../../../src/domain/books/books.ts'
import { newAccount, useBooks } from '../../support/books.ts'

const minute = 60_000
const hour = 60 * minute

const test = useBooks()
let books: Books
let time = Date.UTC(2030, 0, 1)
const pass = (ms: number) => {
  time += ms
}

beforeAll(async () => {
  books = await test.another({ now: () => new Date(time) })
})

async function newKey(): Promise<string> {
  const { keyId } = await createApiKey(books.connections, test.accountId, {
    name: randomUUID(),
    scopes: ['READ', 'CLAIM'],
  })
  return keyId
}

/** A new session, by the hash of its token. */
async function newSession(keyId: string): Promise<string> {
  const token = await openSession(books, keyId)
  if (token === undefined) throw new Error('The key does not work.')
  return hashOfSecret(token)
}

const isOpen = async (hash: string) => (await findSessions(books, [hash])).has(hash)
const count = async (keyId: string) =>
  (await books.rows({ text: 'SELECT 1 FROM session WHERE api_key_id = $1', values: [keyId] })).length

describe('a session', () => {
  it('is found by the hash of its token, with what its key may do', async () => {
    const keyId = await newKey()
    const token = (await openSession(books, keyId)) ?? ''
    expect(isToken(token)).toBe(true)
    const hash = hashOfSecret(token)
    expect([...(await findSessions(books, [hash, hashOfSecret('other')]))]).toEqual([
      [hash, { accountId: test.accountId, keyId, scopes: ['READ', 'CLAIM'] }],
    ])
    const [row] = await books.rows<{ text: string }>({
      text: 'SELECT to_jsonb(session)::text AS text FROM session WHERE api_key_id = $1',
      values: [keyId],
    })
    expect(row?.text).toContain(keyId)
    for (const form of [token, token.slice(3), Buffer.from(token).toString('hex')])
      expect(row?.text).not.toContain(form)
  })

  it('ends half an hour after its last use', async () => {
    const keyId = await newKey()
    const [idle, used] = [await newSession(keyId), await newSession(keyId)]
    pass(20 * minute)
    await touchSessions(books, [used])
    pass(10 * minute - 1)
    expect([await isOpen(idle), await isOpen(used)]).toEqual([true, true])
    pass(1)
    expect([await isOpen(idle), await isOpen(used)]).toEqual([false, true])
    pass(20 * minute)
    expect(await isOpen(used)).toBe(false)
  })

  it('ends after twelve hours, however much it is used', async () => {
    const hash = await newSession(await newKey())
    for (let passed = 0; passed < 12 * hour; passed += 20 * minute) {
      await touchSessions(books, [hash])
      pass(20 * minute - 1)
      expect(await isOpen(hash)).toBe(true)
      pass(1)
    }
    expect(await isOpen(hash)).toBe(false)
  })

  it('that has expired is not brought back by a late use', async () => {
    const hash = await newSession(await newKey())
    pass(30 * minute)
    await touchSessions(books, [hash])
    expect(await isOpen(hash)).toBe(false)
  })

  it('is not used earlier than it was, by a process whose clock is behind', async () => {
    const hash = await newSession(await newKey())
    pass(-10 * minute)
    await touchSessions(books, [hash])
    pass(10 * minute + 25 * minute)
    expect(await isOpen(hash)).toBe(true)
  })

  it('ends with its key, but not with a restart', async () => {
    const keyId = await newKey()
    const revoked = await newSession(keyId)
    await revokeApiKey(books, test.accountId, keyId)
    expect(await isOpen(revoked)).toBe(false)

    const accountId = await newAccount(books)
    const local = await renewLocalKey(books, accountId)
    const ofLastStart = await newSession(local.keyId)
    expect(await isOpen(ofLastStart)).toBe(true)
    await renewLocalKey(books, accountId)
    expect(await isOpen(ofLastStart)).toBe(true)
  })

  it('is not opened with a key that was revoked, or that does not exist', async () => {
    const keyId = await newKey()
    await revokeApiKey(books, test.accountId, keyId)
    expect(await openSession(books, keyId)).toBeUndefined()
    expect(await openSession(books, randomUUID())).toBeUndefined()
    expect(await count(keyId)).toBe(0)
  })

  it('ends alone when it is signed out, and other processes are notified once', async () => {
    const keyId = await newKey()
    const [one, other] = [await newSession(keyId), await newSession(keyId)]
    const announced = vi.spyOn(books.notifications, 'announce')
    onTestFinished(() => announced.mockRestore())
    await endSession(books, one)
    await endSession(books, one)
    await endSession(books, hashOfSecret('other'))
    expect(announced.mock.calls).toEqual([[{ topic: 'keys', key: '' }]])
    expect([await isOpen(one), await isOpen(other)]).toEqual([false, true])
  })
})

describe('of one key, a hundred sessions', () => {
  it('are open at most: those that were used least recently end', async () => {
    const keyId = await newKey()
    const hashes: string[] = []
    for (let i = 0; i < 100; i++) hashes.push(await newSession(keyId))
    pass(2 * minute)
    const [first = '', second = ''] = hashes
    await touchSessions(
      books,
      hashes.filter((hash) => hash !== second),
    )
    const another = await newKey()
    const ofAnother = await newSession(another)
    const announced = vi.spyOn(books.notifications, 'announce')
    onTestFinished(() => announced.mockRestore())
    const last = await newSession(keyId)
    expect(announced.mock.calls).toEqual([[{ topic: 'keys', key: '' }]])
    const open = await findSessions(books, [...hashes, last, ofAnother])
    expect([open.has(first), open.has(second), open.has(last), open.has(ofAnother)]).toEqual([
      true,
      false,
      true,
      true,
    ])
    expect(await count(keyId)).toBe(100)
  })

  it('are not exceeded by people who sign in at the same moment', async () => {
    const keyId = await newKey()
    await books.rows({
      text: `
        INSERT INTO session (hash, api_key_id, created_at, used_at)
        SELECT sha256(n::text::bytea), $1, $2, $2 FROM generate_series(1, 98) n`,
      values: [keyId, books.now()],
    })
    await Promise.all(Array.from({ length: 20 }, () => newSession(keyId)))
    expect(await count(keyId)).toBe(100)
  })
})

it('sessions that have expired are removed, a bounded number at a time, and no others', async () => {
  await books.rows({ text: 'DELETE FROM session' })
  const keyId = await newKey()
  for (let i = 0; i < 5; i++) await newSession(keyId)
  pass(30 * minute)
  const hash = await newSession(keyId)
  expect(await forgetSessions(books, 3)).toBe(3)
  expect(await forgetSessions(books, 3)).toBe(2)
  expect(await forgetSessions(books, 3)).toBe(0)
  expect(await isOpen(hash)).toBe(true)
})
