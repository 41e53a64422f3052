import { InvalidInputError, NameTakenError, NotFoundError } from '../domain/books/errors.ts'
import { saveReplenishment } from '../domain/generation/replenishment.ts'
import { archivePool, unarchivePool } from '../domain/pool/archive.ts'
import {
  createPool,
  ExternalIdTakenError,
  findPoolByExternalId,
  type PoolState,
  type PoolStatus as PoolStatusName,
  poolStatus,
  poolsMatching,
  renamePool,
  updatePool,
} from '../domain/pool/pool.ts'
import type { ReplenishmentMethod as ReplenishmentMethodName } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import { loadedReads, rowReads } from './field-rules.ts'
import { Format } from './format.ts'
import { inputId, uuidOf } from './ids.ts'
import { maxDescriptionBytes, maxExternalIdBytes, maxNameBytes } from './max-sizes.ts'
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
        'the refill. While the pool is archived, and from validUntil of its terms on, it is not refilled.',
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
    description: t.exposeString('description', {
      nullable: true,
      weight: { bytes: maxDescriptionBytes, usualBytes: 200 },
      description: 'What the pool is for, in the words of your team. Null if none was given.',
    }),
    externalId: t.exposeString('externalId', {
      nullable: true,
      weight: { bytes: maxExternalIdBytes, usualBytes: 100 },
      description:
        'The id of the pool in another system, such as the id of a campaign there. poolByExternalId finds the pool by it. ' +
        'Null if none was given.',
    }),
    archivedAt: t.expose('archivedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the pool was archived. While it is archived, no codes are claimed from it, generated into it or uploaded to ' +
        'it; codes that were claimed before can still be looked up and redeemed. Null if it is not archived.',
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
      description:
        'The exact number of codes that have been claimed, including those that have been redeemed, voided or expired.',
    }),
    withdrawnCount: t.expose('withdrawn', {
      type: 'BigInt',
      description:
        'The exact number of codes that are withdrawn from the stock. They can be restored (restoreCodes).',
    }),
    redeemedCount: t.expose('redeemed', {
      type: 'BigInt',
      description:
        'The exact number of claimed codes that are redeemed. Rolling a redemption back reduces it.',
    }),
    voidedCount: t.expose('voided', {
      type: 'BigInt',
      description: 'The exact number of claimed codes that are void. Unvoiding codes reduces it.',
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
    description:
      'The pools of your account, newest first. Archived ones only if you ask for them (archived). Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: (args) => checkPage(args, 'Pool'),
    args: {
      ...pageArguments(),
      search: t.arg.string({ description: aboutSearch }),
      status: t.arg({ type: [PoolStatus], description: 'Only pools with one of these statuses.' }),
      archived: t.arg.boolean({
        defaultValue: false,
        description: 'false: only pools that are not archived. true: only archived pools. null: both.',
      }),
    },
    resolve: (_root, { search, status, archived, ...page }, context) => {
      const filter = poolsMatching({
        search: searchText(search),
        status: status ?? undefined,
        archived: archived ?? undefined,
      })
      return newestFirst(page, { type: 'Pool', nodes: context.nodes.pool, filter }, context)
    },
  }),
  poolByExternalId: t.field({
    type: Pool,
    nullable: true,
    description:
      'The pool with this external id, exactly as it was given to updatePool or createPool, archived or not. Null if your ' +
      'account has none. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: { reads: 2 * rowReads },
    args: {
      externalId: t.arg.string({ required: true, description: 'The id of the pool in the other system.' }),
    },
    resolve: async (_root, { externalId }, { books, accountId, nodes }) => {
      const poolId = await findPoolByExternalId(books, accountId, externalId)
      return poolId === undefined ? null : await nodes.pool.load(poolId)
    },
  }),
}))

interface PoolPayload {
  poolId: string
}

/** A payload with the pool that was changed. */
export function poolPayload<Payload extends PoolPayload>(name: string, description: string) {
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
const UpdatePoolPayload = poolPayload('UpdatePoolPayload', 'The pool has the values that were given.')
const ArchivePoolPayload = poolPayload('ArchivePoolPayload', 'The pool is archived.')
const UnarchivePoolPayload = poolPayload('UnarchivePoolPayload', 'The pool is not archived.')

/** `refillTaskId`: the refill that saving started, if any. */
export const SaveReplenishmentPayload = poolPayload<PoolPayload & { refillTaskId: string | undefined }>(
  'SaveReplenishmentPayload',
  'The Promo Codes section was saved.',
)

const aboutDescription = 'What the pool is for: up to 1,000 characters. Spaces at its ends are removed.'
const aboutExternalId =
  'The id of the pool in another system: 1 to 255 characters of any kind, kept exactly as they are. It must be unique ' +
  'among the pools of the account.'

const CreatePoolInput = builder.inputType('CreatePoolInput', {
  description: 'The pool to create.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'The name: 1 to 100 characters, unique among the pools of the account, ignoring case.',
    }),
    description: t.string({ description: aboutDescription }),
    externalId: t.string({ description: aboutExternalId }),
  }),
})

