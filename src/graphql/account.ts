import { allScopes, createApiKey, revokeApiKey } from '../domain/account/account.ts'
import { InvalidInputError, NotFoundError } from '../domain/books/errors.ts'
import type { Scope as ScopeName } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { unauthenticated } from './errors/top-level.ts'
import { rowReads } from './field-rules.ts'
import { inputId } from './ids.ts'
import { maxNameBytes } from './max-sizes.ts'

const maxSecretBytes = 100
// An account may have more keys; few have.
const usualKeys = 200

const Scope = builder.enumType('Scope', {
  description: 'A permission of an API key. No scope includes another.',
  values: {
    READ: { description: 'Run queries and subscriptions.' },
    MANAGE: {
      description:
        'Manage formats, pools and tasks: create, change, generate, upload, set terms, archive. Withdraw, restore, void and ' +
        'unvoid codes. Read available and withdrawn codes, and the rows of uploaded files.',
    },
    CLAIM: { description: 'Claim codes.' },
    REDEEM: {
      description:
        'Redeem codes and roll redemptions back, as a till does. Who a code is for is shown only with READ or CLAIM.',
    },
    ADMIN: { description: 'Manage API keys and webhooks. Forget recipients.' },
  } satisfies Record<ScopeName, { description: string }>,
})

/** A key may read this of itself, whatever its scopes. Of other keys it needs ADMIN, as before a key is known. */
function ownOrAdmin(key: { id: string } | undefined, _args: object, { keyId }: Context) {
  return key?.id === keyId ? { anyScope: allScopes } : { scope: 'ADMIN' as const }
}

export const ApiKey = builder.prismaNode('ApiKey', {
  description:
    'A key for the API. Its secret is shown only once, when the key is created. Of itself, every key can read what apiKey ' +
    'says. With READ, only the id, the name and the hint of keys that caused an event, or created a task or a webhook, can be ' +
    'read; with MANAGE, those of keys that created a task. Everything else needs ADMIN.',
  id: { resolve: (key) => key.id },
  findUnique: (id, { accountId }) => ({ id, accountId }),
  fields: (t) => ({
    name: t.exposeString('name', {
      weight: { bytes: maxNameBytes },
      description: 'What the key is for. Several keys can have the same name; hint tells them apart.',
    }),
    hint: t.exposeString('hint', {
      weight: { bytes: maxSecretBytes },
      description: 'The first characters of the secret, to tell keys apart.',
    }),
    scopes: t.expose('scopes', {
      type: [Scope],
      authScopes: ownOrAdmin,
      weight: { items: allScopes.length },
      description: 'What the key may do. Needs ADMIN, except for the key of the request.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      authScopes: ownOrAdmin,
      description: 'When the key was created. Needs ADMIN, except for the key of the request.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      authScopes: { scope: 'ADMIN' },
      description:
        'When the key was last used. May lag behind by up to a minute, and is never later than revokedAt. Null if ' +
        'the key was never used. Needs ADMIN.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      authScopes: { scope: 'ADMIN' },
      description: 'When the key was revoked. Null while it is valid. Needs ADMIN.',
    }),
  }),
})

export const Account = builder.prismaNode('Account', {
  description: "The owner of formats, pools and codes. Accounts cannot see each other's data.",
  id: { resolve: (account) => account.id },
  findUnique: (id) => ({ id }),
  fields: (t) => ({
    name: t.exposeString('name', {
      weight: { bytes: maxNameBytes },
      description: 'The name of the account.',
    }),
    apiKeys: t.field({
      type: [ApiKey],
      nullable: true,
      description: 'The API keys of the account, newest first, including revoked ones. Needs ADMIN.',
      authScopes: { scope: 'ADMIN' },
      weight: { items: usualKeys, reads: 2 * rowReads },
      resolve: async (_account, _args, { books, accountId, keyUses }) => {
        await keyUses.written()
        return await books.prisma.apiKey.findMany({ where: { accountId }, orderBy: { id: 'desc' } })
      },
    }),
  }),
})

