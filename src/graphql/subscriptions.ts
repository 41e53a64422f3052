import { merge } from '../async/merge.ts'
import { onEnd } from '../async/on-end.ts'
import { CursorExpiredError, CursorInvalidError, noSuch } from '../domain/books/errors.ts'
import {
  decodeCursor,
  isPoolEvent,
  type LoggedEvent,
  type PoolEvent as PoolEventValue,
  readLog,
  type TaskSnapshot,
  type WebhookEvent,
} from '../domain/books/event-log.ts'
import { isUnfinished, readTaskInLog, type Task as TaskRow, withSnapshot } from '../domain/generation/task.ts'
import { type PoolState, readPool } from '../domain/pool/pool.ts'
import type { LiveUpload } from '../domain/upload/live-uploads.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { topLevelError, unauthenticated } from './errors/top-level.ts'
import { PoolEvent } from './event.ts'
import { argumentId } from './ids.ts'
import { Pool } from './pool.ts'
import { Task } from './task.ts'
import { WebhookDisabledEvent } from './webhook.ts'

builder.subscriptionFields((t) => ({
  taskUpdated: t.field({
    type: Task,
    description:
      'The task as it is now, then at every change; completes when the task has finished. The progress of an ' +
      'upload, and what it is waiting for, are sent at most once a second. If the upload is undone later, ' +
      'poolEvents reports it. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'The id of a task.' }) },
    subscribe: (_root, { id }, context) => taskUpdates(argumentId('Task', id, 'id'), context),
    resolve: (task: TaskRow) => task,
  }),
  poolUpdated: t.field({
    type: Pool,
    description:
      'The pool as it is now, then whenever its name, description, external id, counts, status, settings or terms change, or ' +
      'it is archived or unarchived, at most once a second. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'The id of a pool.' }) },
    subscribe: (_root, { id }, context) => poolUpdates(argumentId('Pool', id, 'id'), context),
    resolve: (pool: PoolState) => pool,
  }),
  poolEvents: t.field({
    type: PoolEvent,
    description:
      'The events of a pool or, without poolId, of all pools of your account, in order, as they happen. With `after`, first ' +
      'the events since then: a client that reconnects with its last cursor misses nothing. Needs READ.',
    authScopes: { scope: 'READ' },
    args: {
      poolId: t.arg.id({
        description: 'Only events of this pool; all pools, including new ones, if left out.',
      }),
      after: t.arg.string({
        description:
          'The cursor of the last event that you received, or an eventCursor; only new events if left out.',
      }),
    },
    subscribe: (_root, { poolId, after }, context) =>
      poolEvents(
        poolId == null ? undefined : argumentId('Pool', poolId, 'poolId'),
        after ?? undefined,
        context,
      ),
    resolve: (event: PoolEventValue) => event,
  }),
  webhookDisabled: t.field({
    type: WebhookDisabledEvent,
    description:
      'The events of webhooks that are disabled, in order, as they happen. Cursors are those of poolEvents, as all events of an ' +
      'account are in one log. Needs READ.',
    authScopes: { scope: 'READ' },
    args: {
      after: t.arg.string({
        description:
          'The cursor of the last event that you received, or an eventCursor; only new events if left out.',
      }),
    },
    subscribe: (_root, { after }, context) => eventsAfter(after ?? undefined, isWebhookEvent, context),
    resolve: (event: WebhookEvent) => event,
  }),
}))

function isWebhookEvent(event: LoggedEvent): event is WebhookEvent {
  return event.kind === 'WEBHOOK_DISABLED'
}