const UpdatePoolInput = builder.inputType('UpdatePoolInput', {
  description: 'What to change of a pool. What is left out stays as it is.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    name: t.string({
      description:
        'The new name: 1 to 100 characters, unique among the pools of the account, ignoring case. It cannot be null.',
    }),
    description: t.string({
      description: `${aboutDescription} null, or a text of only spaces, removes it.`,
    }),
    externalId: t.string({ description: `${aboutExternalId} null removes it.` }),
  }),
})

const ArchivePoolInput = builder.inputType('ArchivePoolInput', {
  description: 'The pool to archive.',
  fields: (t) => ({ poolId: t.id({ required: true, description: 'The id of the pool.' }) }),
})

const UnarchivePoolInput = builder.inputType('UnarchivePoolInput', {
  description: 'The pool to unarchive.',
  fields: (t) => ({ poolId: t.id({ required: true, description: 'The id of the pool.' }) }),
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
      types: [InvalidInputError, NameTakenError, ExternalIdTakenError],
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
    description: 'Renames a pool. updatePool can do this, too. Needs MANAGE.',
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
  updatePool: t.field({
    type: UpdatePoolPayload,
    nullable: true,
    description:
      'Changes the name, the description or the external id of a pool; what is left out stays as it is. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError, NameTakenError, ExternalIdTakenError],
      union: { description: 'The changed pool, or why it was not changed.' },
    },
    args: { input: t.arg({ type: UpdatePoolInput, required: true, description: 'The changes.' }) },
    resolve: async (_root, { input }, { books, accountId }) => {
      const poolId = inputId('Pool', input.poolId, 'poolId')
      await updatePool(books, accountId, { ...input, poolId })
      return { poolId }
    },
  }),
  archivePool: t.field({
    type: ArchivePoolPayload,
    nullable: true,
    description:
      'Archives a pool, when its campaign is over, for example: from now on, no codes are claimed from it, generated into it ' +
      'or uploaded to it, it is not refilled, and pools lists it only on request. In a pool with onePerRecipient, those who ' +
      'already hold a code still get that code. Tasks that were accepted before still finish. Nothing is deleted: codes can ' +
      'still be looked up, redeemed and downloaded. unarchivePool undoes this. Archiving an archived pool changes nothing ' +
      'and is not an error. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'The archived pool, or why it was not archived.' },
    },
    args: { input: t.arg({ type: ArchivePoolInput, required: true, description: 'The pool to archive.' }) },
    resolve: async (_root, { input }, { books, accountId }) => {
      const poolId = inputId('Pool', input.poolId, 'poolId')
      await archivePool(books, accountId, poolId)
      return { poolId }
    },
  }),
  unarchivePool: t.field({
    type: UnarchivePoolPayload,
    nullable: true,
    description:
      'Unarchives a pool: it can be used again, with its codes and settings as they are. If it has auto-generation on, it is ' +
      'refilled at the next claim that needs it. Unarchiving a pool that is not archived changes nothing and is not an ' +
      'error. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'The pool, or why it was not unarchived.' },
    },
    args: {
      input: t.arg({ type: UnarchivePoolInput, required: true, description: 'The pool to unarchive.' }),
    },
    resolve: async (_root, { input }, { books, accountId }) => {
      const poolId = inputId('Pool', input.poolId, 'poolId')
      await unarchivePool(books, accountId, poolId)
      return { poolId }
    },
  }),
  saveReplenishment: t.field({
    type: SaveReplenishmentPayload,
    nullable: true,
    description:
      'Saves the Promo Codes section of a pool as a whole: a setting that is left out is set to its default. With ' +
      'autoGenerate, a pool that is at or below its threshold is refilled immediately, unless it is archived. If validUntil ' +
      'of its terms is in the past, autoGenerate is refused. Needs MANAGE.',
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
