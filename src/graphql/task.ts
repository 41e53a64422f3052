import {
  IdempotencyConflictError,
  InvalidInputError,
  NotFoundError,
  QuantityExceedsAvailableError,
  TaskFinishedError,
} from '../domain/books/errors.ts'
import type { TaskSnapshot } from '../domain/books/event-log.ts'
import { acceptGeneration } from '../domain/generation/generation.ts'
import { cancelTask } from '../domain/generation/task.ts'
import type {
  Prisma,
  TaskFailureCode as TaskFailureCodeName,
  TaskKind as TaskKindName,
  TaskStatus as TaskStatusName,
  TaskTrigger as TaskTriggerName,
} from '../generated/prisma/client.ts'
import { rejectedRowsPath } from '../routes.ts'
import { builder } from './builder.ts'
import { countedConnectionType, pageWeight } from './connections.ts'
import type { Context } from './context.ts'
import { loadedReads, rowReads } from './field-rules.ts'
import { Format } from './format.ts'
import { argumentId, encodeId, inputId, uuidOf } from './ids.ts'
import { integer } from './integers.ts'
import { checkPage, newestFirst, pageArguments, pageQuery } from './pagination.ts'
import { Pool, SaveReplenishmentPayload } from './pool.ts'
import { maxMessageBytes, maxPathBytes } from './sizes.ts'

const TaskKind = builder.enumType('TaskKind', {
  description: 'Where the codes of a task come from.',
  values: {
    GENERATION: { description: 'They are generated from a format.' },
    UPLOAD: { description: 'They are uploaded.' },
  } satisfies Record<TaskKindName, { description: string }>,
})

const TaskTrigger = builder.enumType('TaskTrigger', {
  description: 'What started a task.',
  values: {
    MANUAL: { description: 'Somebody asked for it.' },
    AUTO_GENERATE: { description: 'The pool was about to run out, and its settings say to refill it.' },
  } satisfies Record<TaskTriggerName, { description: string }>,
})

export const TaskStatus = builder.enumType('TaskStatus', {
  description:
    'How far a task is. It goes from AWAITING_EXECUTION to RUNNING and ends in one of the others; a completed upload can ' +
    'still be undone.',
  values: {
    AWAITING_EXECUTION: {
      description:
        'Accepted, and waiting for its turn: what it will generate is reserved, or its file has arrived.',
    },
    RUNNING: { description: 'It is being carried out.' },
    COMPLETED: { description: 'All of its codes are in the pool; a dry run has only counted them.' },
    FAILED: { description: 'It could not be carried out and added nothing: see failure.' },
    CANCELLED: { description: 'It was cancelled and added nothing.' },
    UNDONE: {
      description: 'It is an upload that had been COMPLETED, and its codes were taken out of the pool again.',
    },
  } satisfies Record<TaskStatusName, { description: string }>,
})

const TaskFailureCode = builder.enumType('TaskFailureCode', {
  description: 'Why a task failed.',
  values: {
    INTERNAL: { description: 'The service could not carry it out.' },
    UNREADABLE_FILE: { description: 'The file that was uploaded could not be read as a list of codes.' },
    HEADER_UNCLEAR: {
      description:
        'The file that was uploaded can be read in more than one way: its first row may be a header, or a code. The ' +
        'message shows how the file begins. Upload it again and say which it is, with header.',
    },
    ALL_ROWS_REFUSED: {
      description:
        'The file that was uploaded has rows, and none has anything in it that can be a code: it may be another file, or ' +
        'the wrong column of it. The message has the reason for the first row, and rejectedRowsUrl for each.',
    },
  } satisfies Record<TaskFailureCodeName, { description: string }>,
})

const TaskFailure = builder
  .objectRef<{ code: TaskFailureCodeName; message: string }>('TaskFailure')
  .implement({
    description: 'Why a task failed.',
    fields: (t) => ({
      code: t.expose('code', { type: TaskFailureCode, description: 'Why. For programs.' }),
      message: t.exposeString('message', {
        weight: { bytes: maxMessageBytes },
        description: 'Why, and what to do about it. For people.',
      }),
    }),
  })

