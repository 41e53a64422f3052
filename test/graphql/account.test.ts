import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { done, mutate, newPool, withScopes } from '../support/api.ts'
import { Client } from '../support/client.ts'
import { runSql } from '../support/database.ts'
import { openStream } from '../support/event-stream.ts'
import { startService, useClient, useService } from '../support/service.ts'

const service = useService()
const client = useClient(service)

interface Key {
  id: string
  name: string
  hint: string
  scopes: string[]
  createdAt: string
  lastUsedAt: string | null
  revokedAt: string | null
}

const keyFields = 'id name hint scopes createdAt lastUsedAt revokedAt'

const create = (input: Record<string, unknown>) =>
  mutate<{ apiKey: Key; secret: string }>(client, 'createApiKey', input, `secret apiKey { ${keyFields} }`)

const revoke = (apiKeyId: string) =>
  mutate<{ apiKey: Key }>(client, 'revokeApiKey', { apiKeyId }, `apiKey { ${keyFields} }`)

const keys = async () =>
  (await client.ask<{ account: { apiKeys: Key[] } }>(`{ account { apiKeys { ${keyFields} } } }`)).account
    .apiKeys

describe('a key', () => {
  test('works immediately and shows its secret once', async () => {
    const { apiKey, secret } = await create({ name: 'Shop', scopes: ['CLAIM', 'READ', 'CLAIM'] })
    expect(apiKey).toMatchObject({
      name: 'Shop',
      scopes: ['READ', 'CLAIM'],
      lastUsedAt: null,
      revokedAt: null,
    })
    expect(secret.length).toBeGreaterThan(40)
    expect(secret.startsWith(apiKey.hint)).toBe(true)
    // The hint is too short to guess the rest.
    expect(secret.length - apiKey.hint.length).toBeGreaterThan(30)
    const shop = new Client({ url: service.url, key: secret })
    expect((await shop.send('{ account { name } }')).errors).toBeUndefined()
    expect(JSON.stringify(await keys())).not.toContain(secret)
    expect(await keys()).toContainEqual(expect.objectContaining({ id: apiKey.id, hint: apiKey.hint }))
  })

  test('is stored only as a hash', async () => {
    const { secret } = await create({ name: 'Kept', scopes: ['READ'] })
    const rows = await runSql<{ row: string }>(
      service.databaseUrl,
      'SELECT to_jsonb(api_key)::text AS row FROM api_key',
    )
    expect(rows.length).toBeGreaterThan(0)
    const text = rows.map((row) => row.row).join()
    expect(text).not.toContain(secret)
    expect(text).not.toContain(Buffer.from(secret).toString('hex'))
  })

  test('is listed newest first, including revoked ones', async () => {
    const made = [
      await create({ name: 'A', scopes: ['READ'] }),
      await create({ name: 'B', scopes: ['READ'] }),
    ]
    await revoke(made[0]?.apiKey.id ?? '')
    const [b, a] = await keys()
    expect([a?.name, b?.name]).toEqual(['A', 'B'])
    expect([a?.revokedAt === null, b?.revokedAt === null]).toEqual([false, true])
  })

  test('shows when it was last used', async () => {
    const used = await withScopes(service, client, ['READ'])
    const before = Date.now()
    await used.ask('{ account { name } }')
    const lastUsedAt = async () => (await keys()).find((key) => key.id === used.keyId)?.lastUsedAt
    await expect.poll(lastUsedAt, { timeout: 10_000 }).not.toBeNull()
    expect(Date.parse((await lastUsedAt()) ?? '')).toBeGreaterThan(before - 1_000)
  })

  test('shows a use from before the query, even while that is still being written', async () => {
    const used = await withScopes(service, client, ['READ'])
    const holder = new pg.Client({ connectionString: service.databaseUrl })
    await holder.connect()
    try {
      await holder.query('BEGIN')
      await holder.query('SELECT 1 FROM api_key FOR NO KEY UPDATE')
      await used.ask('{ account { name } }')
      let answered = false
      const reading = Promise.all([
        keys(),
        client.ask<{ node: Key }>('query ($id: ID!) { node(id: $id) { ... on ApiKey { lastUsedAt } } }', {
          id: used.keyId,
        }),
      ]).finally(() => {
        answered = true
      })
      // An operation that was sent later is answered, these two are not: they wait for what is being written.
      await client.ask('{ account { name } }')
      expect(answered).toBe(false)
      await holder.query('ROLLBACK')
      const [listed, { node }] = await reading
      expect(listed.find((key) => key.id === used.keyId)?.lastUsedAt).not.toBeNull()
      expect(node.lastUsedAt).not.toBeNull()
    } finally {
      await holder.end()
    }
  })

  test('works with "Bearer" in any case, and only in full', async () => {
    const status = async (authorization: string) =>
      (
        await fetch(`${service.url}/graphql?query={account{id}}`, {
          headers: { authorization },
        })
      ).status
    for (const good of [`Bearer ${service.key}`, `bearer ${service.key}`, `BEARER  ${service.key}`])
      expect(await status(good)).toBe(200)
    const basic = Buffer.from(`:${service.key}`).toString('base64')
    for (const bad of [
      service.key,
      `Basic ${basic}`,
      `Bearer`,
      `Bearer${service.key}`,
      `Bearer "${service.key}"`,
      `Bearer ${service.key} ${service.key}`,
      `Bearer ${service.key.toUpperCase()}`,
    ])
      expect([bad, await status(bad)]).toEqual([bad, 401])
  })

  test.each([
    [{ name: 'x', scopes: [] }, ['scopes'], /at least one scope.*READ/],
    [{ name: '', scopes: ['READ'] }, ['name'], /empty/],
    [{ name: '', scopes: [] }, [], /name: .*empty.* scopes: .*at least one scope/],
  ])('from %j is refused', async (input, path, message) => {
    const refused = await create(input)
    expect(refused).toMatchObject({ __typename: 'InvalidInputError', path })
    expect(refused.message).toMatch(message)
  })
})

