import { isUsualName } from '../codefile/column-names.ts'
import { type FileBeginning, type FirstRow, maxFirstCodes, maxFirstRows } from '../codefile/first-rows.ts'
import { columnName, type FileLayout } from '../codefile/read.ts'
import { maxShownCells } from '../codefile/shorten.ts'
import {
  IdempotencyConflictError,
  InvalidInputError,
  NotFoundError,
  UploadNotUndoneError,
} from '../domain/books/errors.ts'
import { isUnfinished, type Task as TaskRow } from '../domain/generation/task.ts'
import { PoolArchivedError } from '../domain/pool/issuing.ts'
import { undoUpload } from '../domain/upload/finish.ts'
import type { UploadWait as UploadWaitName } from '../domain/upload/queue.ts'
import { maxColumnLength } from '../domain/upload/receive.ts'
import { listRejectedRows, type StoredRejectedRow } from '../domain/upload/rejected-rows.ts'
import { uploadWarnings } from '../domain/upload/warnings.ts'
import { builder } from './builder.ts'
import { loadedReads } from './field-rules.ts'
import { inputId } from './ids.ts'
import { maxHeaderCellBytes, maxMessageBytes, maxShortenedBytes } from './max-sizes.ts'
import {
  badCursor,
  countedConnectionType,
  pageArguments,
  pageOf,
  pageSize,
  pageWeight,
} from './pagination.ts'
import { scopeOfRows, seesRows, Task, taskPayload } from './task.ts'

const UploadWait = builder.enumType('UploadWait', {
  description: 'What an upload waits for.',
  values: {
    WORKER: {
      description:
        'A worker to start it. Usually one does so immediately. While files of many accounts are waiting, each account has ' +
        'its share of the time. If this persists, no process with a worker is running.',
    },
    EARLIER_UPLOAD: {
      description:
        'An earlier upload of the account. The files of an account are read one after the other, in the order in which ' +
        'they began to arrive.',
    },
    CLEARING: {
      description:
        'The removal of codes in its file that still belong to an upload that was undone, was cancelled or has failed. ' +
        'Uploads without such codes do not wait for it.',
    },
  } satisfies Record<UploadWaitName, { description: string }>,
})

const usualRowBytes = 200

// One of each kind.
const maxUploadWarnings = 3

const UploadLayout = builder.objectRef<FileLayout>('UploadLayout').implement({
  description:
    'The layout of an uploaded file, as given by the input or detected from the beginning of the file. A dry run ' +
    'shows it before any codes are added.',
  fields: (t) => ({
    headerRow: t.exposeInt('headerRow', {
      nullable: true,
      description:
        'The number of the header row, as a spreadsheet shows it. Rows above it are a title. Null if the file was ' +
        'read without a header.',
    }),
    header: t.stringList({
      weight: { items: maxShownCells, bytes: maxHeaderCellBytes },
      nullable: true,
      description:
        'The first 20 cells of the header, shortened. Null if there is no header. Without MANAGE also null if the column with ' +
        'the codes does not have a usual name: a row that was taken for the header may be a code.',
      resolve: (layout, _args, context) => (seesRows(context) || hasUsualName(layout) ? layout.header : null),
    }),
    columnNumber: t.exposeInt('columnNumber', {
      description: 'The number of the column with the codes, from 1.',
    }),
    delimiter: t.exposeString('delimiter', {
      weight: { bytes: 8 },
      nullable: true,
      description: 'The character between cells. Null for a file of one column.',
    }),
  }),
})

/** Whether the row of the header is one beyond doubt. */
function hasUsualName(layout: FileLayout): boolean {
  const name = columnName(layout)
  return name !== undefined && isUsualName(name)
}

const FileRow = builder.objectRef<FirstRow>('FileRow').implement({
  description: 'A row of an uploaded file.',
  fields: (t) => ({
    number: t.exposeInt('number', { description: 'The number of the row, as a spreadsheet shows it.' }),
    cells: t.exposeStringList('cells', {
      weight: { items: maxShownCells, bytes: maxHeaderCellBytes },
      description: 'The first 20 cells of the row, shortened. Empty cells at its end are left out.',
    }),
  }),
})

