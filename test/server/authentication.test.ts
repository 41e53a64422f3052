import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createAccount, createApiKey } from '../../src/domain/account.ts'
import { Authentication } from '../../src/server/authentication.ts'
import { openBooks, silent, type TestBooks } from '../support/books.ts'

let place: TestBooks
let authentication: Authentication

beforeAll(async () => {
  place = await openBooks()
  authentication = new Authentication(place.books, silent)
})

afterAll(async () => {
  await authentication.close()
  await place.close()
})

/** How many statements look for keys while something is done. */
async function questions(work: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(place.books.pool, 'query')
  await work()
  const asked = query.mock.calls.filter(([statement]) =>
    /FROM api_key WHERE hash/.test(JSON.stringify(statement).replaceAll('\\', '')),
  )
  query.mockRestore()
  return asked.length
}

const authenticate = (secret: string, by = authentication) => by.authenticate(`Bearer ${secret}`)
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'works',
    (error: { extensions: { code: string } }) => error.extensions.code,
  )

describe('a key that does not exist', () => {
  test('is asked for no more than twice, however often it is tried, at once or one after the other', async () => {
    const secret = randomUUID()
    const asked = await questions(async () => {
      const together = await Promise.all(Array.from({ length: 100 }, () => code(authenticate(secret))))
      expect(new Set(together)).toEqual(new Set(['UNAUTHENTICATED']))
      for (let i = 0; i < 100; i++) expect(await code(authenticate(secret))).toBe('UNAUTHENTICATED')
    })
    // Once more for those that came while it was being asked for: the key may have been made meanwhile.
    expect(asked).toBeLessThanOrEqual(2)
  })

  test('among many that come together takes part in a few statements', async () => {
    const asked = await questions(() =>
      Promise.all(Array.from({ length: 1_000 }, () => code(authenticate(randomUUID())))),
    )
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThan(5)
  })

  test('that is longer than keys are is asked for not at all', async () => {
    const asked = await questions(() => code(authenticate('k'.repeat(100_000))))
    expect(asked).toBe(0)
  })

  test('works soon after it has been made', async () => {
    const secret = randomUUID()
    expect(await code(authenticate(secret))).toBe('UNAUTHENTICATED')
    await createAccount(place.books.pool, randomUUID(), secret)
    await expect.poll(() => code(authenticate(secret)), { timeout: 10_000 }).toBe('works')
  })

  test('is not remembered beyond a notice that keys have changed', async () => {
    const secret = randomUUID()
    expect(await code(authenticate(secret))).toBe('UNAUTHENTICATED')
    await createAccount(place.books.pool, randomUUID(), secret)
    place.books.notifications.announce({ topic: 'keys', key: '' })
    expect(await code(authenticate(secret))).toBe('works')
  })
})

test('a key that works is asked for no more than twice, and keeps its scopes', async () => {
  const { secret, keyId } = await createApiKey(place.books.pool, place.accountId, {
    name: 'Till',
    scopes: ['CLAIM'],
  })
  const asked = await questions(async () => {
    for (const credentials of await Promise.all(Array.from({ length: 50 }, () => authenticate(secret))))
      expect(credentials).toEqual({ accountId: place.accountId, keyId, scopes: ['CLAIM'] })
  })
  expect(asked).toBeLessThanOrEqual(2)
})
