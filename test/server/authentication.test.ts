import { createHash, randomUUID } from 'node:crypto'
import type { GraphQLError } from 'graphql'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createAccount, createApiKey, hashOfSecret } from '../../src/domain/account/account.ts'
import { openSession } from '../../src/domain/account/sessions.ts'
import type { Books } from '../../src/domain/books/books.ts'
import { Authentication } from '../../src/server/authentication.ts'
import { SessionCookie } from '../../src/server/session-cookie.ts'
import { silent, useBooks } from '../support/books.ts'

const place = useBooks()
let authentication: Authentication

beforeAll(async () => {
  authentication = new Authentication({
    books: place.books,
    cookie: new SessionCookie(place.accountId),
    log: silent,
  })
})

afterAll(async () => {
  await authentication.close()
})

/** How many statements look up keys during `work`. */
async function questions(work: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(place.books.connections, 'query')
  await work()
  const asked = query.mock.calls.filter(([statement]) =>
    /FROM api_key WHERE hash/.test(JSON.stringify(statement).replaceAll('\\', '')),
  )
  query.mockRestore()
  return asked.length
}

/** Holds each statement that looks up keys until `passage` resolves for it. */
function holdQuestions(passage: (hashes: readonly Buffer[]) => Promise<void>): void {
  const { connections } = place.books
  const query = connections.query.bind(connections) as (statement: unknown) => Promise<unknown>
  const held = async (statement: { name?: string; values: [Buffer[]] }) => {
    if (statement.name === 'find-api-keys') await passage(statement.values[0])
    return await query(statement)
  }
  const spy = vi.spyOn(connections, 'query').mockImplementation(held as never)
  onTestFinished(() => spy.mockRestore())
}

const authenticate = (secret: string, by = authentication) => by.authenticate(`Bearer ${secret}`)
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'works',
    (error: { extensions: { code: string } }) => error.extensions.code,
  )

describe('a key that does not exist', () => {
  test('is looked up at most twice, however often it is tried, concurrently or in sequence', async () => {
    const secret = randomUUID()
    const asked = await questions(async () => {
      const together = await Promise.all(Array.from({ length: 100 }, () => code(authenticate(secret))))
      expect(new Set(together)).toEqual(new Set(['UNAUTHENTICATED']))
      for (let i = 0; i < 100; i++) expect(await code(authenticate(secret))).toBe('UNAUTHENTICATED')
    })
    // Again for requests that arrived during the look-up: the key may have been created in the meantime.
    expect(asked).toBeLessThanOrEqual(2)
  })

  test('is looked up together with others that arrive at the same time', async () => {
    const asked = await questions(() =>
      Promise.all(Array.from({ length: 1_000 }, () => code(authenticate(randomUUID())))),
    )
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThan(5)
  })

  test('is not looked up if it is longer than keys can be', async () => {
    const asked = await questions(() => code(authenticate('k'.repeat(100_000))))
    expect(asked).toBe(0)
  })

  test('works soon after it has been created', async () => {
    const secret = randomUUID()
    expect(await code(authenticate(secret))).toBe('UNAUTHENTICATED')
    await createAccount(place.books.connections, randomUUID(), secret)
    await expect.poll(() => code(authenticate(secret)), { timeout: 10_000 }).toBe('works')
  })

  test('is looked up again after a notice that keys have changed', async () => {
    const secret = randomUUID()
    expect(await code(authenticate(secret))).toBe('UNAUTHENTICATED')
    await createAccount(place.books.connections, randomUUID(), secret)
    place.books.notifications.announce({ topic: 'keys', key: '' })
    expect(await code(authenticate(secret))).toBe('works')
  })
})

test('a key that works is looked up at most twice, and keeps its scopes', async () => {
  const { secret, keyId } = await createApiKey(place.books.connections, place.accountId, {
    name: 'Till',
    scopes: ['CLAIM'],
  })
  const asked = await questions(async () => {
    for (const credentials of await Promise.all(Array.from({ length: 50 }, () => authenticate(secret))))
      expect(credentials).toEqual({ accountId: place.accountId, keyId, scopes: ['CLAIM'] })
  })
  expect(asked).toBeLessThanOrEqual(2)
})

