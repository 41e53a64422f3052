import {
  IdempotencyConflictError,
  InvalidInputError,
  NotFoundError,
  UploadNotUndoneError,
} from '../domain/errors.ts'
import { undoUpload } from '../domain/uploaded-codes.ts'
import type { Task as TaskRow } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import { uuidOf } from './ids.ts'
import { asAccepted, readTask, Task, type TaskPayload } from './task.ts'

const Upload = builder.objectRef<TaskRow>('Upload').implement({
  description:
    'What an upload is about, and what was found in the rows of its file so far: rowsRead is the sum of the four other ' +
    'counts. They stay as they are when the upload is cancelled or undone; what is in the pool, addedCount of the task tells.',
  fields: (t) => ({
    column: t.exposeString('column', {
      nullable: true,
      description:
        'The name of the column with the codes, as the upload said it; null when it did not say one.',
    }),
    dryRun: t.exposeBoolean('dryRun', {
      description: 'Whether it only says what it would add, and adds nothing.',
    }),
    caseSensitive: t.exposeBoolean('caseSensitive', {
      description:
        'Whether codes that differ in case, spaces and dashes alone are different ones, as the upload said it.',
    }),
    rowsRead: t.field({
      type: 'BigInt',
      description: 'How many rows of the file have been read, the header not counted.',
      resolve: (task) => task.rowsRead,
    }),
    accepted: t.field({
      type: 'BigInt',
      description:
        'How many of them are new codes. They are added to the pool all at once when the task is COMPLETED, and not ' +
        'before; a dry run only counts them.',
      resolve: (task) => task.accepted,
    }),
    duplicatesInFile: t.field({
      type: 'BigInt',
      description:
        'How many are codes that the file has further up already, the same or, unless the upload is caseSensitive, with ' +
        'another case, other spaces or other dashes.',
      resolve: (task) => task.duplicatesInFile,
    }),
    duplicatesInAccount: t.field({
      type: 'BigInt',
      description:
        'How many are codes that the account has already, uploaded or generated, in whatever pool, claimed or not; the ' +
        'same or, unless the upload is caseSensitive, with another case, other spaces or other dashes.',
      resolve: (task) => task.duplicatesInAccount,
    }),
    refused: t.field({
      type: 'BigInt',
      description:
        'How many have nothing in them that can be a code, a code of a format whose last codes are promised to tasks ' +
        'that have not finished, or, in a download of this service, one that was claimed. The file of rejectedRowsUrl has the reason for each.',
      resolve: (task) => task.refused,
    }),
  }),
})

builder.prismaObjectField(Task, 'upload', (t) =>
  t.field({
    type: Upload,
    nullable: true,
    description: 'What an upload is about, and how it is going; null for a generation.',
    resolve: (task) => (task.kind === 'UPLOAD' ? task : null),
  }),
)

const UploadCodesPayload = builder.objectRef<TaskPayload>('UploadCodesPayload').implement({
  description:
    'The file has arrived whole, and the task that reads it was created. Follow it with the subscription taskUpdated.',
  fields: (t) => ({
    task: t.prismaField({
      type: Task,
      description: 'The task, as it was created: by now it may have come further.',
      resolve: async (query, payload, _args, context) => unread(await readTask(query, payload, context)),
    }),
  }),
})

function unread(task: TaskRow): TaskRow {
  return {
    ...asAccepted(task),
    bytesRead: 0n,
    rowsRead: 0n,
    accepted: 0n,
    duplicatesInFile: 0n,
    duplicatesInAccount: 0n,
    refused: 0n,
  }
}

const UndoUploadPayload = builder.objectRef<TaskPayload>('UndoUploadPayload').implement({
  description: 'The upload is UNDONE: its codes are no longer in the pool, and nobody can claim them.',
  fields: (t) => ({
    task: t.prismaField({
      type: Task,
      description: 'The task, as it is now.',
      resolve: (query, payload, _args, context) => readTask(query, payload, context),
    }),
  }),
})

const UploadCodesInput = builder.inputType('UploadCodesInput', {
  description: 'A file of codes, and the pool that they go to.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool that the codes go to.' }),
    file: t.field({
      type: 'File',
      required: true,
      description:
        'CSV, or one code a line, in UTF-8, with or without a header; packed with gzip if you like. At most as large as ' +
        'the service is set up to accept: a gigabyte, unless that was changed.',
    }),
    column: t.string({
      description:
        'The name of the column that has the codes, as the header gives it. Without it, the column is found by its name ' +
        '(such as "code") or by being the only one.',
    }),
    dryRun: t.boolean({
      required: true,
      defaultValue: false,
      description:
        'Whether to read the file and count what is in it, as an upload would, but add nothing to the pool.',
    }),
    caseSensitive: t.boolean({
      required: true,
      defaultValue: false,
      description:
        'Whether codes that differ in case, spaces and dashes alone are different ones. Without it, a code that somebody ' +
        'could take for another one of the account or of the file, such as spring-10 for SPRING10, is a duplicate. With ' +
        'it, both are kept, and each is found when it is looked up exactly as it is written.',
    }),
    idempotencyKey: t.string({
      description:
        'A string of your own, 1 to 255 characters, kept at least a day: the same key with the same input and the same ' +
        'file answers with the same task and adds nothing more. With it, a file can be sent again safely.',
    }),
  }),
})

const UndoUploadInput = builder.inputType('UndoUploadInput', {
  description: 'An upload to undo.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The id of the task that uploaded the codes.' }),
  }),
})

builder.mutationFields((t) => ({
  uploadCodes: t.field({
    type: UploadCodesPayload,
    nullable: true,
    description:
      'Uploads a file of codes into a pool: creates a task that adds those that are new to the account, all at once when ' +
      'it has read the file, and counts the others. To be sent as a form: see File. The same as POST ' +
      '/pools/<pool id>/codes with the file as the body, which suits scripts better. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError, IdempotencyConflictError],
      union: { description: 'The new task, or why there is none.' },
    },
    args: {
      input: t.arg({ type: UploadCodesInput, required: true, description: 'What to upload, and where to.' }),
    },
    resolve: async (_root, { input }, { uploads, accountId }) => ({
      taskId: await uploads.receive(
        accountId,
        {
          poolId: uuidOf('Pool', input.poolId),
          column: input.column ?? undefined,
          dryRun: input.dryRun,
          caseSensitive: input.caseSensitive,
          idempotencyKey: input.idempotencyKey ?? undefined,
        },
        input.file.take(['file']),
      ),
    }),
  }),
  undoUpload: t.field({
    type: UndoUploadPayload,
    nullable: true,
    description:
      'Takes all codes of a completed upload out of the pool again, as long as none of them has been claimed: the task ' +
      'is UNDONE from then on, and its addedCount 0. A pool that is at its threshold then is refilled, or tells that it is ' +
      'low or empty, as after a claim. The codes can be uploaded or generated again as soon as a worker has cleared ' +
      'them away. Undoing an undone upload is no error. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError, UploadNotUndoneError],
      union: { description: 'The undone upload, or why it was not undone.' },
    },
    args: { input: t.arg({ type: UndoUploadInput, required: true, description: 'The upload to undo.' }) },
    resolve: async (_root, { input }, { books, accountId }) => {
      const taskId = uuidOf('Task', input.taskId)
      await undoUpload(books, accountId, taskId)
      return { taskId }
    },
  }),
}))