export const Task = builder.prismaNode('Task', {
  description: 'One run that adds codes to a pool.',
  id: { resolve: (task) => task.id },
  findUnique: (id, { accountId }) => ({ accountId_id: { accountId, id } }),
  fields: (t) => ({
    kind: t.expose('kind', { type: TaskKind, description: 'Where its codes come from.' }),
    trigger: t.expose('trigger', { type: TaskTrigger, description: 'What started it.' }),
    pool: t.field({
      type: Pool,
      weight: { reads: loadedReads },
      description: 'The pool that it adds codes to.',
      resolve: async (task, _args, { nodes }) => existing(await nodes.pool.load(task.poolId)),
    }),
    format: t.field({
      type: Format,
      weight: { reads: loadedReads },
      nullable: true,
      description: 'The format that it generates from; null for an upload.',
      resolve: (task, _args, { nodes }) => (task.formatId === null ? null : nodes.format.load(task.formatId)),
    }),
    status: t.expose('status', { type: TaskStatus, description: 'How far it is.' }),
    quantity: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'How many codes were asked for; null when that is not known beforehand.',
      resolve: (task) => (task.quantity === null ? null : integer(task.quantity)),
    }),
    generatedCount: t.field({
      type: 'BigInt',
      description: 'How many codes the run has produced; 0 for an upload, which produces none.',
      resolve: (task) => integer(task.generated),
    }),
    addedCount: t.field({
      type: 'BigInt',
      description:
        'How many it has added to the pool: 0 until it is COMPLETED, for a dry run, and again once it is UNDONE. What an ' +
        'upload has found in its file, upload tells.',
      resolve: (task) => integer(task.added),
    }),
    progress: t.float({
      description:
        'How much of it is done, from 0 to 1. Generation takes the same short time for any quantity, in one step; of an ' +
        'upload, how much of its file has been read.',
      resolve: ({ status, bytes, bytesRead }) =>
        status === 'COMPLETED' ? 1 : bytes === 0n ? 0 : Number(bytesRead) / Number(bytes),
    }),
    failure: t.field({
      type: TaskFailure,
      nullable: true,
      description: 'Why it failed; null unless it did.',
      resolve: ({ failureCode, failureMessage }) =>
        failureCode === null ? null : { code: failureCode, message: failureMessage ?? '' },
    }),
    rejectedRowsUrl: t.string({
      weight: { bytes: maxPathBytes },
      nullable: true,
      description:
        'The rows of the uploaded file that were not added: a path on this service, to be read with an API key that ' +
        'has READ. A CSV file with the columns row, code and reason, of any length, as far as the upload has come; the ' +
        'number of a row is the one that a spreadsheet shows beside it. It takes raw, bom and delimiter as codesUrl does. ' +
        'They are kept for a while after the upload has ' +
        'finished: thirty days, unless the service is set up otherwise. Null from then on, and unless kind is UPLOAD.',
      resolve: ({ id, kind, rejectedForgotten }) =>
        kind === 'UPLOAD' && !rejectedForgotten ? rejectedRowsPath(encodeId('Task', id)) : null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was accepted.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a worker took it up; null before.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When it ended, in whatever way; null before. Undoing an upload later does not change it: poolEvents tells when ' +
        'that was.',
    }),
  }),
})

const TaskConnection = countedConnectionType(Task, 'tasks')

builder.objectField(SaveReplenishmentPayload, 'refill', (t) =>
  t.field({
    type: Task,
    nullable: true,
    description: 'The refill that saving started at once because the pool was at its threshold already.',
    weight: { reads: loadedReads },
    resolve: ({ refillTaskId }, _args, { nodes }) =>
      refillTaskId === undefined ? null : nodes.task.load(refillTaskId),
  }),
)

builder.prismaObjectField(Pool, 'tasks', (t) =>
  t.field({
    type: TaskConnection,
    description: 'The tasks that have added codes to the pool, or are about to, newest first.',
    weight: pageWeight,
    checkArgs: checkPage,
    args: {
      ...pageArguments(),
      status: t.arg({ type: [TaskStatus], description: 'Only those with one of these statuses.' }),
    },
    resolve: (pool, { status, ...page }, context) =>
      listTasks(context, page, { accountId: context.accountId, poolId: pool.id, ...withStatus(status) }),
  }),
)

builder.queryFields((t) => ({
  task: t.prismaField({
    type: Task,
    nullable: true,
    description:
      'A task of the account by its id; null when there is none, as for any other text. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'The id of a task.' }) },
    resolve: (query, _root, { id }, { books, accountId }) =>
      books.prisma.task.findUnique({
        ...query,
        where: { accountId_id: { accountId, id: uuidOf('Task', id) } },
      }),
  }),
  tasks: t.field({
    type: TaskConnection,
    description: 'The tasks of the account, newest first. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: checkPage,
    args: {
      ...pageArguments(),
      status: t.arg({ type: [TaskStatus], description: 'Only those with one of these statuses.' }),
      poolId: t.arg.id({ description: 'Only those of this pool.' }),
    },
    resolve: (_root, { status, poolId, ...page }, context) =>
      listTasks(context, page, {
        accountId: context.accountId,
        ...withStatus(status),
        ...(poolId == null ? {} : { poolId: argumentId('Pool', poolId, 'poolId') }),
      }),
  }),
}))

function withStatus(status: readonly TaskStatusName[] | null | undefined) {
  // Each once: Prisma keeps how it runs a query for each number of them.
  return status == null ? {} : { status: { in: [...new Set(status)] } }
}

