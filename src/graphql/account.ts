import { allScopes, createApiKey, revokeApiKey } from '../domain/account/account.ts'
import { InvalidInputError, NotFoundError } from '../domain/books/errors.ts'
import type { Scope as ScopeName } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { topLevelError } from './errors/top-level.ts'
import { rowReads } from './field-rules.ts'
import { inputId } from './ids.ts'
import { maxNameBytes } from './max-sizes.ts'

const maxSecretBytes = 100
// Accounts can have more keys, and few do.
const usualKeys = 200

const Scope = builder.enumType('Scope', {
  description: 'What an API key may do. No scope includes another.',
  values: {
    READ: { description: 'Every query and subscription.' },
    MANAGE: {
      description: 'Formats, pools, settings and generation; reading codes that are still available.',
    },
    CLAIM: { description: 'Claim codes.' },
    ADMIN: { description: 'API keys.' },
  } satisfies Record<ScopeName, { description: string }>,
})

export const ApiKey = builder.prismaNode('ApiKey', {
  description:
    "A key to the API. Its secret is shown once, when it is created; hint is the secret's beginning.",
  id: { resolve: (key) => key.id },
  findUnique: (id, { accountId }) => ({ id, accountId }),
  fields: (t) => ({
    name: t.exposeString('name', {
      weight: { bytes: maxNameBytes },
      description:
        'What it is for, as whoever created it said. Several keys may have the same name: hint tells them apart.',
    }),
    hint: t.exposeString('hint', {
      weight: { bytes: maxSecretBytes },
      description: 'The beginning of the secret, to tell keys apart.',
    }),
    scopes: t.expose('scopes', {
      type: [Scope],
      weight: { items: allScopes.length },
      description: 'What it may do.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When it was last used, or up to a minute before that, and never later than revokedAt; null if never.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null while it works.',
    }),
  }),
})

export const Account = builder.prismaNode('Account', {
  description: 'Whoever owns formats, pools and codes. Nothing of one account can be seen from another.',
  id: { resolve: (account) => account.id },
  findUnique: (id) => ({ id }),
  fields: (t) => ({
    name: t.exposeString('name', { weight: { bytes: maxNameBytes }, description: 'Its name.' }),
    apiKeys: t.field({
      type: [ApiKey],
      nullable: true,
      description: 'Its API keys, newest first, revoked ones too. Needs ADMIN.',
      authScopes: { scope: 'ADMIN' },
      weight: { items: usualKeys, reads: 2 * rowReads },
      resolve: async (_account, _args, { books, accountId, keyUses }) => {
        await keyUses.written()
        return await books.prisma.apiKey.findMany({ where: { accountId }, orderBy: { id: 'desc' } })
      },
    }),
  }),
})

/** Throws FORBIDDEN unless the key may read API keys. */
export function mayReadKeys({ scopes }: Context): void {
  if (!scopes.includes('ADMIN'))
    throw topLevelError('FORBIDDEN', 'This API key lacks the scope ADMIN, which reading API keys needs.')
}

builder.queryField('account', (t) =>
  t.prismaField({
    type: Account,
    description: 'Your account: the one that the API key belongs to. Needs READ.',
    authScopes: { scope: 'READ' },
    resolve: (query, _root, _args, { books, accountId }) =>
      books.prisma.account.findUniqueOrThrow({ ...query, where: { id: accountId } }),
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
        description: 'The key, as it is now.',
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
    description: 'What requests carry: "Authorization: Bearer <secret>". It is shown here and never again.',
  }),
)
const RevokeApiKeyPayload = keyPayload('RevokeApiKeyPayload', 'The key no longer works.')

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A key to create.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description:
        'What it is for: 1 to 100 characters. Another key may have the same name, as when one is replaced.',
    }),
    scopes: t.field({ type: [Scope], required: true, description: 'What it may do: at least one scope.' }),
  }),
})

const RevokeApiKeyInput = builder.inputType('RevokeApiKeyInput', {
  description: 'A key to revoke.',
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
      union: { description: 'The new key with its secret, or why there is none.' },
    },
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'The key to create.' }) },
    resolve: (_root, { input }, { books, accountId }) => createApiKey(books.pool, accountId, input),
  }),
  revokeApiKey: t.field({
    type: RevokeApiKeyPayload,
    nullable: true,
    description:
      'Revokes an API key for good: requests with it are refused at once, and its subscriptions end within seconds. ' +
      'Needs ADMIN.',
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