const UploadBeginning = builder.objectRef<FileBeginning>('UploadBeginning').implement({
  description:
    'How an uploaded file begins. A dry run shows it before any codes are added; and if a person has to say where the codes ' +
    'are, the columns to choose from are here.',
  fields: (t) => ({
    rows: t.expose('rows', {
      type: [FileRow],
      weight: { items: maxFirstRows },
      description:
        'The first 6 rows that are not blank: a title, the header, and codes, whichever the file has. They are divided into ' +
        'cells as the file was read or, if it is not clear how to read it, in the likeliest way.',
    }),
    codes: t.exposeStringList('codes', {
      weight: { items: maxFirstCodes, bytes: maxShortenedBytes },
      description:
        'The first 5 codes, as they were read, shortened if they are very long. Whether they are new does not matter here. ' +
        'Empty if no code was found: if the column is not clear, for example.',
    }),
  }),
})

const Upload = builder.objectRef<TaskRow>('Upload').implement({
  description:
    'The settings of an upload, and the counts of the rows of its file: rowsRead is the sum of accepted, duplicatesInFile, ' +
    'duplicatesInAccount and refused. The counts remain when the upload is cancelled or undone; the number of codes in the ' +
    'pool is addedCount of the task.',
  fields: (t) => ({
    column: t.exposeString('column', {
      weight: { bytes: 6 * maxColumnLength + 2 },
      nullable: true,
      description: 'The column with the codes, as given by the input. Null if none was given.',
    }),
    header: t.exposeBoolean('header', {
      nullable: true,
      description: 'Whether the file has a header, as given by the input. Null if it was not given.',
    }),
    layout: t.expose('layout', {
      type: UploadLayout,
      nullable: true,
      description:
        'The header and the column with the codes, as the file was read. Null until its first rows have been read.',
    }),
    beginning: t.field({
      type: UploadBeginning,
      nullable: true,
      authScopes: { scope: scopeOfRows },
      weight: { reads: loadedReads },
      description:
        'The first rows and codes of the file, also if the upload has failed. Null until they have been read, and if the file ' +
        'cannot be read as a table at all. They are kept for as long as the rejected rows (rejectedRowsUrl); then this is ' +
        'null again. Needs MANAGE, as they may be codes that anybody could use.',
      resolve: ({ id }, _args, { nodes }) => nodes.uploadBeginning.load(id),
    }),
    waitingFor: t.field({
      type: UploadWait,
      nullable: true,
      description:
        'What the upload waits for. Null after it has ended, and while it is RUNNING, unless it waits for CLEARING. A RUNNING ' +
        'upload that makes no progress will be resumed: its worker has stopped, or the accounts of other uploads have ' +
        'their share of the time.',
      resolve: async ({ id, status }, _args, { nodes }) => {
        if (!isUnfinished(status)) return null
        const wait = await nodes.uploadWait.load(id)
        // A worker may have started it since its status was read.
        return wait ?? (status === 'AWAITING_EXECUTION' ? 'WORKER' : null)
      },
    }),
    warnings: t.stringList({
      weight: { items: maxUploadWarnings, bytes: maxMessageBytes },
      description:
        'Warnings about a COMPLETED upload, for people: it has added nothing, rows were refused, or a row with an ' +
        'unknown name was taken for the header. Usually empty. Without MANAGE, that name is left out, as it may be a code.',
      resolve: (task, _args, context) => uploadWarnings(task, { quotesRows: seesRows(context) }),
    }),
    dryRun: t.exposeBoolean('dryRun', {
      description: 'Whether the upload only counts what it would add.',
    }),
    caseSensitive: t.exposeBoolean('caseSensitive', {
      description:
        'Whether codes that differ only in case, spaces and dashes are different codes, as given by the input.',
    }),
    rowsRead: t.expose('rowsRead', {
      type: 'BigInt',
      description: 'The number of rows that have been read, without the header and blank rows.',
    }),
    accepted: t.expose('accepted', {
      type: 'BigInt',
      description:
        'The number of rows with a new code. The codes are added to the pool together when the task is COMPLETED; a dry ' +
        'run only counts them.',
    }),
    duplicatesInFile: t.expose('duplicatesInFile', {
      type: 'BigInt',
      description:
        'The number of rows whose code is already further up in the file. Unless the upload is caseSensitive, codes that ' +
        'differ only in case, spaces and dashes count as the same.',
    }),
    duplicatesInAccount: t.expose('duplicatesInAccount', {
      type: 'BigInt',
      description:
        'The number of rows whose code is already in the account: uploaded or generated, in any pool, claimed or not. ' +
        'Unless the upload is caseSensitive, codes that differ only in case, spaces and dashes count as the same.',
    }),
    refused: t.expose('refused', {
      type: 'BigInt',
      description:
        'The number of rows that were refused although their codes are no duplicates: the row contains no possible code; its ' +
        'code belongs to a format whose remaining codes are reserved for tasks that have not finished; or the file is a ' +
        'download of this service in which the status of the code is not AVAILABLE. The file at rejectedRowsUrl has the ' +
        'reason for each row.',
    }),
  }),
})