async function taskUpdates(taskId: string, context: Context) {
  const { books, accountId, nodes, feed, liveUploads } = context
  // The status first, so that the row is no older than it.
  const now = await readTaskInLog(books, accountId, taskId)
  const task = await nodes.task.load(taskId)
  if (task === null || now === undefined) throw notFound('task')
  return untilRevoked(context, async function* (signal) {
    let { snapshot } = now
    let row = task
    yield withSnapshot(row, snapshot)
    if (!isUnfinished(snapshot.status)) return
    const changes = async function* (ending: AbortSignal) {
      for await (const event of feed.after({ accountId, sequence: now.sequence }, ending))
        if (event.kind === 'TASK_STATUS_CHANGED' && event.payload.taskId === taskId) yield event.payload
    }
    let waitingFor = (await nodes.uploadWait.load(taskId)) ?? undefined
    const progress = (ending: AbortSignal) => liveUploads.follow({ ...task, waitingFor }, ending)
    // Only uploads make progress between two changes of status, and their rows show it.
    const sources = task.kind === 'UPLOAD' ? [changes, progress] : [changes]
    for await (const news of merge<TaskSnapshot | LiveUpload>(signal, sources)) {
      if ('taskId' in news) {
        snapshot = news
        if (task.kind === 'UPLOAD') row = (await nodes.task.load(taskId)) ?? row
      } else {
        // A new status comes with its event.
        if (news.status !== snapshot.status) continue
        if (news.bytesRead <= row.bytesRead && news.waitingFor === waitingFor) continue
        waitingFor = news.waitingFor
        // It may have been read before `row` was.
        if (news.bytesRead >= row.bytesRead) row = news
      }
      yield withSnapshot(row, snapshot)
      if (!isUnfinished(snapshot.status)) return
    }
  })
}

async function poolEvents(poolId: string | undefined, after: string | undefined, context: Context) {
  const { books, accountId } = context
  if (poolId !== undefined && (await readPool(books, accountId, poolId)) === undefined) throw notFound('pool')
  return await eventsAfter(after, isPoolEvent, context, poolId)
}

/** The events after a cursor, or from now on, that are of one type; with `poolId`, only those of the pool. */
async function eventsAfter<Event extends LoggedEvent>(
  after: string | undefined,
  isOfType: (event: LoggedEvent) => event is Event,
  context: Context,
  poolId?: string,
) {
  const { books, feed, accountId } = context
  const log = await readLog(books, accountId)
  const from = after === undefined ? { log: log.log, sequence: log.last } : decodeCursor(after)
  if (from.log !== log.log || from.sequence > log.last) throw new CursorInvalidError()
  if (from.sequence < log.floor) throw new CursorExpiredError()
  const wanted = { accountId, poolId, sequence: from.sequence, isOfType }
  return untilRevoked(context, (signal) => feed.after(wanted, signal))
}

async function poolUpdates(poolId: string, context: Context) {
  const pool = await context.nodes.pool.load(poolId)
  if (pool === null) throw notFound('pool')
  return untilRevoked(context, (signal) => context.livePools.follow(pool, signal))
}

/**
 * The source of a subscription: what `generate` yields, until the API key of the request is revoked or its session
 * ends; then it fails with UNAUTHENTICATED. `generate` must end when its signal is aborted, even while it waits for something.
 */
export function untilRevoked<T>(
  { revocations, keyId, sessionHash }: Pick<Context, 'revocations' | 'keyId' | 'sessionHash'>,
  generate: (signal: AbortSignal) => AsyncGenerator<T, void, void>,
): AsyncGenerator<T, void, void> {
  const ending = new AbortController()
  let hasEnded = false
  const unwatch = revocations.watch({ keyId, sessionHash }, () => {
    hasEnded = true
    ending.abort()
  })
  const end = () => {
    unwatch()
    ending.abort()
  }
  return onEnd(generate(ending.signal), end, () => {
    if (hasEnded)
      throw unauthenticated(
        sessionHash === undefined
          ? 'The API key of this subscription was revoked.'
          : 'The session of this subscription has ended. Sign in again.',
      )
  })
}

function notFound(what: string) {
  return topLevelError('NOT_FOUND', noSuch(what))
}
