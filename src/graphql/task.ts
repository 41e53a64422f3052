import {
  IdempotencyConflictError,
  InvalidInputError,
  NotFoundError,
  TaskFinishedError,
} from '../domain/books/errors.ts'
import { messageWithoutRows, type TaskFailure as TaskFailureValue } from '../domain/books/task-failure.ts'
import { QuantityExceedsAvailableError } from '../domain/format/format.ts'
import { acceptGeneration } from '../domain/generation/generation.ts'
import { cancelTask, type Task as TaskRow, tasksMatching } from '../domain/generation/task.ts'
import { PoolArchivedError } from '../domain/pool/issuing.ts'
import type { AddedCodes as AddedCodesValue } from '../domain/stock/added-codes.ts'
import type {
  Scope,
  TaskFailureCode as TaskFailureCodeName,
  TaskKind as TaskKindName,
  TaskStatus as TaskStatusName,
  TaskTrigger as TaskTriggerName,
} from '../generated/prisma/client.ts'
import { rejectedRowsPath } from '../routes.ts'
import { ApiKey } from './account.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { loadedReads, rowReads } from './field-rules.ts'
import { Format } from './format.ts'
import { argumentId, encodeId, inputId, uuidOf } from './ids.ts'
import { maxMessageBytes, maxPathBytes } from './max-sizes.ts'
import { existing } from './nodes.ts'
import { checkPage, countedConnectionType, newestFirst, pageArguments, pageWeight } from './pagination.ts'
import { Pool, SaveReplenishmentPayload } from './pool.ts'

const TaskKind = builder.enumType('TaskKind', {
  description: 'Where the codes of a task come from.',
  values: {
    GENERATION: { description: 'The codes are generated from a format.' },
    UPLOAD: { description: 'The codes are read from an uploaded file.' },
  } satisfies Record<TaskKindName, { description: string }>,
})

const TaskTrigger = builder.enumType('TaskTrigger', {
  description: 'What started a task.',
  values: {
    MANUAL: { description: 'A request: generateCodes or uploadCodes.' },
    AUTO_GENERATE: {
      description: 'An automatic refill, because the pool was at its threshold and has autoGenerate on.',
    },
  } satisfies Record<TaskTriggerName, { description: string }>,
})

export const TaskStatus = builder.enumType('TaskStatus', {
  description:
    'The state of a task. A task goes from AWAITING_EXECUTION to RUNNING and ends in one of the other states. Only an ' +
    'upload changes after that: from COMPLETED to UNDONE.',
  values: {
    AWAITING_EXECUTION: {
      description:
        'Accepted, and waiting for a worker. The codes to be generated are reserved, or the file has arrived.',
    },
    RUNNING: { description: 'In progress.' },
    COMPLETED: { description: 'All of its codes are in the pool. A dry run has only counted them.' },
    FAILED: { description: 'The task could not be carried out and added nothing: see failure.' },
    CANCELLED: { description: 'The task was cancelled and added nothing.' },
    UNDONE: {
      description: 'The upload was undone after it was COMPLETED: its codes were removed from the pool.',
    },
  } satisfies Record<TaskStatusName, { description: string }>,
})

const TaskFailureCode = builder.enumType('TaskFailureCode', {
  description: 'Why a task failed.',
  values: {
    INTERNAL: { description: 'An error in the service.' },
    UNREADABLE_FILE: {
      description:
        'The uploaded file could not be read as a list of codes. If it is not clear which column has them, upload the file ' +
        'again with header and column.',
    },
    HEADER_UNCLEAR: {
      description:
        'The first row of the uploaded file may be a header or a code. With MANAGE, the message shows how the file begins, ' +
        'and so does Upload.beginning, in cells. Upload the file again with header and, if it has several columns, column.',
    },
    ALL_ROWS_REFUSED: {
      description:
        'No row of the uploaded file has a code: it may be the wrong file or the wrong column. With MANAGE, the message has the ' +
        'reason for the first row, the file at rejectedRowsUrl the reason for each row.',
    },
  } satisfies Record<TaskFailureCodeName, { description: string }>,
})