async function listTasks(
  { books: { prisma }, nodes }: Context,
  page: Parameters<typeof newestFirst>[0],
  where: Prisma.TaskWhereInput,
) {
  const connection = await newestFirst(page, {
    load: async (slice) => {
      const { where: range, ...rest } = pageQuery(slice)
      const found = await prisma.task.findMany({
        where: { ...where, ...range },
        ...rest,
        select: { id: true },
      })
      return await Promise.all(found.map(async ({ id }) => existing(await nodes.task.load(id))))
    },
  })
  return { ...connection, totalCount: async () => BigInt(await prisma.task.count({ where })) }
}

export interface TaskPayload {
  taskId: string
}

/** A payload with a task. `description` says as of when. */
export function taskPayload(name: string, about: string, description: string) {
  return builder.objectRef<TaskPayload>(name).implement({
    description: about,
    fields: (t) => ({
      task: t.field({
        type: Task,
        weight: { reads: rowReads },
        description,
        resolve: async ({ taskId }, _args, { nodes }) => existing(await nodes.task.load(taskId)),
      }),
    }),
  })
}

const GenerateCodesPayload = taskPayload(
  'GenerateCodesPayload',
  'The task was accepted: it will not run short. Follow it with the subscription taskUpdated.',
  'The task as it was accepted, and its pool and its format as they were then: by now it may have come further. Where ' +
    'the request was sent before with the same idempotencyKey, pool and format are as they are now.',
)

const CancelTaskPayload = taskPayload(
  'CancelTaskPayload',
  'The task is cancelled.',
  'The task, as it is now.',
)

function existing<Row>(row: Row | null): Row {
  if (row === null) throw new Error('What an answer leads to does not exist.')
  return row
}

/** A task as it was when it was accepted. */
export function asAccepted(taskId: string): TaskSnapshot {
  return {
    taskId,
    status: 'AWAITING_EXECUTION',
    generated: '0',
    added: '0',
    startedAt: null,
    finishedAt: null,
    failureCode: null,
    failureMessage: null,
  }
}

const SaveGenerationSettingsInput = builder.inputType('SaveGenerationSettingsInput', {
  description: 'The part of the Promo Codes section that is not in the task itself.',
  fields: (t) => ({
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

const GenerateCodesInput = builder.inputType('GenerateCodesInput', {
  description: 'How many codes to generate, from which format, into which pool.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool that the codes go to.' }),
    formatId: t.id({ required: true, description: 'The id of the format that they are generated from.' }),
    quantity: t.field({
      type: 'BigInt',
      required: true,
      description:
        "How many: from 1 to the format's availableForGeneration. Any quantity takes the same time.",
    }),
    saveSettings: t.field({
      type: SaveGenerationSettingsInput,
      description:
        "Also saves these as the pool's Promo Codes section, with method GENERATE, this format and this quantity, in " +
        'the same transaction; that saving starts no refill of its own.',
    }),
    idempotencyKey: t.string({
      description:
        'A string of your own, 1 to 255 characters, kept at least a day: the same key with the same input answers ' +
        'with the same task and generates nothing more. With it, a request can be sent again safely.',
    }),
  }),
})

const CancelTaskInput = builder.inputType('CancelTaskInput', {
  description: 'A task to cancel.',
  fields: (t) => ({ taskId: t.id({ required: true, description: 'The id of the task.' }) }),
})

builder.mutationFields((t) => ({
  generateCodes: t.field({
    type: GenerateCodesPayload,
    nullable: true,
    description:
      "'Save and generate': creates a task that adds codes to the pool. A quantity that the format cannot give is " +
      'refused at once; a task that is accepted cannot run short later. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError, QuantityExceedsAvailableError, IdempotencyConflictError],
      union: { description: 'The new task, or why there is none.' },
    },
    args: { input: t.arg({ type: GenerateCodesInput, required: true, description: 'What to generate.' }) },
    resolve: async (_root, { input }, { books, accountId, nodes }) => {
      const { taskId, moment } = await acceptGeneration(books, accountId, {
        poolId: inputId('Pool', input.poolId, 'poolId'),
        formatId: inputId('Format', input.formatId, 'formatId'),
        quantity: input.quantity,
        saveSettings: input.saveSettings ?? undefined,
        idempotencyKey: input.idempotencyKey ?? undefined,
      })
      nodes.tellAsOf({ ...moment, task: asAccepted(taskId) })
      return { taskId }
    },
  }),
  cancelTask: t.field({
    type: CancelTaskPayload,
    nullable: true,
    description:
      'Cancels a task that has not finished, also while it is RUNNING. It adds nothing: the codes it had reserved can be ' +
      'asked for again, and those that it has read from a file can be uploaded or generated again as soon as a worker ' +
      'has cleared them away. Cancelling a cancelled task is no error. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError, TaskFinishedError],
      union: { description: 'The cancelled task, or why it was not cancelled.' },
    },
    args: { input: t.arg({ type: CancelTaskInput, required: true, description: 'The task to cancel.' }) },
    resolve: async (_root, { input }, { books, accountId }) => {
      const taskId = inputId('Task', input.taskId, 'taskId')
      await cancelTask(books, accountId, taskId)
      return { taskId }
    },
  }),
}))
