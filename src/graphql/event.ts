import { CursorInvalidError } from '../domain/books/errors.ts'
import {
  decodeCursor,
  encodeCursor,
  type PoolChange as PoolChangeName,
  type PoolEventContent,
  type PoolEvent as PoolEventValue,
  readHistory,
  readLog,
} from '../domain/books/event-log.ts'
import { ApiKey } from './account.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { loadedReads } from './field-rules.ts'
import { Format } from './format.ts'
import { argumentId } from './ids.ts'
import { maxCursorBytes, maxMessageBytes, maxNameBytes } from './max-sizes.ts'
import { existing } from './nodes.ts'
import { badCursor, connectionType, pageArguments, pageOf, pageSize, pageWeight } from './pagination.ts'
import { Pool } from './pool.ts'
import { Task, TaskStatus } from './task.ts'

type EventOf<Kind extends PoolEventContent['kind']> = PoolEventValue &
  Extract<PoolEventContent, { kind: Kind }>

export const PoolEvent = builder.interfaceRef<PoolEventValue>('PoolEvent').implement({
  description:
    'Something that happened to a pool. The fields of an event show the state at that time; pool, task and format show ' +
    'their current state.',
  resolveType: (event) => typeNames[event.kind],
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      weight: { bytes: maxCursorBytes },
      description: 'The position in the event log: pass it as `after` to continue after this event.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When the event happened.' }),
    actor: t.field({
      type: ApiKey,
      nullable: true,
      description:
        'The API key whose request caused the event, in its current state. For a refill, it is the key whose request, ' +
        'usually a claim, started it; and for the work on a task, it is the key that created the task. Null for what the ' +
        'service did by itself, for events from before actors were recorded, and if the key no longer exists.',
      weight: { reads: loadedReads },
      resolve: ({ actorId }, _args, { nodes }) => (actorId === undefined ? null : nodes.apiKey.load(actorId)),
    }),
    pool: t.field({
      type: Pool,
      description: 'The pool in its current state.',
      weight: { reads: loadedReads },
      resolve: (event, _args, { nodes }) => existing(nodes.pool, event.poolId),
    }),
  }),
})

const typeNames: Record<PoolEventContent['kind'], string> = {
  POOL_CREATED: 'PoolCreatedEvent',
  POOL_CHANGED: 'PoolChangedEvent',
  TASK_STATUS_CHANGED: 'TaskStatusChangedEvent',
  POOL_REFILLED: 'PoolRefilledEvent',
  POOL_REFILL_FAILED: 'PoolRefillFailedEvent',
  POOL_LOW: 'PoolLowEvent',
  POOL_EMPTY: 'PoolEmptyEvent',
  CODES_WITHDRAWN: 'CodesWithdrawnEvent',
  CODES_RESTORED: 'CodesRestoredEvent',
  CODES_VOIDED: 'CodesVoidedEvent',
  CODES_UNVOIDED: 'CodesUnvoidedEvent',
}

builder.objectRef<EventOf<'POOL_CREATED'>>('PoolCreatedEvent').implement({
  description:
    'The pool was created. This is the first event of a pool, except for pools that are older than this type of ' +
    'event.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    name: t.string({
      weight: { bytes: maxNameBytes },
      description: 'The name that the pool was created with.',
      resolve: ({ payload }) => payload.name,
    }),
  }),
})

// One per PoolChange.
const maxChanges = 6

const PoolChange = builder.enumType('PoolChange', {
  description: 'A property of a pool that changed.',
  values: {
    NAME: { description: 'The pool was renamed.' },
    DESCRIPTION: { description: 'The description was changed.' },
    EXTERNAL_ID: { description: 'The external id was changed.' },
    TERMS: { description: 'The terms were saved with different values.' },
    ARCHIVED: { description: 'The pool was archived or unarchived.' },
    REPLENISHMENT: {
      description: 'The Promo Codes section was saved with different settings, possibly by generateCodes.',
    },
  } satisfies Record<PoolChangeName, { description: string }>,
})

