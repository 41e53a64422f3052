import {
  FormatOverlapError,
  IdempotencyConflictError,
  InvalidInputError,
  NameTakenError,
  NotEnoughCodesError,
  NotFoundError,
  QuantityExceedsAvailableError,
  TaskFinishedError,
  UploadNotUndoneError,
  type UserError,
} from '../../domain/books/errors.ts'
import { builder } from '../builder.ts'
import { type FieldWeight, rowReads } from '../field-rules.ts'
import { Format } from '../format.ts'
import { maxMessageBytes } from '../max-sizes.ts'
import { Pool } from '../pool.ts'
import { Task } from '../task.ts'

// Inputs are nested four fields deep at most, and what is wrong with them is told by kinds.
const pathWeight: FieldWeight = { items: 5, bytes: 40 }
const maxIssues = 40

const UserErrorCode = builder.enumType('UserErrorCode', {
  description: 'What kind of mistake a typed error tells of.',
  values: {
    INVALID_INPUT: { description: 'Something in the input is not possible: see issues.' },
    NOT_FOUND: { description: 'An id leads to nothing in your account.' },
    NAME_TAKEN: { description: 'Another thing of this kind has the name already, in whatever case.' },
    FORMAT_OVERLAP: { description: 'Another format could produce the same codes.' },
    QUANTITY_EXCEEDS_AVAILABLE: { description: 'The format cannot give that many codes any more.' },
    NOT_ENOUGH_CODES: { description: 'The pool does not have that many codes available.' },
    IDEMPOTENCY_CONFLICT: { description: 'The idempotencyKey was used for another request.' },
    TASK_FINISHED: { description: 'The task is over already.' },
    UPLOAD_NOT_UNDONE: { description: 'The task is no upload that can be undone.' },
  } as const,
})

const UserErrorInterface = builder.interfaceRef<UserError>('UserError').implement({
  description:
    'What can be wrong with a request. Select this interface in the result of every mutation, so that errors that ' +
    'come later are told too.',
  fields: (t) => ({
    message: t.exposeString('message', {
      weight: { bytes: maxMessageBytes },
      description: 'What is wrong, and what to do about it. For people.',
    }),
    code: t.expose('code', { type: UserErrorCode, description: 'What is wrong. For programs.' }),
    path: t.exposeStringList('path', {
      weight: pathWeight,
      description:
        'The field of the input that is at fault, from the outside in; empty when no one field is.',
    }),
  }),
})

const InputIssue = builder.objectRef<InvalidInputError['issues'][number]>('InputIssue').implement({
  description: 'One thing that is wrong with an input.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      weight: pathWeight,
      description: 'The field of the input, from the outside in.',
    }),
    message: t.exposeString('message', {
      weight: { bytes: maxMessageBytes },
      description: 'What is wrong with it, and what is possible.',
    }),
  }),
})

builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  description: 'The input is not possible. Nothing was done.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssue],
      description: 'Everything that is wrong with the input, together.',
      weight: { items: maxIssues },
      resolve: (error) => error.issues,
    }),
  }),
})

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'An id of the input leads to nothing in your account: path says which. Nothing was done.',
  interfaces: [UserErrorInterface],
})

builder.objectType(NameTakenError, {
  name: 'NameTakenError',
  description:
    'Names are unique among the formats of an account, and among its pools, whatever their case. Nothing was done.',
  interfaces: [UserErrorInterface],
})

builder.objectType(FormatOverlapError, {
  name: 'FormatOverlapError',
  description:
    'The new format could produce codes that another format of the account can produce too, and a code must have ' +
    'one origin. Nothing was created.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    format: t.field({
      type: Format,
      description: 'The format that is in the way.',
      weight: { reads: rowReads },
      resolve: async (error, _args, { nodes }) => required(await nodes.format.load(error.formatId)),
    }),
  }),
})

builder.objectType(QuantityExceedsAvailableError, {
  name: 'QuantityExceedsAvailableError',
  description: 'The format cannot give that many codes any more. No task was created.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    availableForGeneration: t.field({
      type: 'BigInt',
      description: 'How many it could have given when this was refused.',
      resolve: (error) => error.availableForGeneration,
    }),
    format: t.field({
      type: Format,
      weight: { reads: rowReads },
      description: 'The format, as it was when this was refused.',
      resolve: async ({ format }, _args, { nodes }) => {
        nodes.tellAsOf({ format })
        return required(await nodes.format.load(format.id))
      },
    }),
  }),
})

builder.objectType(NotEnoughCodesError, {
  name: 'NotEnoughCodesError',
  description:
    'Claims are all or nothing: the pool could not give the whole count, so nothing was claimed. With auto-generation ' +
    'on, this means that the format has run out as well. message says what to do: generate, upload, wait for a task ' +
    'that is under way, or use a format with more room.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    available: t.field({
      type: 'BigInt',
      description: 'How many codes the pool had when this was refused.',
      resolve: (error) => error.available,
    }),
    pool: t.field({
      type: Pool,
      weight: { reads: rowReads },
      description: 'The pool, as it was when this was refused.',
      resolve: async ({ pool }, _args, { nodes }) => {
        nodes.tellAsOf({ pool })
        return required(await nodes.pool.load(pool.id))
      },
    }),
  }),
})

builder.objectType(IdempotencyConflictError, {
  name: 'IdempotencyConflictError',
  description: 'The idempotencyKey was used with another input before. Nothing was done.',
  interfaces: [UserErrorInterface],
})

builder.objectType(TaskFinishedError, {
  name: 'TaskFinishedError',
  description:
    'The task is over, completed or failed. Cancelling a cancelled task is no error: it returns the task.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    task: t.field({
      type: Task,
      description: 'The task, as it is now.',
      weight: { reads: rowReads },
      resolve: async (error, _args, { nodes }) => required(await nodes.task.load(error.taskId)),
    }),
  }),
})

builder.objectType(UploadNotUndoneError, {
  name: 'UploadNotUndoneError',
  description:
    'The task is no upload that has completed, or was a dry run, or codes of it have been claimed: message says which. ' +
    'Nothing was undone.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    task: t.field({
      type: Task,
      description: 'The task, as it is now.',
      weight: { reads: rowReads },
      resolve: async (error, _args, { nodes }) => required(await nodes.task.load(error.taskId)),
    }),
  }),
})

function required<Row>(row: Row | null): Row {
  if (row === null) throw new Error('What an error leads to is gone.')
  return row
}
