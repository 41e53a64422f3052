import { CursorExpiredError, CursorInvalidError } from '../domain/books/errors.ts'
import {
  decodeCursor,
  type PoolEvent as PoolEventValue,
  readLog,
  type TaskSnapshot,
} from '../domain/books/event-log.ts'
import { isUnfinished, readTaskInLog } from '../domain/generation/task.ts'
import { readPool } from '../domain/pool/pool.ts'
import type { LiveUpload } from '../domain/upload/live-uploads.ts'
import type { Pool as PoolRow, Task as TaskRow } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { PoolEvent } from './event.ts'
import { argumentId } from './ids.ts'
import { merge } from './merge.ts'
import { taskAsOf } from './nodes.ts'
import { Pool } from './pool.ts'
import { problem } from './problems.ts'
import { Task } from './task.ts'
import { stream } from './until-revoked.ts'

builder.subscriptionFields((t) => ({
  taskUpdated: t.field({
    type: Task,
    description:
      'The task as it is now, then at every change; completes when the task has finished. How far an upload has come, and ' +
      'what it waits for, is told at most once a second. That an upload is undone afterwards, poolEvents tells. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'The id of a task.' }) },
    subscribe: (_root, { id }, context) => taskUpdates(argumentId('Task', id, 'id'), context),
    resolve: (task: TaskRow) => task,
  }),
  poolUpdated: t.field({
    type: Pool,
    description:
      'The pool as it is now, then whenever its counts, status or settings have changed, at most once a second. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'The id of a pool.' }) },
    subscribe: (_root, { id }, context) => poolUpdates(argumentId('Pool', id, 'id'), context),
    resolve: (pool: PoolRow) => pool,
  }),
  poolEvents: t.field({
    type: PoolEvent,
    description:
      'What happens to a pool (or, without poolId, to every pool of the account), in order. With `after`, first ' +
      'everything that happened since: a client that reconnects with its last cursor misses nothing. Needs READ.',
    authScopes: { scope: 'READ' },
    args: {
      poolId: t.arg.id({
        description: 'Only events of this pool; without it, of every pool, later ones too.',
      }),
      after: t.arg.string({
        description:
          'The cursor of the last event that you have, or an eventCursor; without it, from now on.',
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
}))

async function taskUpdates(taskId: string, context: Context) {
  const { books, accountId, nodes, liveUploads } = context
  // First its status: what the row tells besides is then no older.
  const now = await readTaskInLog(books, accountId, taskId)
  const task = await nodes.task.load(taskId)
  if (task === null || now === undefined) throw notFound('task')
  return stream(context, async function* (signal) {
    let { snapshot } = now
    let row = task
    yield taskAsOf(row, snapshot)
    if (!isUnfinished(snapshot.status)) return
    const changes = (ending: AbortSignal) => statusChanges(taskId, now.sequence, context, ending)
    let waitingFor = (await nodes.uploadWait.load(taskId)) ?? undefined
    const progress = (ending: AbortSignal) => liveUploads.follow({ ...task, waitingFor }, ending)
    // A generation is done in one step. How far an upload has come is seen in its row.
    const sources = task.kind === 'UPLOAD' ? [changes, progress] : [changes]
    for await (const news of merge<TaskSnapshot | LiveUpload>(signal, sources)) {
      if ('taskId' in news) {
        snapshot = news
        if (task.kind === 'UPLOAD') row = (await nodes.task.load(taskId)) ?? row
      } else {
        // Another status is told by its event.
        if (news.status !== snapshot.status) continue
        if (news.bytesRead <= row.bytesRead && news.waitingFor === waitingFor) continue
        waitingFor = news.waitingFor
        // It may have been read before the one that is known.
        if (news.bytesRead >= row.bytesRead) row = news
      }
      yield taskAsOf(row, snapshot)
      if (!isUnfinished(snapshot.status)) return
    }
  })
}

async function* statusChanges(
  taskId: string,
  sequence: bigint,
  { feed, accountId }: Context,
  signal: AbortSignal,
): AsyncGenerator<TaskSnapshot> {
  for await (const event of feed.after({ accountId, sequence }, signal))
    if (event.kind === 'TASK_STATUS_CHANGED' && event.payload.taskId === taskId) yield event.payload
}

async function poolEvents(poolId: string | undefined, after: string | undefined, context: Context) {
  const { books, feed, accountId } = context
  if (poolId !== undefined && (await readPool(books, accountId, poolId)) === undefined) throw notFound('pool')
  const log = await readLog(books, accountId)
  const from = after === undefined ? { log: log.log, sequence: log.last } : decodeCursor(after)
  if (from.log !== log.log || from.sequence > log.last) throw new CursorInvalidError()
  if (from.sequence < log.floor) throw new CursorExpiredError()
  return stream(context, (signal) => feed.after({ accountId, poolId, sequence: from.sequence }, signal))
}

async function poolUpdates(poolId: string, context: Context) {
  const pool = await context.nodes.pool.load(poolId)
  if (pool === null) throw notFound('pool')
  return stream(context, (signal) => context.livePools.follow(pool, signal))
}

function notFound(what: string) {
  return problem('NOT_FOUND', `There is no ${what} with this id in your account.`)
}