builder.objectRef<EventOf<'POOL_CHANGED'>>('PoolChangedEvent').implement({
  description:
    'The name, the description, the external id, the settings or the terms of the pool changed, or it was archived or ' +
    'unarchived. Saving the same values again is not a change. Changes to its codes have their own events.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    changed: t.field({
      type: [PoolChange],
      weight: { items: maxChanges },
      description: 'What changed.',
      resolve: ({ payload }) => [...payload.changed],
    }),
    name: t.string({
      weight: { bytes: maxNameBytes },
      description: 'The name of the pool after the change.',
      resolve: ({ payload }) => payload.name,
    }),
    archivedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the pool was archived. Null if it was not archived after the change.',
      resolve: ({ payload: { archivedAt } }) => (archivedAt == null ? null : new Date(archivedAt)),
    }),
  }),
})

const TaskStatusChangedEvent = builder.objectRef<EventOf<'TASK_STATUS_CHANGED'>>('TaskStatusChangedEvent')
TaskStatusChangedEvent.implement({
  description: 'A task of the pool was created, started or finished, or an upload was undone.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    status: t.field({
      type: TaskStatus,
      description: 'The new status.',
      resolve: ({ payload }) => payload.status,
    }),
  }),
})

const PoolRefilledEvent = builder.objectRef<EventOf<'POOL_REFILLED'>>('PoolRefilledEvent')
PoolRefilledEvent.implement({
  description:
    'A task added codes to the pool. If an upload is undone later, a TaskStatusChangedEvent with the status UNDONE ' +
    'follows.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    addedCount: t.field({
      type: 'BigInt',
      description:
        'The number of codes that were added. Unlike addedCount of the task, it does not become 0 when an upload is undone.',
      resolve: ({ payload }) => BigInt(payload.added),
    }),
  }),
})

for (const event of [TaskStatusChangedEvent, PoolRefilledEvent])
  builder.objectField(event, 'task', (t) =>
    t.field({
      type: Task,
      description: 'The task in its current state.',
      weight: { reads: loadedReads },
      resolve: ({ payload }, _args, { nodes }) => existing(nodes.task, payload.taskId),
    }),
  )

const RefillFailureCode = builder.enumType('RefillFailureCode', {
  description: 'The reason why an automatic refill failed or was incomplete.',
  values: {
    FORMAT_EXHAUSTED: {
      description: 'The format has no codes left, or had fewer left than the refill needed.',
    },
  },
})

const RefillFailure = builder.objectRef<EventOf<'POOL_REFILL_FAILED'>['payload']>('RefillFailure').implement({
  description: 'The reason why an automatic refill failed or was incomplete.',
  fields: (t) => ({
    code: t.expose('code', { type: RefillFailureCode, description: 'The reason, for programs.' }),
    message: t.exposeString('message', {
      weight: { bytes: maxMessageBytes },
      description: 'The reason and what to do about it, for people.',
    }),
    format: t.field({
      type: Format,
      nullable: true,
      description: 'The format that ran out, in its current state.',
      weight: { reads: loadedReads },
      resolve: ({ formatId }, _args, { nodes }) => (formatId === null ? null : nodes.format.load(formatId)),
    }),
  }),
})

builder.objectRef<EventOf<'POOL_REFILL_FAILED'>>('PoolRefillFailedEvent').implement({
  description:
    'An automatic refill failed or was incomplete. The event is not repeated until a refill succeeds or the settings change.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    failure: t.field({ type: RefillFailure, description: 'The reason.', resolve: ({ payload }) => payload }),
  }),
})

builder.objectRef<EventOf<'POOL_LOW'>>('PoolLowEvent').implement({
  description:
    'The number of available codes fell to the refill threshold or below: codes were claimed or withdrawn, or an upload was undone.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    availableCount: t.field({
      type: 'BigInt',
      description: 'The number of codes that were left.',
      resolve: ({ payload }) => BigInt(payload.available),
    }),
  }),
})

builder.objectRef<EventOf<'POOL_EMPTY'>>('PoolEmptyEvent').implement({
  description:
    'The pool ran out of codes and was not refilled: the last one was claimed or withdrawn, or an upload was undone.',
  interfaces: [PoolEvent],
})