// Tasks are for those who fill pools and those who read, not for those who hand codes out or redeem them: a task tells of
// uploaded files and of other keys.
const seesTasks = { anyScope: ['READ', 'MANAGE'] } satisfies { anyScope: Scope[] }

/** The scope that shows rows of uploaded files, as they may be codes that anybody could use. */
export const scopeOfRows = 'MANAGE'

/** Whether a key may see rows of uploaded files. */
export function seesRows({ scopes }: Pick<Context, 'scopes'>): boolean {
  return scopes.includes(scopeOfRows)
}

const TaskFailure = builder.objectRef<TaskFailureValue>('TaskFailure').implement({
  description: 'Why a task failed.',
  fields: (t) => ({
    code: t.expose('code', { type: TaskFailureCode, description: 'The reason, for programs.' }),
    message: t.string({
      weight: { bytes: maxMessageBytes },
      description:
        'The reason and what to do about it, for people. For an upload, it may quote rows of the file: without MANAGE, it ' +
        'only says what code says.',
      resolve: (failure, _args, context) =>
        seesRows(context) ? failure.message : messageWithoutRows(failure),
    }),
  }),
})

const AddedCodes = builder.objectRef<AddedCodesValue>('AddedCodes').implement({
  description:
    'Where the codes are that a task has added, as counted now. All are 0 until the task is COMPLETED, and once it is UNDONE.',
  fields: (t) => ({
    availableCount: t.expose('available', {
      type: 'BigInt',
      description: 'The number of them that can be claimed.',
    }),
    claimedCount: t.expose('claimed', {
      type: 'BigInt',
      description: 'The number of them that have been claimed, including those redeemed or voided since.',
    }),
    withdrawnCount: t.expose('withdrawn', {
      type: 'BigInt',
      description: 'The number of them that are withdrawn from the stock.',
    }),
  }),
})

export const Task = builder.objectRef<TaskRow>('Task')

builder.node(Task, {
  description: 'A run that adds codes to a pool: a generation or an upload.',
  id: { resolve: (task) => task.id },
  fields: (t) => ({
    kind: t.expose('kind', { type: TaskKind, description: 'Where the codes come from.' }),
    trigger: t.expose('trigger', { type: TaskTrigger, description: 'What started the task.' }),
    pool: t.field({
      type: Pool,
      weight: { reads: loadedReads },
      description: 'The pool that the codes are added to.',
      resolve: (task, _args, { nodes }) => existing(nodes.pool, task.poolId),
    }),
    format: t.field({
      type: Format,
      weight: { reads: loadedReads },
      nullable: true,
      description: 'The format that the codes are generated from. Null for an upload.',
      resolve: (task, _args, { nodes }) =>
        task.formatId === undefined ? null : nodes.format.load(task.formatId),
    }),
    actor: t.field({
      type: ApiKey,
      nullable: true,
      weight: { reads: loadedReads },
      description:
        'The API key whose request created the task, in its current state. For a refill, it is the key whose request, ' +
        'usually a claim, started it. Null for tasks from before this was recorded, and if the key no longer exists. Needs ' +
        'READ or MANAGE.',
      authScopes: seesTasks,
      resolve: ({ actorId }, _args, { nodes }) => (actorId === undefined ? null : nodes.apiKey.load(actorId)),
    }),
    status: t.expose('status', { type: TaskStatus, description: 'The state of the task.' }),
    quantity: t.expose('quantity', {
      type: 'BigInt',
      nullable: true,
      description: 'The number of codes to generate. Null for an upload.',
    }),
    generatedCount: t.expose('generated', {
      type: 'BigInt',
      description: 'The number of codes that the task has generated. 0 for an upload.',
    }),
    addedCount: t.expose('added', {
      type: 'BigInt',
      description:
        'The number of codes that the task has added to the pool: 0 until it is COMPLETED, for a dry run, and again ' +
        'once it is UNDONE. For the counts of the rows of an uploaded file, see upload.',
    }),
    addedCodes: t.field({
      type: AddedCodes,
      weight: { reads: rowReads },
      description:
        'Where the codes that the task has added are now: what undoing, withdrawing or voiding them would concern.',
      resolve: async ({ id }, _args, { nodes }) => await nodes.addedCodes.load(id),
    }),
    progress: t.float({
      description:
        'The progress, from 0 to 1. For an upload, the part of the file that has been read. A generation goes from 0 to 1 ' +
        'in one step, which takes the same short time for any quantity.',
      resolve: ({ status, bytes, bytesRead }) =>
        status === 'COMPLETED' ? 1 : bytes === 0n ? 0 : Number(bytesRead) / Number(bytes),
    }),
    failure: t.expose('failure', {
      type: TaskFailure,
      nullable: true,
      description: 'Why the task failed. Null unless the status is FAILED.',
    }),
    rejectedRowsUrl: t.string({
      weight: { bytes: maxPathBytes },
      nullable: true,
      description:
        'The path on this service of a file with the rows of the uploaded file that were not added, as far as it has been read. GET ' +
        'it with an API key that has MANAGE, as they may be codes that anybody could use. The file is CSV with the columns row, code and reason, of any length. ' +
        'Rows are numbered as a spreadsheet shows them. Accepts the parameters raw, bom and delimiter of codesUrl. ' +
        'The rows are kept for thirty days after the upload has finished, unless the service is configured ' +
        'otherwise. Null after that, and for a generation.',
      resolve: ({ id, kind, rejectedForgotten }) =>
        kind === 'UPLOAD' && !rejectedForgotten ? rejectedRowsPath(encodeId('Task', id)) : null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the task was accepted.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a worker started the task. Null before.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the task completed, failed or was cancelled. Null before. Undoing an upload later does not change it: ' +
        'for that time, see poolEvents.',
    }),
  }),
})

