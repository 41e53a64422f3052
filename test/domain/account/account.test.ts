import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  allScopes,
  createAccount,
  createApiKey,
  createFirstAccount,
  findApiKeys,
  findFirstAccount,
  hashOfSecret,
  parseScopes,
  renewLocalKey,
  revokeApiKey,
  touchApiKeys,
} from '../../../src/domain/account/account.ts'
import type { Books } from '../../../src/domain/books/books.ts'
import { InvalidInputError, NameTakenError, NotFoundError } from '../../../src/domain/books/errors.ts'
import { readLog } from '../../../src/domain/books/event-log.ts'
import { newAccount, openBooks, useBooks } from '../../support/books.ts'
import { testDatabase, waitUntilSomebodyWaitsFor } from '../../support/database.ts'

const test = useBooks()

/** Every row of every table, as text. */
async function dump(books: Books): Promise<string> {
  const tables = await books.rows<{ name: string }>({
    text: `SELECT format('%I', tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
  })
  const rows = await Promise.all(
    tables.map(({ name }) => books.rows({ text: `SELECT to_jsonb(t)::text FROM ${name} t` })),
  )
  return JSON.stringify(rows)
}

it('the name of an account is unique, ignoring case', async () => {
  const name = `Acme ${randomUUID()}`
  const { connections } = test.books
  const outcomes = await Promise.allSettled(
    [name, name.toUpperCase(), name.toLowerCase()].map((one) => createAccount(connections, one)),
  )
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(NameTakenError)
})

describe('the first account', () => {
  it('is created once when several processes start at the same moment', async () => {
    await using database = await testDatabase()
    const made = await Promise.all(
      Array.from({ length: 5 }, () => createFirstAccount(database.connections, 'First account')),
    )
    expect(made.filter((account) => account !== undefined)).toHaveLength(1)
    const { rows } = await database.connections.query('SELECT id FROM account')
    expect(rows).toEqual([{ id: made.find((account) => account !== undefined)?.accountId }])
  })

  it('has a key with all scopes and the given secret', async () => {
    await using own = await openBooks()
    const { books } = own
    await books.connections.query('TRUNCATE account, catalog, event_log CASCADE')
    const secret = randomUUID()
    const made = await createFirstAccount(books.connections, 'First account', secret)
    expect(made?.secret).toBe(secret)
    expect(await findApiKey(books, secret)).toMatchObject({
      accountId: made?.accountId,
      scopes: allScopes,
      revokedAt: null,
    })
    expect(await findFirstAccount(books)).toBe(made?.accountId)
    expect(await createFirstAccount(books.connections, 'Another')).toBeUndefined()
    await newAccount(books)
    expect(await findFirstAccount(books)).toBe(made?.accountId)
  })
})

/** The key that a secret belongs to, unless it has been revoked. */
async function findApiKey(books: Books, secret: string) {
  const hash = hashOfSecret(secret)
  return (await findApiKeys(books, [hash])).get(hash)
}

describe('an account', () => {
  it('has a unique name and an empty event log', async () => {
    const { connections } = test.books
    const { accountId } = await createAccount(connections, 'Shop')
    expect(await readLog(test.books, accountId)).toMatchObject({ last: 0n, floor: 0n })
    await expect(createAccount(connections, ' Shop ')).rejects.toThrow(NameTakenError)
    await expect(createAccount(connections, '')).rejects.toThrow(InvalidInputError)
    const made = await Promise.allSettled(Array.from({ length: 4 }, () => createAccount(connections, 'Same')))
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})

describe('a key', () => {
  it('is not stored in the database, however it was created', async () => {
    const { books, accountId } = test
    const account = await createAccount(books.connections, randomUUID())
    const chosen = `chosen-${randomUUID()}`
    await createAccount(books.connections, randomUUID(), chosen)
    const key = await createApiKey(books.connections, accountId, { name: 'Till', scopes: ['CLAIM'] })
    const local = await renewLocalKey(books, accountId)
    const everything = await dump(books)
    expect(everything).toContain('Till')
    for (const secret of [account.secret, chosen, key.secret, local.secret]) {
      expect(await findApiKey(books, secret)).toBeDefined()
      expect(everything).toContain(secret.slice(0, 9))
      expect(everything).not.toContain(secret.slice(0, 12))
      expect(everything).not.toContain(secret.slice(9))
      expect(everything).not.toContain(Buffer.from(secret).toString('hex').slice(24))
    }
  })

  it('is found only by its exact secret', async () => {
    const { secret } = await createApiKey(test.books.connections, test.accountId, {
      name: 'Till',
      scopes: ['READ'],
    })
    const key = await findApiKey(test.books, secret)
    expect(key).toMatchObject({ accountId: test.accountId, name: 'Till', hint: secret.slice(0, 9) })
    for (const wrong of ['', secret.slice(0, -1), `${secret} `, secret.toUpperCase(), key?.hint ?? ''])
      expect(await findApiKey(test.books, wrong)).toBeUndefined()
  })

  it('has each of its scopes once, and at least one', async () => {
    const create = (scopes: Parameters<typeof createApiKey>[2]['scopes'], name = 'Key') =>
      createApiKey(test.books.connections, test.accountId, { name, scopes })
    const { secret } = await create(['ADMIN', 'READ', 'ADMIN', 'READ'])
    expect(await findApiKey(test.books, secret)).toMatchObject({ scopes: ['READ', 'ADMIN'] })
    await expect(create([])).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['scopes'] })
    await expect(create(['READ'], '')).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['name'] })
  })

  it('stops working when it is revoked, and others do not', async () => {
    const { books, accountId } = test
    const lost = await createApiKey(books.connections, accountId, { name: 'Till', scopes: ['CLAIM'] })
    const replacement = await createApiKey(books.connections, accountId, { name: 'Till', scopes: ['CLAIM'] })
    const notices: unknown[] = []
    const stopListening = books.notifications.on('keys', (key) => notices.push(key))
    await revokeApiKey(books, accountId, lost.keyId)
    stopListening()
    expect(notices).toHaveLength(1)
    expect(await findApiKey(books, lost.secret)).toBeUndefined()
    expect(await findApiKey(books, replacement.secret)).toMatchObject({ id: replacement.keyId })
  })

  it('keeps the time of its revocation when it is revoked again', async () => {
    const { books, accountId } = test
    const { keyId } = await createApiKey(books.connections, accountId, { name: 'Till', scopes: ['CLAIM'] })
    const revokedAt = async () => (await books.prisma.apiKey.findUnique({ where: { id: keyId } }))?.revokedAt
    await revokeApiKey(books, accountId, keyId)
    const first = await revokedAt()
    await revokeApiKey(books, accountId, keyId)
    expect(await revokedAt()).toEqual(first)
    expect(first).toBeInstanceOf(Date)
  })

  it('cannot be revoked by another account', async () => {
    const { books, accountId } = test
    const { keyId, secret } = await createApiKey(books.connections, accountId, {
      name: 'Till',
      scopes: ['CLAIM'],
    })
    await expect(revokeApiKey(books, await newAccount(books), keyId)).rejects.toThrow(NotFoundError)
    await expect(revokeApiKey(books, accountId, randomUUID())).rejects.toThrow(NotFoundError)
    expect(await findApiKey(books, secret)).toMatchObject({ id: keyId })
  })

  it('of this machine stays the same over restarts, but for its secret', async () => {
    const { books } = test
    const accountId = await newAccount(books)
    // Whatever it is called, a key of somebody else is left alone.
    const other = await createApiKey(books.connections, accountId, { name: 'This machine', scopes: ['READ'] })
    const first = await renewLocalKey(books, accountId)
    const second = await renewLocalKey(books, accountId)
    expect(second.keyId).toBe(first.keyId)
    expect(await findApiKey(books, first.secret)).toBeUndefined()
    expect(await findApiKey(books, second.secret)).toMatchObject({
      accountId,
      id: first.keyId,
      name: 'This machine',
      hint: second.secret.slice(0, 9),
      scopes: allScopes,
    })
    expect(await findApiKey(books, other.secret)).toMatchObject({ scopes: ['READ'] })
  })

  it('of this machine is another one after it was revoked', async () => {
    const { books } = test
    const accountId = await newAccount(books)
    const revoked = await renewLocalKey(books, accountId)
    await revokeApiKey(books, accountId, revoked.keyId)
    const next = await renewLocalKey(books, accountId)
    expect(next.keyId).not.toBe(revoked.keyId)
    expect(await findApiKey(books, revoked.secret)).toBeUndefined()
    expect(await findApiKey(books, next.secret)).toMatchObject({ id: next.keyId, name: 'This machine' })
  })

  it('was never used after it was revoked, in whatever order the two are written', async () => {
    const { books, accountId } = test
    const times = async (id: string) => await books.prisma.apiKey.findUniqueOrThrow({ where: { id } })
    const create = () => createApiKey(books.connections, accountId, { name: 'Till', scopes: ['CLAIM'] })
    const late = await create()
    await revokeApiKey(books, accountId, late.keyId)
    await touchApiKeys(books, [late.keyId])
    const first = await times(late.keyId)
    expect(first.lastUsedAt).toEqual(first.revokedAt)

    // The revocation begins, and waits for a use that is being noted.
    const early = await create()
    const noting = await books.connections.connect()
    try {
      await noting.query('BEGIN')
      await noting.query('SELECT 1 FROM api_key WHERE id = $1 FOR NO KEY UPDATE', [early.keyId])
      const revoking = revokeApiKey(books, accountId, early.keyId)
      await waitUntilSomebodyWaitsFor(noting)
      await noting.query('UPDATE api_key SET last_used_at = $2 WHERE id = $1', [early.keyId, new Date()])
      await noting.query('COMMIT')
      await revoking
    } finally {
      noting.release()
    }
    const second = await times(early.keyId)
    expect(second.revokedAt?.getTime()).toBeGreaterThanOrEqual(
      second.lastUsedAt?.getTime() ?? Number.POSITIVE_INFINITY,
    )
  })

  it('says when it was last used', async () => {
    const { secret } = await createApiKey(test.books.connections, test.accountId, {
      name: 'Till',
      scopes: ['READ'],
    })
    const key = await findApiKey(test.books, secret)
    expect(key?.lastUsedAt).toBeNull()
    await touchApiKeys(test.books, [key?.id ?? ''])
    expect((await findApiKey(test.books, secret))?.lastUsedAt).toBeInstanceOf(Date)
  })
})

describe('scopes', () => {
  it('are parsed ignoring case, and an unknown one is named', () => {
    expect(parseScopes(['read', 'Claim'])).toEqual(['READ', 'CLAIM'])
    expect(() => parseScopes(['READ', 'WRITE'])).toThrow(/"WRITE"/)
  })
})
