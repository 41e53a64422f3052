import { InvalidInputError, NameTakenError, NotFoundError } from '../domain/books/errors.ts'
import { saveReplenishment } from '../domain/generation/replenishment.ts'
import {
  createPool,
  type PoolState,
  type PoolStatus as PoolStatusName,
  poolStatus,
  poolsMatching,
  renamePool,
} from '../domain/pool/pool.ts'
import type { ReplenishmentMethod as ReplenishmentMethodName } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import { loadedReads } from './field-rules.ts'
import { Format } from './format.ts'
import { inputId, uuidOf } from './ids.ts'
import { maxNameBytes } from './max-sizes.ts'
import { existing } from './nodes.ts'
import {
  aboutSearch,
  checkPage,
  countedConnectionType,
  newestFirst,
  pageArguments,
  pageWeight,
  searchText,
} from './pagination.ts'

const PoolStatus = builder.enumType('PoolStatus', {
  description: 'The stock level of a pool.',
  values: {
    EMPTY: { description: 'No codes are available.' },
    LOW: { description: 'Codes are available, but no more than the refill threshold.' },
    READY: { description: 'More codes are available than the refill threshold.' },
  } satisfies Record<PoolStatusName, { description: string }>,
})

const ReplenishmentMethod = builder.enumType('ReplenishmentMethod', {
  description: 'Where the codes of a pool come from.',
  values: {
    GENERATE: { description: 'Codes are generated from a format.' },
    UPLOAD: { description: 'Codes are uploaded.' },
  } satisfies Record<ReplenishmentMethodName, { description: string }>,
})

const Replenishment = builder.objectRef<PoolState>('Replenishment').implement({
  description: 'The Promo Codes section of a pool: the settings by which it is filled.',
  fields: (t) => ({
    method: t.expose('method', { type: ReplenishmentMethod, description: 'Where the codes come from.' }),
    format: t.field({
      type: Format,
      nullable: true,
      description: 'The format that codes are generated from. Null until one is chosen.',
      weight: { reads: loadedReads },
      resolve: (pool, _args, { nodes }) =>
        pool.formatId === undefined ? null : nodes.format.load(pool.formatId),
    }),
    quantity: t.expose('quantity', {
      type: 'BigInt',
      nullable: true,
      description: 'The number of codes that an automatic refill generates.',
    }),
    autoGenerate: t.exposeBoolean('autoGenerate', {
      description:
        'Auto-generate promo codes if they run out. The claim that brings the stock down to the threshold triggers ' +
        'the refill.',
    }),
    refillThreshold: t.expose('refillThreshold', {
      type: 'BigInt',
      description:
        'Refill the pool when this many codes or fewer are available; 0 refills it when the last code is claimed. Without ' +
        'auto-generation, the threshold only decides when the status is LOW.',
    }),
  }),
})

export const Pool = builder.objectRef<PoolState>('Pool')

builder.node(Pool, {
  description: 'A stock of codes for campaigns and integrations to claim from.',
  id: { resolve: (pool) => pool.id },
  fields: (t) => ({
    name: t.exposeString('name', {
      weight: { bytes: maxNameBytes },
      description: 'The name. It is unique among the pools of the account, ignoring case.',
    }),
    replenishment: t.field({
      type: Replenishment,
      description: 'The Promo Codes section: the settings by which the pool is filled.',
      resolve: (pool) => pool,
    }),
    availableCount: t.field({
      type: 'BigInt',
      description: 'The exact number of codes that can be claimed now.',
      resolve: availableCount,
    }),
    claimedCount: t.expose('claimed', {
      type: 'BigInt',
      description: 'The exact number of codes that have been claimed.',
    }),
    status: t.field({
      type: PoolStatus,
      description: 'The stock level.',
      resolve: (pool) =>
        poolStatus({ available: availableCount(pool), refillThreshold: pool.refillThreshold }),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the pool was created.' }),
  }),
})

function availableCount(pool: PoolState): bigint {
  return pool.total - pool.claimed
}

const PoolConnection = countedConnectionType(Pool, 'pools')

builder.queryFields((t) => ({
  pool: t.field({
    type: Pool,
    nullable: true,
    description:
      'The pool with this id. Null if your account has none, or if the text is not an id. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'The id of a pool.' }) },
    resolve: (_root, { id }, { nodes }) => nodes.pool.load(uuidOf('Pool', id)),
  }),
  pools: t.field({
    type: PoolConnection,
    description: 'The pools of your account, newest first. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: checkPage,
    args: {
      ...pageArguments(),
      search: t.arg.string({ description: aboutSearch }),
      status: t.arg({ type: [PoolStatus], description: 'Only pools with one of these statuses.' }),
    },
    resolve: (_root, { search, status, ...page }, context) => {
      const filter = poolsMatching({ search: searchText(search), status: status ?? undefined })
      return newestFirst(page, context.nodes.pool, filter, context)
    },
  }),
}))

interface PoolPayload {
  poolId: string
}

function poolPayload<Payload extends PoolPayload>(name: string, description: string) {
  return builder.objectRef<Payload>(name).implement({
    description,
    fields: (t) => ({
      pool: t.field({
        type: Pool,
        description: 'The pool in its current state.',
        weight: { reads: loadedReads },
        resolve: ({ poolId }, _args, { nodes }) => existing(nodes.pool, poolId),
      }),
    }),
  })
}

const CreatePoolPayload = poolPayload('CreatePoolPayload', 'The pool was created.')
const RenamePoolPayload = poolPayload('RenamePoolPayload', 'The pool was renamed.')

/** `refillTaskId`: the refill that saving started, if any. */
export const SaveReplenishmentPayload = poolPayload<PoolPayload & { refillTaskId: string | undefined }>(
  'SaveReplenishmentPayload',
  'The Promo Codes section was saved.',
)

const CreatePoolInput = builder.inputType('CreatePoolInput', {
  description: 'The pool to create.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'The name: 1 to 100 characters, unique among the pools of the account, ignoring case.',
    }),
  }),
})