const TaskConnection = countedConnectionType(Task, 'tasks')

builder.objectField(SaveReplenishmentPayload, 'refill', (t) =>
  t.field({
    type: Task,
    nullable: true,
    description:
      'The refill that was started because the pool was at or below its threshold. Null if none was needed or ' +
      'possible.',
    weight: { reads: loadedReads },
    resolve: ({ refillTaskId }, _args, { nodes }) =>
      refillTaskId === undefined ? null : nodes.task.load(refillTaskId),
  }),
)

builder.objectField(Pool, 'tasks', (t) =>
  t.field({
    type: TaskConnection,
    description:
      'The tasks of the pool, newest first. Needs READ or MANAGE, as tasks tell of uploaded files and of other keys.',
    authScopes: seesTasks,
    weight: pageWeight,
    checkArgs: (args) => checkPage(args, 'Task'),
    args: {
      ...pageArguments(),
      status: t.arg({ type: [TaskStatus], description: 'Only tasks with one of these statuses.' }),
    },
    resolve: (pool, { status, ...page }, context) => {
      const filter = tasksMatching({ poolId: pool.id, status: status ?? undefined })
      return newestFirst(page, { type: 'Task', nodes: context.nodes.task, filter }, context)
    },
  }),
)

builder.queryFields((t) => ({
  task: t.field({
    type: Task,
    nullable: true,
    description:
      'The task with this id. Null if your account has none, or if the text is not an id. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'The id of a task.' }) },
    resolve: (_root, { id }, { nodes }) => nodes.task.load(uuidOf('Task', id)),
  }),
  tasks: t.field({
    type: TaskConnection,
    description: 'The tasks of your account, newest first. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: (args) => checkPage(args, 'Task'),
    args: {
      ...pageArguments(),
      status: t.arg({ type: [TaskStatus], description: 'Only tasks with one of these statuses.' }),
      poolId: t.arg.id({ description: 'Only tasks of this pool.' }),
    },
    resolve: (_root, { status, poolId, ...page }, context) => {
      const filter = tasksMatching({
        poolId: poolId == null ? undefined : argumentId('Pool', poolId, 'poolId'),
        status: status ?? undefined,
      })
      return newestFirst(page, { type: 'Task', nodes: context.nodes.task, filter }, context)
    },
  }),
}))

