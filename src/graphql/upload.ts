import { maxShownCells } from '../codefile/layout-texts.ts'
import type { FileLayout } from '../codefile/read.ts'
import {
  IdempotencyConflictError,
  InvalidInputError,
  NotFoundError,
  UploadNotUndoneError,
} from '../domain/books/errors.ts'
import { unfinished } from '../domain/generation/task.ts'
import { undoUpload } from '../domain/upload/finish.ts'
import type { UploadWait as UploadWaitName } from '../domain/upload/queue.ts'
import { maxColumnLength } from '../domain/upload/receive.ts'
import { uploadWarnings } from '../domain/upload/warnings.ts'
import type { Task as TaskRow } from '../generated/prisma/client.ts'
import { builder } from './builder.ts'
import { inputId } from './ids.ts'
import { maxHeaderCellBytes, maxMessageBytes } from './sizes.ts'
import { asAccepted, Task, taskPayload } from './task.ts'

const UploadWait = builder.enumType('UploadWait', {
  description: 'Why an upload does not go on.',
  values: {
    WORKER: {
      description:
        'Nobody has taken it up yet. It goes on at once, or, while the workers have files of many accounts, in its turn; ' +
        'if this lasts, no process with a worker is running.',
    },
    EARLIER_UPLOAD: {
      description:
        'A file of the account that began to arrive before it is read first: those of one account are read one after the ' +
        'other.',
    },
    CLEARING: {
      description:
        'Codes of its file belong to an upload that was undone, was cancelled or has failed, and they are being cleared ' +
        'away. Uploads without such codes do not wait for that.',
    },
  } satisfies Record<UploadWaitName, { description: string }>,
})

// One of each kind.
const maxUploadWarnings = 3

const UploadLayout = builder.objectRef<FileLayout>('UploadLayout').implement({
  description:
    'How the file of an upload is laid out, as it was said or found out from its beginning. See it before the codes are ' +
    'added, with a dry run.',
  fields: (t) => ({
    headerRow: t.exposeInt('headerRow', {
      nullable: true,
      description:
        'The number of the row that was taken for the header, as a spreadsheet shows it; rows above it are a title. Null ' +
        'if the file was taken to have no header, so that its first row is a code.',
    }),
    header: t.exposeStringList('header', {
      weight: { items: maxShownCells, bytes: maxHeaderCellBytes },
      nullable: true,
      description: 'The cells of the header, the first 20 of them and shortened; null if there is none.',
    }),
    columnNumber: t.exposeInt('columnNumber', {
      description: 'The number of the column that the codes are read from, from 1.',
    }),
    delimiter: t.exposeString('delimiter', {
      weight: { bytes: 8 },
      nullable: true,
      description: 'The character between cells; null for a file of one column.',
    }),
  }),
})

const Upload = builder.objectRef<TaskRow>('Upload').implement({
  description:
    'What an upload is about, and what was found in the rows of its file so far: rowsRead is the sum of the four other ' +
    'counts. They stay as they are when the upload is cancelled or undone; what is in the pool, addedCount of the task tells.',
  fields: (t) => ({
    column: t.exposeString('column', {
      weight: { bytes: 6 * maxColumnLength + 2 },
      nullable: true,
      description:
        'The name of the column with the codes, as the upload said it; null when it did not say one.',
    }),
    header: t.exposeBoolean('header', {
      nullable: true,
      description: 'Whether the file has a header, as the upload said it; null when it did not say.',
    }),
    layout: t.field({
      type: UploadLayout,
      nullable: true,
      description:
        'What was taken for the header and for the column with the codes; null until the first rows have been read.',
      resolve: ({ layout }) => layout as unknown as FileLayout | null,
    }),
    waitingFor: t.field({
      type: UploadWait,
      nullable: true,
      description: 'Why it does not go on at this moment; null while it does, and once it has ended.',
      resolve: async ({ id, status }, _args, { nodes }) => {
        if (!unfinished.includes(status)) return null
        const wait = await nodes.uploadWait.load(id)
        // It may have been taken up since its status was read.
        return wait ?? (status === 'AWAITING_EXECUTION' ? 'WORKER' : null)
      },
    }),
    warnings: t.stringList({
      weight: { items: maxUploadWarnings, bytes: maxMessageBytes },
      description:
        'What to look at although the upload is COMPLETED, for people: that it has added nothing, that rows were refused, ' +
        'or that a row of an unknown name was taken for the header. Empty if there is nothing to say.',
      resolve: (task) => uploadWarnings(task),
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
        'How many were refused for another reason: the row has nothing that can be a code; or its code belongs to a ' +
        'format whose last codes are promised to tasks that have not finished; or the file is a download of this ' +
        'service, in which the code is marked as claimed. The file of rejectedRowsUrl has the reason for each.',
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

const UploadCodesPayload = taskPayload(
  'UploadCodesPayload',
  'The file has arrived whole, and the task that reads it was created. Follow it with the subscription taskUpdated.',
  'The task as it was created, and its pool as it was then: by now it may have come further. Where the file was sent ' +
    'before with the same idempotencyKey, the pool is as it is now.',
)

const UndoUploadPayload = taskPayload(
  'UndoUploadPayload',
  'The upload is UNDONE: its codes are no longer in the pool, and nobody can claim them.',
  'The task, as it is now.',
)

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
        '(such as "code") or by being the only one. With header it can also be the number of the column, from 1: so a ' +
        'file without a header can have several columns.',
    }),
    header: t.boolean({
      description:
        'Whether the file has a header. Without it, that is found out from the beginning of the file: from the usual ' +
        'names in many languages, and from whether the first row looks like those below it. In doubt the task fails with ' +
        'HEADER_UNCLEAR; a dry run tells what would be taken for the header (layout).',
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
    resolve: async (_root, { input }, { uploads, accountId, nodes }) => {
      const { taskId, moment } = await uploads.receive(
        accountId,
        {
          poolId: inputId('Pool', input.poolId, 'poolId'),
          column: input.column ?? undefined,
          header: input.header ?? undefined,
          dryRun: input.dryRun,
          caseSensitive: input.caseSensitive,
          idempotencyKey: input.idempotencyKey ?? undefined,
        },
        input.file.take(['file']),
      )
      nodes.tellAsOf({ ...moment, task: asAccepted(taskId) })
      return { taskId }
    },
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
      const taskId = inputId('Task', input.taskId, 'taskId')
      await undoUpload(books, accountId, taskId)
      return { taskId }
    },
  }),
}))
