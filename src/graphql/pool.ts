import { InvalidInputError, NameTakenError, NotFoundError } from '../domain/books/errors.ts'
import { saveReplenishment } from '../domain/generation/replenishment.ts'
import {
  countPools,
  createPool,
  listPools,
  type PoolStatus as PoolStatusName,
  poolStatus,
  renamePool,
} from '../domain/pool/pool.ts'
import type {
  Pool as PoolRow,
  ReplenishmentMethod as ReplenishmentMethodName,
} from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import { countedConnectionType, pageWeight } from './connections.ts'
import { loadedReads } from './field-rules.ts'
import { Format } from './format.ts'
import { inputId, uuidOf } from './ids.ts'
import { integer } from './integers.ts'
import { maxNameBytes } from './max-sizes.ts'
import { aboutSearch, checkPage, newestFirst, pageArguments, searchText } from './pagination.ts'

const PoolStatus = builder.enumType('PoolStatus', {
  description: 'How well a pool is stocked.',
  values: {
    EMPTY: { description: 'No code is available.' },
    LOW: { description: 'No more codes are available than the refill threshold says.' },
    READY: { description: 'More codes are available than the refill threshold says.' },
  } satisfies Record<PoolStatusName, { description: string }>,
})

const ReplenishmentMethod = builder.enumType('ReplenishmentMethod', {
  description: 'How codes come into a pool.',
  values: {
    GENERATE: { description: 'They are generated from a format.' },
    UPLOAD: { description: 'They are uploaded.' },
  } satisfies Record<ReplenishmentMethodName, { description: string }>,
})

const Replenishment = builder.objectRef<PoolRow>('Replenishment').implement({
  description: 'The Promo Codes section of a pool: how it is filled.',
  fields: (t) => ({
    method: t.expose('method', { type: ReplenishmentMethod, description: 'How codes come into the pool.' }),
    format: t.field({
      type: Format,
      nullable: true,
      description: 'The format that codes are generated from; null until one is chosen.',
      weight: { reads: loadedReads },
      resolve: (pool, _args, { nodes }) => (pool.formatId === null ? null : nodes.format.load(pool.formatId)),
    }),
    quantity: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'How many codes an automatic refill generates.',
      resolve: (pool) => (pool.quantity === null ? null : integer(pool.quantity)),
    }),
    autoGenerate: t.exposeBoolean('autoGenerate', {
      description:
        'Auto-generate promo codes if they run out: the very claim that brings the stock to the threshold refills the pool.',
    }),
    refillThreshold: t.field({
      type: 'BigInt',
      description:
        'Refill as soon as no more than this many codes are available: 0 refills when the last code is claimed. Without ' +
        'auto-generation, the pool is LOW from here on.',
      resolve: (pool) => integer(pool.refillThreshold),
    }),
  }),
})