export interface TaskPayload {
  taskId: string
}

/** A payload with a task. `taskDescription` says as of which moment the task is. */
export function taskPayload(name: string, description: string, taskDescription: string) {
  return builder.objectRef<TaskPayload>(name).implement({
    description,
    fields: (t) => ({
      task: t.field({
        type: Task,
        weight: { reads: rowReads },
        description: taskDescription,
        resolve: ({ taskId }, _args, { nodes }) => existing(nodes.task, taskId),
      }),
    }),
  })
}

const GenerateCodesPayload = taskPayload(
  'GenerateCodesPayload',
  'The task was accepted, and its codes are reserved. Follow it with the subscription taskUpdated.',
  'The task as it was when it was accepted, with its pool and format as of the same moment: it may have progressed since. ' +
    'If the request repeats an earlier one with the same idempotencyKey, pool and format are in their current state.',
)

const CancelTaskPayload = taskPayload(
  'CancelTaskPayload',
  'The task was cancelled.',
  'The task in its current state.',
)

const SaveGenerationSettingsInput = builder.inputType('SaveGenerationSettingsInput', {
  description: 'The settings of the Promo Codes section that are not part of the task.',
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
      description: 'Refill the pool when this many codes or fewer are available.',
    }),
  }),
})

const GenerateCodesInput = builder.inputType('GenerateCodesInput', {
  description: 'How many codes to generate, from which format and into which pool.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool that the codes are added to.' }),
    formatId: t.id({ required: true, description: 'The id of the format to generate from.' }),
    quantity: t.field({
      type: 'BigInt',
      required: true,
      description:
        "The number of codes: from 1 to the format's availableForGeneration. Any quantity takes the same time.",
    }),
    saveSettings: t.field({
      type: SaveGenerationSettingsInput,
      description:
        "Also saves these as the pool's Promo Codes section, with method GENERATE, this format and this quantity, in the " +
        'same transaction. Unlike saveReplenishment, this does not refill the pool.',
    }),
    idempotencyKey: t.string({
      description:
        'A string of your choice, 1 to 255 characters, that makes it safe to repeat the request: the same key with ' +
        'the same input returns the same task and generates nothing more. Keys are kept for at least a day.',
    }),
  }),
})

const CancelTaskInput = builder.inputType('CancelTaskInput', {
  description: 'The task to cancel.',
  fields: (t) => ({ taskId: t.id({ required: true, description: 'The id of the task.' }) }),
})

builder.mutationFields((t) => ({
  generateCodes: t.field({
    type: GenerateCodesPayload,
    nullable: true,
    description:
      "'Save and generate': creates a task that generates codes and adds them to a pool. The codes are reserved " +
      'immediately: asking for more than the format has left is an error, and a task that was accepted cannot run ' +
      'short. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [
        InvalidInputError,
        NotFoundError,
        PoolArchivedError,
        QuantityExceedsAvailableError,
        IdempotencyConflictError,
      ],
      union: { description: 'The new task, or why it was not created.' },
    },
    args: { input: t.arg({ type: GenerateCodesInput, required: true, description: 'What to generate.' }) },
    resolve: async (_root, { input }, { books, accountId, nodes }) => {
      const accepted = await acceptGeneration(books, accountId, {
        poolId: inputId('Pool', input.poolId, 'poolId'),
        formatId: inputId('Format', input.formatId, 'formatId'),
        quantity: input.quantity,
        saveSettings: input.saveSettings ?? undefined,
        idempotencyKey: input.idempotencyKey ?? undefined,
      })
      nodes.showAsOf(accepted)
      return accepted
    },
  }),
  cancelTask: t.field({
    type: CancelTaskPayload,
    nullable: true,
    description:
      'Cancels a task that has not finished, including one that is RUNNING: it adds nothing. The codes that were ' +
      'reserved for a generation are available again immediately. The codes that an upload has read can be uploaded ' +
      'or generated again once a worker has removed them. Cancelling a cancelled task changes nothing and is not an ' +
      'error. Needs MANAGE.',
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