const aboutStatusChange: Record<Extract<PoolEventContent['kind'], `CODES_${string}`>, string> = {
  CODES_WITHDRAWN: 'Available codes were withdrawn from the stock of the pool.',
  CODES_RESTORED:
    'Withdrawn codes were restored: they can be claimed again, and are at the end of the stock.',
  CODES_VOIDED: 'Claimed codes were voided: they can no longer be redeemed.',
  CODES_UNVOIDED: 'Void codes were unvoided: they are good again, unless they have expired.',
}

const withReason: ReadonlySet<string> = new Set(['CODES_WITHDRAWN', 'CODES_VOIDED'])

for (const [kind, description] of Object.entries(aboutStatusChange))
  builder
    .objectRef<EventOf<keyof typeof aboutStatusChange>>(typeNames[kind as keyof typeof aboutStatusChange])
    .implement({
      description,
      interfaces: [PoolEvent],
      fields: (t) => ({
        count: t.field({
          type: 'BigInt',
          description: 'The number of codes.',
          resolve: ({ payload }) => BigInt(payload.count),
        }),
        reason: t.string({
          nullable: true,
          weight: { bytes: maxMessageBytes, usualBytes: 200 },
          description: withReason.has(kind)
            ? 'The reason that was given. Null if none was.'
            : 'Always null, since no reason can be given for this.',
          resolve: ({ payload }) => payload.reason,
        }),
        task: t.field({
          type: Task,
          nullable: true,
          description:
            'The task by which the codes were chosen, in its current state. Null if they were chosen otherwise.',
          weight: { reads: loadedReads },
          resolve: ({ payload }, _args, { nodes }) =>
            payload.taskId === null ? null : nodes.task.load(payload.taskId),
        }),
      }),
    })

const PoolEventConnection = connectionType(PoolEvent, 'events')

builder.queryFields((t) => ({
  eventCursor: t.string({
    weight: { bytes: maxCursorBytes },
    description:
      'The position in the event log before anything else in this answer was read. Pass it to the subscription ' +
      'poolEvents as `after` to miss no event. Needs READ.',
    authScopes: { scope: 'READ' },
    resolve: async (_root, _args, { books, accountId, eventCursor }) =>
      eventCursor ?? (await readEventCursor({ books, accountId })),
  }),
  poolEvents: t.field({
    type: PoolEventConnection,
    description:
      'The history of a pool or of all pools, newest event first, as far back as it is kept. The cursor of an edge is the ' +
      'cursor of its event. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: pageSize,
    args: {
      poolId: t.arg.id({ description: 'Only events of this pool; all pools if left out.' }),
      ...pageArguments(),
    },
    resolve: async (_root, { poolId, ...args }, { books, accountId }) => {
      const { limit, fromEnd } = pageSize(args)
      const after = await sequenceOf('after', args.after, { books, accountId })
      const before = await sequenceOf('before', args.before, { books, accountId })
      const found = await readHistory(books, accountId, {
        poolId: poolId == null ? undefined : argumentId('Pool', poolId, 'poolId'),
        olderThan: after,
        newerThan: before,
        limit: limit + 1,
        fromOldest: fromEnd,
      })
      const edges = found.map((event) => ({ cursor: event.cursor, node: event }))
      return pageOf(edges, { limit, fromEnd, after, before })
    },
  }),
}))

/** The cursor of the last event of the account. */
export async function readEventCursor(where: Pick<Context, 'books' | 'accountId'>): Promise<string> {
  const { log, last } = await readLog(where.books, where.accountId)
  return encodeCursor({ log, sequence: last })
}

async function sequenceOf(
  name: 'after' | 'before',
  cursor: string | null | undefined,
  { books, accountId }: Pick<Context, 'books' | 'accountId'>,
): Promise<bigint | undefined> {
  if (cursor == null) return undefined
  try {
    const { log, sequence } = decodeCursor(cursor)
    if (log === (await readLog(books, accountId)).log) return sequence
  } catch (error) {
    if (!(error instanceof CursorInvalidError)) throw error
  }
  throw badCursor(name)
}