describe('the key of a request', () => {
  test.each(['READ', 'MANAGE', 'CLAIM', 'REDEEM', 'ADMIN'])(
    'with only %s learns what it may do',
    async (scope) => {
      const key = await withScopes(service, client, [scope])
      const { apiKey } = await key.ask<{ apiKey: object }>('{ apiKey { id name hint scopes createdAt } }')
      const [listed] = (await keys()).filter(({ id }) => id === key.keyId)
      const { lastUsedAt: _, revokedAt: __, ...own } = listed ?? ({} as Key)
      expect(apiKey).toEqual(own)
      expect(own.scopes).toEqual([scope])
    },
  )

  test('needs ADMIN for when it was last used and revoked', async () => {
    const asking = '{ apiKey { lastUsedAt revokedAt } }'
    const reader = await withScopes(service, client, ['READ', 'MANAGE', 'CLAIM', 'REDEEM'])
    expect((await reader.send(asking)).errors?.map(({ extensions }) => extensions.code)).toEqual([
      'FORBIDDEN',
      'FORBIDDEN',
    ])
    const admin = await withScopes(service, client, ['ADMIN'])
    const { apiKey } = await admin.ask<{ apiKey: Key }>(asking)
    expect(apiKey).toEqual({ lastUsedAt: expect.any(String), revokedAt: null })
  })

  test('learns nothing more of other keys', async () => {
    const id = await newPool(await withScopes(service, client, ['MANAGE']))
    const reader = await withScopes(service, client, ['READ'])
    const actors = (fields: string) =>
      reader.send(`query ($id: ID!) { poolEvents(poolId: $id) { edges { node { actor { ${fields} } } } } }`, {
        id,
      })
    expect((await actors('name hint')).errors).toBeUndefined()
    for (const field of ['scopes', 'createdAt', 'lastUsedAt', 'revokedAt'])
      expect((await actors(field)).errors?.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN'])
  })

  test('that was deleted a moment ago is unauthenticated', async () => {
    const key = await withScopes(service, client, ['READ'])
    await key.ask('{ apiKey { id } }')
    const id = Buffer.from(key.keyId, 'base64').toString().split(':')[1]
    await runSql(service.databaseUrl, `DELETE FROM api_key WHERE id = '${id}'`)
    const { errors } = await key.send('{ apiKey { id } }')
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['UNAUTHENTICATED'])
  })
})