const RejectedRow = builder.objectRef<StoredRejectedRow>('RejectedRow').implement({
  description: 'A row of an uploaded file that was not added.',
  fields: (t) => ({
    number: t.field({
      type: 'BigInt',
      description: 'The number of the row, as a spreadsheet shows it.',
      resolve: (row) => BigInt(row.number),
    }),
    code: t.exposeString('code', {
      weight: { bytes: maxShortenedBytes, usualBytes: usualRowBytes },
      description: 'The code of the row or, if it has none that is clear, the text of the row, shortened.',
    }),
    reason: t.exposeString('reason', {
      weight: { bytes: maxMessageBytes, usualBytes: usualRowBytes },
      description: 'Why the row was not added, for people.',
    }),
  }),
})

builder.objectField(Upload, 'rejectedRows', (t) =>
  t.field({
    type: countedConnectionType(RejectedRow, 'rejected rows'),
    nullable: true,
    description:
      'The rows that were not added, in the order of the file, as far as it has been read: duplicates and refused rows. Null ' +
      'once they are no longer kept: see rejectedRowsUrl, which has them all in one file. Needs MANAGE, as a row that was not ' +
      'added may be a code that anybody could use. The counts of the upload say how many there are.',
    authScopes: { scope: scopeOfRows },
    weight: pageWeight,
    checkArgs: (args) => {
      pageSize(args)
      rowCursor('after', args.after)
      rowCursor('before', args.before)
    },
    args: pageArguments(),
    resolve: async (task, args, { books, accountId }) => {
      if (task.rejectedForgotten) return null
      const { limit, fromEnd } = pageSize(args)
      const [after, before] = [rowCursor('after', args.after), rowCursor('before', args.before)]
      const slice = { after, before, limit: limit + 1, fromEnd }
      const rows = await listRejectedRows(books, accountId, task.id, slice)
      const edges = (fromEnd ? rows.toReversed() : rows).map((node) => ({
        cursor: Buffer.from(node.number).toString('base64url'),
        node,
      }))
      const totalCount = () => task.duplicatesInFile + task.duplicatesInAccount + task.refused
      return { ...pageOf(edges, { limit, fromEnd, after, before }), totalCount }
    },
  }),
)

/** The number of the row of a cursor. Throws BAD_USER_INPUT if it is none. */
function rowCursor(name: 'after' | 'before', cursor: string | null | undefined): string | undefined {
  if (cursor == null) return undefined
  const number = Buffer.from(cursor, 'base64url').toString()
  if (!/^[1-9]\d{0,17}$/.test(number) || Buffer.from(number).toString('base64url') !== cursor)
    throw badCursor(name)
  return number
}

builder.objectField(Task, 'upload', (t) =>
  t.field({
    type: Upload,
    nullable: true,
    description: 'The settings and the counts of an upload. Null for a generation.',
    resolve: (task) => (task.kind === 'UPLOAD' ? task : null),
  }),
)