const RenamePoolInput = builder.inputType('RenamePoolInput', {
  description: 'The pool to rename and its new name.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    name: t.string({
      required: true,
      description: 'The new name: 1 to 100 characters, unique among the pools of the account, ignoring case.',
    }),
  }),
})

const SaveReplenishmentInput = builder.inputType('SaveReplenishmentInput', {
  description:
    'The Promo Codes section of a pool, as a whole: a setting that is left out is set to its default. GENERATE needs ' +
    'formatId. With autoGenerate it also needs quantity, which may be more than the format has left.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    method: t.field({
      type: ReplenishmentMethod,
      required: true,
      description: 'Where the codes come from.',
    }),
    formatId: t.id({ description: 'The id of the format to generate from.' }),
    quantity: t.field({
      type: 'BigInt',
      description: 'The number of codes that an automatic refill generates: at least 1.',
    }),
    autoGenerate: t.boolean({
      required: true,
      defaultValue: false,
      description: 'Auto-generate promo codes if they run out.',
    }),
    refillThreshold: t.field({
      type: 'BigInt',
      required: true,
      defaultValue: 0n,
      description: 'Refill the pool when this many codes or fewer are available.',
    }),
  }),
})

builder.mutationFields((t) => ({
  createPool: t.field({
    type: CreatePoolPayload,
    nullable: true,
    description: 'Creates an empty pool. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NameTakenError],
      union: { description: 'The new pool, or why it was not created.' },
    },
    args: { input: t.arg({ type: CreatePoolInput, required: true, description: 'The pool to create.' }) },
    resolve: async (_root, { input }, { books, accountId }) => ({
      poolId: await createPool(books, accountId, input),
    }),
  }),
  renamePool: t.field({
    type: RenamePoolPayload,
    nullable: true,
    description: 'Renames a pool. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError, NameTakenError],
      union: { description: 'The renamed pool, or why it was not renamed.' },
    },
    args: {
      input: t.arg({ type: RenamePoolInput, required: true, description: 'The pool and its new name.' }),
    },
    resolve: async (_root, { input }, { books, accountId }) => {
      const poolId = inputId('Pool', input.poolId, 'poolId')
      await renamePool(books, accountId, { poolId, name: input.name })
      return { poolId }
    },
  }),
  saveReplenishment: t.field({
    type: SaveReplenishmentPayload,
    nullable: true,
    description:
      'Saves the Promo Codes section of a pool as a whole: a setting that is left out is set to its default. With ' +
      'autoGenerate, a pool that is at or below its threshold is refilled immediately. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'The pool with its new settings, or why they were not saved.' },
    },
    args: {
      input: t.arg({ type: SaveReplenishmentInput, required: true, description: 'The settings to save.' }),
    },
    resolve: async (_root, { input }, { books, accountId }) => {
      const poolId = inputId('Pool', input.poolId, 'poolId')
      const refillTaskId = await saveReplenishment(books, accountId, {
        poolId,
        method: input.method,
        formatId: input.formatId == null ? undefined : inputId('Format', input.formatId, 'formatId'),
        quantity: input.quantity ?? undefined,
        autoGenerate: input.autoGenerate,
        refillThreshold: input.refillThreshold,
      })
      return { poolId, refillTaskId }
    },
  }),
}))