builder.queryField('account', (t) =>
  t.prismaField({
    type: Account,
    description: 'Your account: the one that the API key belongs to. Needs READ or ADMIN.',
    authScopes: { anyScope: ['READ', 'ADMIN'] },
    resolve: (query, _root, _args, { books, accountId }) =>
      books.prisma.account.findUniqueOrThrow({ ...query, where: { id: accountId } }),
  }),
)

builder.queryField('apiKey', (t) =>
  t.field({
    type: ApiKey,
    description:
      'The key of this request: its id, name, hint, scopes and createdAt. A page can show what the key may do, and leave out the ' +
      'rest. Needs no scope.',
    resolve: async (_root, _args, { nodes, keyId, keyUses }) => {
      await keyUses.written()
      const key = await nodes.apiKey.load(keyId)
      // The key for GraphiQL is deleted at every start.
      if (key === null) throw unauthenticated('This API key does not exist any more.')
      return key
    },
  }),
)

interface KeyPayload {
  keyId: string
}

function keyPayload<Payload extends KeyPayload>(name: string, description: string) {
  return builder.objectRef<Payload>(name).implement({
    description,
    fields: (t) => ({
      apiKey: t.prismaField({
        type: ApiKey,
        description: 'The key in its current state.',
        weight: { reads: rowReads },
        resolve: async (query, { keyId: id }, _args, { books, accountId, keyUses }) => {
          await keyUses.written()
          return await books.prisma.apiKey.findUniqueOrThrow({ ...query, where: { id, accountId } })
        },
      }),
    }),
  })
}

const CreateApiKeyPayload = keyPayload<KeyPayload & { secret: string }>(
  'CreateApiKeyPayload',
  'The key was created.',
)
builder.objectField(CreateApiKeyPayload, 'secret', (t) =>
  t.exposeString('secret', {
    weight: { bytes: maxSecretBytes },
    description:
      'The secret. Send it with every request: "Authorization: Bearer <secret>". It is shown only here.',
  }),
)
const RevokeApiKeyPayload = keyPayload('RevokeApiKeyPayload', 'The key no longer works.')

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'The API key to create.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description:
        'What the key is for: 1 to 100 characters. It need not be unique, so a replacement can have the same name.',
    }),
    scopes: t.field({
      type: [Scope],
      required: true,
      description: 'What the key may do: at least one scope.',
    }),
  }),
})

const RevokeApiKeyInput = builder.inputType('RevokeApiKeyInput', {
  description: 'The API key to revoke.',
  fields: (t) => ({ apiKeyId: t.id({ required: true, description: 'The id of the key.' }) }),
})

builder.mutationFields((t) => ({
  createApiKey: t.field({
    type: CreateApiKeyPayload,
    nullable: true,
    description: 'Creates an API key for your account. Needs ADMIN.',
    authScopes: { scope: 'ADMIN' },
    errors: {
      types: [InvalidInputError],
      union: { description: 'The new key with its secret, or why it was not created.' },
    },
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'The key to create.' }) },
    resolve: (_root, { input }, { books, accountId }) => createApiKey(books.connections, accountId, input),
  }),
  revokeApiKey: t.field({
    type: RevokeApiKeyPayload,
    nullable: true,
    description:
      'Revokes an API key permanently. Requests with it are refused immediately, and its subscriptions end within ' +
      'seconds. Needs ADMIN.',
    authScopes: { scope: 'ADMIN' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'The revoked key, or why it was not revoked.' },
    },
    args: { input: t.arg({ type: RevokeApiKeyInput, required: true, description: 'The key to revoke.' }) },
    resolve: async (_root, { input }, { books, accountId }) => {
      const keyId = inputId('ApiKey', input.apiKeyId, 'apiKeyId')
      await revokeApiKey(books, accountId, keyId)
      return { keyId }
    },
  }),
}))
