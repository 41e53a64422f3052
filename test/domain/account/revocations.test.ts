import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createApiKey, hashOfSecret, revokeApiKey } from '../../../src/domain/account/account.ts'
import { LastUses } from '../../../src/domain/account/last-uses.ts'
import { Revocations, type Watched } from '../../../src/domain/account/revocations.ts'
import { endSession, findSessions, openSession, touchSessions } from '../../../src/domain/account/sessions.ts'
import type { Books } from '../../../src/domain/books/books.ts'
import { silent, useBooks } from '../../support/books.ts'

const minute = 60_000

const test = useBooks()
let time = Date.UTC(2030, 0, 1)
let books: Books
let revocations: Revocations
let sessionUses: LastUses

beforeEach(async () => {
  books = await test.another({ now: () => new Date(time) })
  sessionUses = new LastUses(books, {
    of: 'sessions',
    write: (hashes) => touchSessions(books, hashes),
    log: silent,
  })
  const opened = new Revocations(books, { sessionUses, log: silent })
  revocations = opened
  onTestFinished(() => opened.close())
})

async function newKey(): Promise<string> {
  const input = { name: randomUUID(), scopes: ['READ'] as const }
  return (await createApiKey(books.connections, test.accountId, input)).keyId
}

async function newSession(keyId: string): Promise<string> {
  return hashOfSecret((await openSession(books, keyId)) ?? '')
}

/** Watches, and tells whether the end was told. */
function watch(watched: Watched): { ended: Promise<void>; hasEnded: () => boolean; unwatch: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  let hasEnded = false
  const unwatch = revocations.watch(watched, () => {
    hasEnded = true
    resolve()
  })
  return { ended: promise, hasEnded: () => hasEnded, unwatch }
}

const announce = () => books.notifications.announce({ topic: 'keys', key: '' })

describe('whoever watches a session is told', () => {
  it('that it was signed out, and those who watch others are not', async () => {
    const keyId = await newKey()
    const [one, other] = [await newSession(keyId), await newSession(keyId)]
    const twice = [watch({ keyId, sessionHash: one }), watch({ keyId, sessionHash: one })]
    const others = [watch({ keyId, sessionHash: other }), watch({ keyId })]
    const left = watch({ keyId, sessionHash: one })
    left.unwatch()
    await endSession(books, one)
    await Promise.all(twice.map(({ ended }) => ended))
    expect([...others, left].map(({ hasEnded }) => hasEnded())).toEqual([false, false, false])
  })

  it('that its key was revoked, like whoever watches the key', async () => {
    const keyId = await newKey()
    const watching = [watch({ keyId, sessionHash: await newSession(keyId) }), watch({ keyId })]
    await revokeApiKey(books, test.accountId, keyId)
    await Promise.all(watching.map(({ ended }) => ended))
  })

  it('that it was signed out in another process, even if no notification arrives', async () => {
    const elsewhere = await test.another({ losesNotices: true })
    const keyId = await newKey()
    const sessionHash = await newSession(keyId)
    const { ended } = watch({ keyId, sessionHash })
    await endSession(elsewhere, sessionHash)
    await ended
  })

  it('that it has expired after twelve hours, and until then watching it counts as use', async () => {
    const keyId = await newKey()
    const [watched, idle] = [await newSession(keyId), await newSession(keyId)]
    const { ended, hasEnded } = watch({ keyId, sessionHash: watched })
    const usedAt = async () =>
      (
        await books.rows<{ at: Date }>({
          text: 'SELECT used_at AS at FROM session WHERE hash = $1',
          values: [Buffer.from(watched, 'base64')],
        })
      )[0]?.at.getTime()
    const opened = time
    while (time < opened + 12 * 60 * minute - 20 * minute) {
      time += 20 * minute
      announce()
      await expect.poll(usedAt).toBe(time)
    }
    expect(hasEnded()).toBe(false)
    expect([...(await findSessions(books, [watched, idle])).keys()]).toEqual([watched])
    time += 20 * minute
    announce()
    await ended
  })
})
