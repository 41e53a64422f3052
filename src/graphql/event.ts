import { CursorInvalidError } from '../domain/books/errors.ts'
import {
  decodeCursor,
  type EventContent,
  encodeCursor,
  type PoolChange as PoolChangeName,
  type PoolEvent as PoolEventValue,
  readHistory,
  readLog,
} from '../domain/books/event-log.ts'
import { builder } from './builder.ts'
import { connectionType, pageWeight } from './connections.ts'
import type { Context } from './context.ts'
import { loadedReads } from './field-rules.ts'
import { Format } from './format.ts'
import { argumentId } from './ids.ts'
import { maxCursorBytes, maxMessageBytes, maxNameBytes } from './max-sizes.ts'
import { badCursor, connectionOf, pageArguments, pageSize } from './pagination.ts'
import { Pool } from './pool.ts'
import { Task, TaskStatus } from './task.ts'

type EventOf<Kind extends EventContent['kind']> = PoolEventValue & Extract<EventContent, { kind: Kind }>

export const PoolEvent = builder.interfaceRef<PoolEventValue>('PoolEvent').implement({
  description:
    "Something that happened to a pool. An event's own fields say how things were then; the nodes it leads to, how they " +
    'are now.',
  resolveType: (event) => typeNames[event.kind],
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      weight: { bytes: maxCursorBytes },
      description: 'Hand it to `after` to go on from here.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it happened.' }),
    pool: t.field({
      type: Pool,
      description: 'The pool, as it is now.',
      weight: { reads: loadedReads },
      resolve: async (event, _args, { nodes }) => existing(await nodes.pool.load(event.poolId)),
    }),
  }),
})

const typeNames: Record<EventContent['kind'], string> = {
  POOL_CREATED: 'PoolCreatedEvent',
  POOL_CHANGED: 'PoolChangedEvent',
  TASK_STATUS_CHANGED: 'TaskStatusChangedEvent',
  POOL_REFILLED: 'PoolRefilledEvent',
  POOL_REFILL_FAILED: 'PoolRefillFailedEvent',
  POOL_LOW: 'PoolLowEvent',
  POOL_EMPTY: 'PoolEmptyEvent',
}

builder.objectRef<EventOf<'POOL_CREATED'>>('PoolCreatedEvent').implement({
  description:
    'The pool was created: the first of its events. Pools that are older than this kind of event begin with another.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    name: t.string({
      weight: { bytes: maxNameBytes },
      description: 'The name that it was given.',
      resolve: ({ payload }) => payload.name,
    }),
  }),
})

// One for each of the values.
const maxChanges = 2

const PoolChange = builder.enumType('PoolChange', {
  description: 'What of a pool has changed.',
  values: {
    NAME: { description: 'It was renamed.' },
    REPLENISHMENT: {
      description:
        'Its Promo Codes section was saved with other settings than before, also by generateCodes.',
    },
  } satisfies Record<PoolChangeName, { description: string }>,
})

builder.objectRef<EventOf<'POOL_CHANGED'>>('PoolChangedEvent').implement({
  description:
    'Somebody changed the pool: its name or its settings. What happens to its codes is told by other events, and what is ' +
    'saved as it was before is no change.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    changed: t.field({
      type: [PoolChange],
      weight: { items: maxChanges },
      description: 'What has changed.',
      resolve: ({ payload }) => [...payload.changed],
    }),
    name: t.string({
      weight: { bytes: maxNameBytes },
      description: 'The name that the pool had from then on.',
      resolve: ({ payload }) => payload.name,
    }),
  }),
})

builder.objectRef<EventOf<'TASK_STATUS_CHANGED'>>('TaskStatusChangedEvent').implement({
  description: 'A task of the pool was created, started, or ended, or an upload was undone.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    task: t.field({
      type: Task,
      description: 'The task, as it is now.',
      weight: { reads: loadedReads },
      resolve: async ({ payload }, _args, { nodes }) => existing(await nodes.task.load(payload.taskId)),
    }),
    status: t.field({
      type: TaskStatus,
      description: 'The status that the task had from then on.',
      resolve: ({ payload }) => payload.status,
    }),
  }),
})