test('keys that do not exist do not delay one that has worked, and their number is limited', async () => {
  const { secret } = await createApiKey(place.books.connections, place.accountId, {
    name: 'Till',
    scopes: ['CLAIM'],
  })
  await authenticate(secret)
  const released = Promise.withResolvers<void>()
  const hash = createHash('sha256').update(secret).digest()
  holdQuestions((hashes) => (hashes.some((each) => each.equals(hash)) ? Promise.resolve() : released.promise))
  // So that it is looked up again.
  place.books.notifications.announce({ topic: 'keys', key: '' })
  const tried = Promise.all(
    Array.from({ length: 5_100 }, () => authenticate(randomUUID()).catch((error: unknown) => error)),
  )
  expect(await code(authenticate(secret))).toBe('works')
  released.resolve()
  const refused = (await tried).map((error) => (error as GraphQLError).extensions)
  expect(Map.groupBy(refused, (extensions) => extensions['code']).get('UNAUTHENTICATED')).toHaveLength(5_001)
  expect(refused.at(-1)).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1_000 })
})

test('a refresh that failed is tried again while the credentials are still cached', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const { secret } = await createApiKey(place.books.connections, place.accountId, {
    name: 'Till',
    scopes: ['CLAIM'],
  })
  await authenticate(secret)
  let asked = 0
  holdQuestions(async () => {
    asked += 1
    if (asked === 1) throw new Error('away')
  })
  vi.advanceTimersByTime(1_500)
  await authenticate(secret)
  await new Promise((resolve) => setImmediate(resolve))
  await authenticate(secret)
  expect(asked).toBe(2)
})

describe('a session', () => {
  let time = Date.UTC(2030, 0, 1)
  const minute = 60_000
  let books: Books
  let keyId: string

  beforeAll(async () => {
    books = await place.another({ now: () => new Date(time) })
    const key = await createApiKey(books.connections, place.accountId, { name: 'Desk', scopes: ['READ'] })
    keyId = key.keyId
  })

  /** A process that caches nothing from before: expiry is told by the database, and by the cache within seconds. */
  function open(): Authentication {
    const opened = new Authentication({ books, cookie: new SessionCookie(place.accountId), log: silent })
    onTestFinished(() => opened.close())
    return opened
  }
  const newHash = async () => hashOfSecret((await openSession(books, keyId)) ?? '')
  const use = (hash: string, by = open()) => code(by.authenticate(undefined, { hash }))

  test('has the credentials of its key', async () => {
    const hash = await newHash()
    expect(await open().authenticate(undefined, { hash })).toEqual({
      accountId: place.accountId,
      keyId,
      scopes: ['READ'],
      sessionHash: hash,
    })
  })

  test('lasts half an hour from its last request', async () => {
    const [used, idle] = [await newHash(), await newHash()]
    for (let hours = 0; hours < 2; hours += 0.25) {
      time += 15 * minute
      const by = open()
      expect(await use(used, by)).toBe('works')
      await by.close()
    }
    expect(await use(idle)).toBe('UNAUTHENTICATED')
    time += 30 * minute
    expect(await use(used)).toBe('UNAUTHENTICATED')
  })

  test('is noted as used once a minute, and so is its key', async () => {
    const hash = await newHash()
    const by = open()
    const noted = async () => {
      const query = vi.spyOn(books.connections, 'query')
      for (let i = 0; i < 20; i++) expect(await use(hash, by)).toBe('works')
      await Promise.all([by.sessionUses.written(), by.keyUses.written()])
      const updates = query.mock.calls.flatMap(
        ([statement]) => /UPDATE (session|api_key)/.exec(JSON.stringify(statement))?.slice(1) ?? [],
      )
      query.mockRestore()
      return updates.sort()
    }
    expect(await noted()).toEqual(['api_key', 'session'])
    time += minute - 1
    expect(await noted()).toEqual([])
    time += 1
    expect(await noted()).toEqual(['api_key', 'session'])
  })

  test('that does not exist is looked up at most twice, and does not delay one that does', async () => {
    const hash = await newHash()
    const by = open()
    expect(await use(hash, by)).toBe('works')
    const released = Promise.withResolvers<void>()
    const { connections } = books
    const query = connections.query.bind(connections) as (statement: unknown) => Promise<unknown>
    let lookUps = 0
    const spy = vi.spyOn(connections, 'query').mockImplementation((async (statement: {
      name?: string
      values: [Buffer[]]
    }) => {
      if (statement.name === 'find-sessions') {
        lookUps += 1
        const isKnown = statement.values[0].some((each) => each.toString('base64') === hash)
        if (!isKnown) await released.promise
      }
      return await query(statement)
    }) as never)
    onTestFinished(() => spy.mockRestore())
    const made = hashOfSecret(randomUUID())
    const tried = Promise.all(Array.from({ length: 100 }, () => use(made, by)))
    books.notifications.announce({ topic: 'keys', key: '' })
    expect(await use(hash, by)).toBe('works')
    released.resolve()
    expect(new Set(await tried)).toEqual(new Set(['UNAUTHENTICATED']))
    expect(lookUps).toBeLessThanOrEqual(3)
  })
})