const UploadCodesPayload = taskPayload(
  'UploadCodesPayload',
  'The task was created, and the whole file has arrived. Follow it with the subscription taskUpdated.',
  'The task and its pool as they were when the task was created. If the request repeats an earlier one with the ' +
    'same idempotencyKey, the pool is in its current state.',
)

const UndoUploadPayload = taskPayload(
  'UndoUploadPayload',
  'The upload was undone. Its codes are no longer in the pool and cannot be claimed.',
  'The task in its current state.',
)

const UploadCodesInput = builder.inputType('UploadCodesInput', {
  description: 'A file of codes, and the pool to add them to.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool to add the codes to.' }),
    file: t.field({
      type: 'File',
      required: true,
      description:
        'CSV or one code per line, in UTF-8, with or without a header, optionally compressed with gzip. The maximum ' +
        'size is a setting of the service: by default, one gigabyte.',
    }),
    column: t.string({
      description:
        'The name of the column with the codes, as in the header. By default, the column with a common name, such ' +
        'as "code", or the only column. If header is given, this may also be the number of the column, from 1, so ' +
        'that a file without a header can have several columns.',
    }),
    header: t.boolean({
      description:
        'Whether the file has a header. By default, this is decided from the beginning of the file: by the usual names in ' +
        'many languages, and by whether the first row looks like the rows below it. If it is not clear, the task fails ' +
        'with HEADER_UNCLEAR, and shows how the file begins (beginning). A dry run shows which row would be taken for the header (layout).',
    }),
    dryRun: t.boolean({
      required: true,
      defaultValue: false,
      description: 'Whether to only read the file and count what would be added, without adding anything.',
    }),
    caseSensitive: t.boolean({
      required: true,
      defaultValue: false,
      description:
        'Whether codes that differ only in case, spaces and dashes are different codes. By default, spring-10 is a ' +
        'duplicate of SPRING10 if that is in the account or further up in the file. With caseSensitive, both are added, ' +
        'and each is found if it is looked up exactly as it is written.',
    }),
    idempotencyKey: t.string({
      description:
        'A string of your choice, 1 to 255 characters, that makes it safe to repeat the request: the same key with ' +
        'the same input and the same file returns the same task and adds nothing more. Keys are kept for at least a ' +
        'day.',
    }),
  }),
})

const UndoUploadInput = builder.inputType('UndoUploadInput', {
  description: 'The upload to undo.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The id of the task that uploaded the codes.' }),
  }),
})

builder.mutationFields((t) => ({
  uploadCodes: t.field({
    type: UploadCodesPayload,
    nullable: true,
    description:
      'Uploads a file of codes to a pool. Creates a task that reads the file, and then adds together all codes that are ' +
      'new to the account. Send the operation as a form: see File. For scripts, POST /pools/<pool id>/codes with the file as ' +
      'the body does the same. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError, PoolArchivedError, IdempotencyConflictError],
      union: { description: 'The new task, or why it was not created.' },
    },
    args: {
      input: t.arg({ type: UploadCodesInput, required: true, description: 'The file and the pool.' }),
    },
    resolve: async (_root, { input }, { uploads, accountId, keyId, nodes }) => {
      const accepted = await uploads.receive(
        { accountId, keyId },
        {
          poolId: inputId('Pool', input.poolId, 'poolId'),
          column: input.column ?? undefined,
          header: input.header ?? undefined,
          dryRun: input.dryRun,
          caseSensitive: input.caseSensitive,
          idempotencyKey: input.idempotencyKey ?? undefined,
        },
        input.file.read(['file']),
      )
      nodes.showAsOf(accepted)
      return accepted
    },
  }),
  undoUpload: t.field({
    type: UndoUploadPayload,
    nullable: true,
    description:
      'Removes all codes of a completed upload from the pool, available or withdrawn, provided that none has been ' +
      'claimed. The task becomes UNDONE, and its addedCount 0. If this brings the pool down to its threshold, it is refilled, or ' +
      'reports that it is low or empty, as after a claim. The codes can be uploaded or generated again once a ' +
      'worker has cleared them. Undoing an undone upload is not an error. Needs MANAGE.',
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