describe('revoking a key', () => {
  test('is immediate and permanent, and changes nothing the second time', async () => {
    const used = await withScopes(service, client, ['READ'])
    await used.ask('{ account { name } }')
    const { apiKey } = await revoke(used.keyId)
    expect(apiKey.revokedAt).not.toBeNull()
    const { status, errors } = await used.send('{ account { name } }')
    expect([status, errors?.[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED'])
    expect((await revoke(used.keyId)).apiKey.revokedAt).toBe(apiKey.revokedAt)
  })

  test('takes effect in other processes within seconds', async () => {
    await using another = await startService({ databaseUrl: service.databaseUrl })
    const used = await withScopes(service, client, ['READ'])
    const elsewhere = new Client({
      url: another.url,
      key: (used.authorization()['authorization'] ?? '').slice('Bearer '.length),
    })
    await elsewhere.ask('{ account { name } }')
    await revoke(used.keyId)
    await expect
      .poll(async () => (await elsewhere.send('{ account { name } }')).status, { timeout: 10_000 })
      .toBe(401)
  })

  test('refuses further operations on a socket that the key opened', async () => {
    const used = await withScopes(service, client, ['READ'])
    const read = async () => {
      const answers = used.subscribe<{ account: { name: string } }>('{ account { name } }')
      return await answers.next()
    }
    expect((await read()).value?.data).toEqual({ account: { name: 'First account' } })
    await revoke(used.keyId)
    // Each operation that is refused ends with its errors.
    await expect(read()).rejects.toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }])
    await used[Symbol.asyncDispose]()
  })

  test('ends its subscriptions over WebSocket', async () => {
    const used = await withScopes(service, client, ['READ'])
    const poolId = await newPool(client)
    const updates = used.subscribe('subscription ($id: ID!) { poolUpdated(id: $id) { name } }', {
      id: poolId,
    })
    expect((await updates.next()).value?.data).toBeDefined()
    await revoke(used.keyId)
    const ended = updates.next().then(
      ({ value }) => value?.errors?.[0]?.extensions?.['code'],
      (errors: { extensions: { code: string } }[]) => errors[0]?.extensions.code,
    )
    expect(await ended).toBe('UNAUTHENTICATED')
    await used[Symbol.asyncDispose]()
  })

  test('ends its subscriptions over server-sent events', async () => {
    const used = await withScopes(service, client, ['READ'])
    const poolId = await newPool(client)
    const query = 'subscription ($id: ID!) { poolUpdated(id: $id) { name } }'
    const updates = (await openStream(service, used, query, { id: poolId }))[Symbol.asyncIterator]()
    expect((await updates.next()).value?.data).toBeDefined()
    await revoke(used.keyId)
    expect((await updates.next()).value?.errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
    expect((await updates.next()).done).toBe(true)
  })

  test('works for the key that makes the request', async () => {
    const admin = await withScopes(service, client, ['ADMIN'])
    const { apiKey } = await done<{ apiKey: Key }>(
      admin,
      'revokeApiKey',
      { apiKeyId: admin.keyId },
      'apiKey { revokedAt }',
    )
    expect(apiKey.revokedAt).not.toBeNull()
    expect((await admin.send('{ account { name } }')).status).toBe(401)
  })

  test.each(['', 'x', '!!!!'])('%j finds nothing', async (id) => {
    expect(await revoke(id)).toMatchObject({
      __typename: 'NotFoundError',
      code: 'NOT_FOUND',
      path: ['apiKeyId'],
    })
  })

  test('that is a pool finds nothing', async () => {
    expect(await revoke(await newPool(client))).toMatchObject({
      __typename: 'NotFoundError',
      path: ['apiKeyId'],
    })
  })
})