export const Pool = builder.prismaNode('Pool', {
  description: 'A stock of codes that campaigns and integrations draw from.',
  id: { resolve: (pool) => pool.id },
  findUnique: (id, { accountId }) => ({ accountId_id: { accountId, id } }),
  fields: (t) => ({
    name: t.exposeString('name', {
      weight: { bytes: maxNameBytes },
      description: 'Its name, unique among the pools of the account, whatever its case.',
    }),
    replenishment: t.field({
      type: Replenishment,
      description: 'The Promo Codes section: how the pool is filled.',
      resolve: (pool) => pool,
    }),
    availableCount: t.field({
      type: 'BigInt',
      description: 'Codes that can be claimed now. Exact.',
      resolve: availableCount,
    }),
    claimedCount: t.field({
      type: 'BigInt',
      description: 'Codes that have been handed out. Exact.',
      resolve: (pool) => integer(pool.claimed),
    }),
    status: t.field({
      type: PoolStatus,
      description: 'How well it is stocked.',
      resolve: (pool) =>
        poolStatus({ available: availableCount(pool), refillThreshold: integer(pool.refillThreshold) }),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
  }),
})

function availableCount(pool: PoolRow): bigint {
  return integer(pool.total) - integer(pool.claimed)
}

const PoolConnection = countedConnectionType(Pool, 'pools')

builder.queryFields((t) => ({
  pool: t.prismaField({
    type: Pool,
    nullable: true,
    description:
      'A pool of the account by its id; null when there is none, as for any other text. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'The id of a pool.' }) },
    resolve: (query, _root, { id }, { books, accountId }) =>
      books.prisma.pool.findUnique({
        ...query,
        where: { accountId_id: { accountId, id: uuidOf('Pool', id) } },
      }),
  }),
  pools: t.field({
    type: PoolConnection,
    description: 'The pools of the account, newest first. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: checkPage,
    args: {
      ...pageArguments(),
      search: t.arg.string({ description: aboutSearch }),
      status: t.arg({ type: [PoolStatus], description: 'Only those with one of these statuses.' }),
    },
    resolve: async (_root, { search, status, ...page }, { books, accountId, nodes }) => {
      const filter = { search: searchText(search), status: status ?? undefined }
      const connection = await newestFirst(page, {
        load: async (slice) => {
          const ids = await listPools(books, accountId, filter, slice)
          return (await Promise.all(ids.map((id) => nodes.pool.load(id)))).filter((pool) => pool !== null)
        },
      })
      return { ...connection, totalCount: () => countPools(books, accountId, filter) }
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
        description: 'The pool, as it is now.',
        weight: { reads: loadedReads },
        resolve: async ({ poolId }, _args, { nodes }) => {
          const pool = await nodes.pool.load(poolId)
          if (pool === null) throw new Error(`The pool ${poolId} of an answer does not exist.`)
          return pool
        },
      }),
    }),
  })
}

const CreatePoolPayload = poolPayload('CreatePoolPayload', 'The pool was created.')
const RenamePoolPayload = poolPayload('RenamePoolPayload', 'The pool has its new name.')

/** With the task of the refill that saving started at once, if there was one. */
export const SaveReplenishmentPayload = poolPayload<PoolPayload & { refillTaskId: string | undefined }>(
  'SaveReplenishmentPayload',
  'The Promo Codes section was saved.',
)

const CreatePoolInput = builder.inputType('CreatePoolInput', {
  description: 'A pool to create.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description:
        'A name for people: 1 to 100 characters, unique among the pools of the account, whatever its case.',
    }),
  }),
})

const RenamePoolInput = builder.inputType('RenamePoolInput', {
  description: 'A pool and its new name.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    name: t.string({
      required: true,
      description:
        'The new name: 1 to 100 characters, unique among the pools of the account, whatever its case.',
    }),
  }),
})

const SaveReplenishmentInput = builder.inputType('SaveReplenishmentInput', {
  description:
    'The Promo Codes section of a pool, whole: what is not given gets its default. GENERATE needs formatId, and with ' +
    'autoGenerate also quantity, which may be more than the format has left.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    method: t.field({
      type: ReplenishmentMethod,
      required: true,
      description: 'How codes come into the pool.',
    }),
    formatId: t.id({ description: 'The id of the format to generate from.' }),
    quantity: t.field({
      type: 'BigInt',
      description: 'How many codes an automatic refill generates: at least 1.',
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
      description: 'Refill as soon as no more than this many codes are available.',
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
      union: { description: 'The new pool, or why there is none.' },
    },
    args: { input: t.arg({ type: CreatePoolInput, required: true, description: 'The pool to create.' }) },
    resolve: async (_root, { input }, { books, accountId }) => ({
      poolId: await createPool(books, accountId, input),
    }),
  }),
  renamePool: t.field({
    type: RenamePoolPayload,
    nullable: true,
    description: 'Gives a pool another name. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError, NameTakenError],
      union: { description: 'The renamed pool, or why it keeps its name.' },
    },
    args: { input: t.arg({ type: RenamePoolInput, required: true, description: 'What to rename.' }) },
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
      'Saves the Promo Codes section of the pool, whole: what is not given gets its default. With autoGenerate, a pool ' +
      'that is at its threshold already is refilled at once. Needs MANAGE.',
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
