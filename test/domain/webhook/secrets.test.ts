import { randomBytes } from 'node:crypto'
import { Webhook as Verifier } from 'standardwebhooks'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import { InvalidInputError } from '../../../src/domain/books/errors.ts'
import {
  readOverlapEnds,
  readSecrets,
  rotateSecret,
  secretText,
} from '../../../src/domain/webhook/secrets.ts'
import { Keyring, MasterKey } from '../../../src/keys/keyring.ts'
import { useBooks } from '../../support/books.ts'
import { runSql } from '../../support/database.ts'
import { newWebhook } from '../../support/webhooks.ts'

const place = useBooks()
const hourMs = 3_600_000
let now: Date
let books: Books
let webhookId: string
/** All secrets that the webhook has had, oldest first. */
let given: string[]

beforeEach(async () => {
  now = new Date('2026-11-26T09:00:00.000Z')
  books = await place.another({ now: () => now })
  const made = await newWebhook({ books, accountId: place.accountId }, 'http://127.0.0.1:1/')
  webhookId = made.webhookId
  given = [made.secret]
})

async function rotate(overlapHours: number): Promise<void> {
  given.push(secretText(await rotateSecret(books, place.accountId, { webhookId, overlapHours })))
}

/** Which of the secrets sign, by their numbers from 0, the newest first. */
async function signing(afterHours = 0): Promise<number[]> {
  const at = new Date(now.getTime() + afterHours * hourMs)
  const secrets = await readSecrets(books, { accountId: place.accountId, id: webhookId }, at)
  return secrets.map((secret) => given.indexOf(secretText(secret)))
}

describe('a secret', () => {
  test('is one that receivers can configure', () => {
    const [secret = ''] = given
    const body = '{}'
    const signature = new Verifier(secret).sign('id', now, body)
    expect(signature).toMatch(/^v1,/)
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  })

  test('that is replaced signs beside the new one until the overlap ends', async () => {
    await rotate(24)
    expect(await signing(23.9)).toEqual([1, 0])
    expect(await signing(24)).toEqual([1])
    const ends = await readOverlapEnds(books, place.accountId, [webhookId], now)
    expect(ends).toEqual(new Map([[webhookId, new Date('2026-11-27T09:00:00.000Z')]]))
  })

  test('that is replaced again keeps its own end, if that is earlier', async () => {
    await rotate(10)
    now = new Date(now.getTime() + 4 * hourMs)
    await rotate(24)
    expect(await signing(5.9)).toEqual([2, 1, 0])
    expect(await signing(6)).toEqual([2, 1])
    expect(await signing(24)).toEqual([2])
  })

  test('never outlives a later overlap', async () => {
    await rotate(168)
    await rotate(1)
    expect(await signing()).toEqual([2, 1, 0])
    expect(await signing(1)).toEqual([2])
  })

  test('ends at once, like all others, when it is replaced without an overlap', async () => {
    await rotate(168)
    await rotate(0)
    expect(await signing()).toEqual([2])
    expect(await readOverlapEnds(books, place.accountId, [webhookId], now)).toEqual(new Map())
    const left = await runSql(
      place.databaseUrl,
      `SELECT number FROM webhook_secret WHERE webhook_id = '${webhookId}'`,
    )
    expect(left).toEqual([{ number: 3 }])
  })

  test('is one of four at most: a fifth is refused and changes nothing, unless the others end', async () => {
    for (const hours of [30, 20, 10]) await rotate(hours)
    const before = await signing()
    expect(before).toEqual([3, 2, 1, 0])
    await expect(rotate(10)).rejects.toThrow(InvalidInputError)
    expect(await signing(9.9)).toEqual(before)
    await rotate(0)
    expect(await signing()).toEqual([4])
  })

  test.each([-1, 169])('cannot overlap for %i hours', async (hours) => {
    await expect(rotate(hours)).rejects.toThrow(InvalidInputError)
    expect(await signing()).toEqual([0])
  })

  test('is replaced by one request after the other', async () => {
    const rotations = await Promise.all(
      [1, 2, 3].map(() => rotateSecret(books, place.accountId, { webhookId, overlapHours: 24 })),
    )
    given.push(...rotations.map(secretText))
    expect((await signing()).toSorted()).toEqual([0, 1, 2, 3])
  })

  test('is stored wrapped with the master key, and opened to sign', async () => {
    const keyring = new Keyring({ current: new MasterKey(randomBytes(32)) })
    const wrapping = await place.another({ keyring })
    const wrapped = { books: wrapping, accountId: place.accountId }
    const made = await newWebhook(wrapped, 'http://127.0.0.1:1/')
    const { accountId } = place
    const [secret] = await readSecrets(wrapping, { accountId, id: made.webhookId }, wrapping.now())
    expect(secret && secretText(secret)).toBe(made.secret)
    const [stored] = await runSql<{ secret: Buffer; wrapped_by: string }>(
      place.databaseUrl,
      `SELECT secret, wrapped_by FROM webhook_secret WHERE webhook_id = '${made.webhookId}'`,
    )
    expect(stored?.wrapped_by).toBe(keyring.currentId)
    expect(stored?.secret.toString('base64')).not.toContain(made.secret.slice('whsec_'.length, -2))
    // And without the key, it is of no use.
    await expect(readSecrets(books, { accountId, id: made.webhookId }, now)).rejects.toThrow(/MASTER_KEY/)
  })
})