builder.objectRef<EventOf<'POOL_REFILLED'>>('PoolRefilledEvent').implement({
  description:
    'A task has added codes. That they were taken out again, as an upload can be undone, is told by another event: a ' +
    'TaskStatusChangedEvent with the status UNDONE.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    task: t.field({
      type: Task,
      description: 'The task, as it is now.',
      weight: { reads: loadedReads },
      resolve: async ({ payload }, _args, { nodes }) => existing(await nodes.task.load(payload.taskId)),
    }),
    addedCount: t.field({
      type: 'BigInt',
      description:
        'How many codes it added then. The addedCount of task is 0 once they were taken out again.',
      resolve: ({ payload }) => BigInt(payload.added),
    }),
  }),
})

const RefillFailureCode = builder.enumType('RefillFailureCode', {
  description: 'Why an automatic refill could not be made, or not in full.',
  values: {
    FORMAT_EXHAUSTED: {
      description: 'The format has no codes left, or had fewer than it should have given.',
    },
  },
})

const RefillFailure = builder.objectRef<EventOf<'POOL_REFILL_FAILED'>['payload']>('RefillFailure').implement({
  description: 'Why an automatic refill could not be made, or not in full.',
  fields: (t) => ({
    code: t.expose('code', { type: RefillFailureCode, description: 'Why. For programs.' }),
    message: t.exposeString('message', {
      weight: { bytes: maxMessageBytes },
      description: 'Why, and what to do about it. For people.',
    }),
    format: t.field({
      type: Format,
      nullable: true,
      description: 'The format that ran out, as it is now.',
      weight: { reads: loadedReads },
      resolve: ({ formatId }, _args, { nodes }) => (formatId === null ? null : nodes.format.load(formatId)),
    }),
  }),
})

builder.objectRef<EventOf<'POOL_REFILL_FAILED'>>('PoolRefillFailedEvent').implement({
  description:
    'An automatic refill could not be made, or not in full. Told once, until one succeeds or the settings change.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    failure: t.field({ type: RefillFailure, description: 'Why.', resolve: ({ payload }) => payload }),
  }),
})

builder.objectRef<EventOf<'POOL_LOW'>>('PoolLowEvent').implement({
  description:
    'The available codes fell to the refill threshold or below, as codes were claimed or an upload undone.',
  interfaces: [PoolEvent],
  fields: (t) => ({
    availableCount: t.field({
      type: 'BigInt',
      description: 'How many codes were left then.',
      resolve: ({ payload }) => BigInt(payload.available),
    }),
  }),
})

builder.objectRef<EventOf<'POOL_EMPTY'>>('PoolEmptyEvent').implement({
  description: 'The last code was claimed, or left with an upload that was undone, and no refill came.',
  interfaces: [PoolEvent],
})

const PoolEventConnection = connectionType(PoolEvent, 'events')

builder.queryFields((t) => ({
  eventCursor: t.string({
    weight: { bytes: maxCursorBytes },
    description:
      'Where the event log stood before anything else in this answer was read. Give it to the subscription ' +
      'poolEvents(after:), and nothing is missed between the two. Needs READ.',
    authScopes: { scope: 'READ' },
    resolve: async (_root, _args, { books, accountId, eventCursor }) =>
      eventCursor ?? (await readEventCursor({ books, accountId })),
  }),
  poolEvents: t.field({
    type: PoolEventConnection,
    description:
      'What happened, newest first: the history of a pool, or of all pools, as far as it is kept. The cursor of an edge ' +
      'is that of its event. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: pageSize,
    args: { poolId: t.arg.id({ description: 'Only events of this pool.' }), ...pageArguments() },
    resolve: async (_root, { poolId, ...args }, { books, accountId }) => {
      const { limit, fromEnd } = pageSize(args)
      const after = await sequenceOf('after', args.after, { books, accountId })
      const before = await sequenceOf('before', args.before, { books, accountId })
      // One more than the page, to see whether there is more.
      const found = await readHistory(books, accountId, {
        poolId: poolId == null ? undefined : argumentId('Pool', poolId, 'poolId'),
        olderThan: after,
        newerThan: before,
        limit: limit + 1,
        fromOldest: fromEnd,
      })
      const more = found.length > limit
      const events = fromEnd ? found.slice(-limit) : found.slice(0, limit)
      return connectionOf(
        events.map((event) => ({ cursor: event.cursor, node: event })),
        fromEnd
          ? { hasNextPage: before !== undefined, hasPreviousPage: more }
          : { hasNextPage: more, hasPreviousPage: after !== undefined },
      )
    },
  }),
}))

/** Where the account's log stands now. */
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

function existing<Row>(row: Row | null): Row {
  if (row === null) throw new Error('What an event leads to does not exist.')
  return row
}
