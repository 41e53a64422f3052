import {
  FormatOverlapError,
  IdempotencyConflictError,
  InvalidInputError,
  NameTakenError,
  NotFoundError,
  TaskFinishedError,
  UploadNotUndoneError,
  type UserError,
  type UserErrorCode as UserErrorCodeName,
} from '../../domain/books/errors.ts'
import { QuantityExceedsAvailableError } from '../../domain/format/format.ts'
import { PoolArchivedError, PoolNotIssuingError } from '../../domain/pool/issuing.ts'
import { ExternalIdTakenError, NotEnoughCodesError } from '../../domain/pool/pool.ts'
import {
  CodeExpiredError,
  CodeNotClaimedError,
  CodeRedeemedError,
  CodeVoidedError,
  RecipientMismatchError,
} from '../../domain/redemption/errors.ts'
import { builder } from '../builder.ts'
import { type FieldWeight, rowReads } from '../field-rules.ts'
import { Format } from '../format.ts'
import { maxMessageBytes } from '../max-sizes.ts'
import { existing } from '../nodes.ts'
import { Pool } from '../pool.ts'
import { Redemption } from '../redemption.ts'
import { Task } from '../task.ts'
import { CodeVoid } from '../void.ts'

// Inputs are nested four fields deep at most, and no input has more kinds of issues than this.
const pathWeight: FieldWeight = { items: 5, bytes: 40 }
const maxIssues = 40

const UserErrorCode = builder.enumType('UserErrorCode', {
  description: 'The kind of a typed error.',
  values: {
    INVALID_INPUT: { description: 'The input has values that are not allowed: see issues.' },
    NOT_FOUND: { description: 'Your account has nothing with this id, or no code that matches the text.' },
    NAME_TAKEN: { description: 'The name is in use, ignoring case.' },
    FORMAT_OVERLAP: { description: 'Another format could produce the same codes.' },
    QUANTITY_EXCEEDS_AVAILABLE: { description: 'The format does not have that many codes left to generate.' },
    NOT_ENOUGH_CODES: { description: 'The pool does not have that many codes available.' },
    IDEMPOTENCY_CONFLICT: { description: 'The idempotencyKey was used for a different request.' },
    TASK_FINISHED: { description: 'The task has already finished.' },
    UPLOAD_NOT_UNDONE: { description: 'The task is not an upload that can be undone.' },
    EXTERNAL_ID_TAKEN: { description: 'Another pool has this external id.' },
    POOL_NOT_ISSUING: { description: 'By its terms, the pool does not hand out codes now.' },
    POOL_ARCHIVED: { description: 'The pool is archived: no codes are added or handed out.' },
    CODE_NOT_CLAIMED: { description: 'The code has not been handed out, so it cannot be redeemed.' },
    CODE_EXPIRED: { description: 'The code has expired.' },
    CODE_REDEEMED: { description: 'The code has already been redeemed, with another reference.' },
    CODE_VOIDED: { description: 'The code has been voided.' },
    RECIPIENT_MISMATCH: { description: 'The code was handed out to another recipient.' },
  } satisfies Record<UserErrorCodeName, { description: string }>,
})

const UserErrorInterface = builder.interfaceRef<UserError>('UserError').implement({
  description:
    'A mistake in a request. Select this interface in the result of every mutation: it also covers errors that are ' +
    'added to the API later.',
  fields: (t) => ({
    message: t.exposeString('message', {
      weight: { bytes: maxMessageBytes },
      description: 'What is wrong and what to do about it, for people.',
    }),
    code: t.expose('code', { type: UserErrorCode, description: 'The kind of the error, for programs.' }),
    path: t.exposeStringList('path', {
      weight: pathWeight,
      description: 'The input field that is wrong, outermost name first. Empty if it is not a single field.',
    }),
  }),
})

const InputIssue = builder.objectRef<InvalidInputError['issues'][number]>('InputIssue').implement({
  description: 'A single mistake in an input.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      weight: pathWeight,
      description: 'The input field that is wrong, outermost name first.',
    }),
    message: t.exposeString('message', {
      weight: { bytes: maxMessageBytes },
      description: 'What is wrong and what is allowed.',
    }),
  }),
})

builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  description: 'The input has values that are not allowed. Nothing was changed.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssue],
      description: 'All mistakes in the input.',
      weight: { items: maxIssues },
      resolve: (error) => error.issues,
    }),
  }),
})

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description:
    'Your account has nothing with the id in the input field given by path; or, in redeemCode, no code matches the text, or ' +
    'several match it equally well. Nothing was changed.',
  interfaces: [UserErrorInterface],
})

builder.objectType(NameTakenError, {
  name: 'NameTakenError',
  description:
    'Your account already has a format, or a pool, with this name, ignoring case. Nothing was changed.',
  interfaces: [UserErrorInterface],
})

builder.objectType(FormatOverlapError, {
  name: 'FormatOverlapError',
  description:
    'The new format could produce codes that another format of your account can produce too. Every code must have ' +
    'exactly one origin. Nothing was created.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    format: t.field({
      type: Format,
      description: 'The existing format that could produce the same codes.',
      weight: { reads: rowReads },
      resolve: (error, _args, { nodes }) => existing(nodes.format, error.formatId),
    }),
  }),
})

builder.objectType(QuantityExceedsAvailableError, {
  name: 'QuantityExceedsAvailableError',
  description: 'The format does not have that many codes left to generate. No task was created.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    availableForGeneration: t.field({
      type: 'BigInt',
      description: 'How many codes were left to generate when the request was refused.',
      resolve: (error) => error.availableForGeneration,
    }),
    format: t.field({
      type: Format,
      weight: { reads: rowReads },
      description: 'The format, as it was when the request was refused.',
      resolve: ({ format }, _args, { nodes }) => {
        nodes.showAsOf({ format })
        return existing(nodes.format, format.id)
      },
    }),
  }),
})

builder.objectType(NotEnoughCodesError, {
  name: 'NotEnoughCodesError',
  description:
    'The pool has fewer codes available than the claim asks for. Claims are all or nothing, so nothing was claimed. ' +
    'With auto-generation on, the format has run out too. The message says what to do: generate or upload codes, ' +
    'wait for a running task, or use a format with more codes left.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    available: t.field({
      type: 'BigInt',
      description: 'How many codes the pool had available when the claim was refused.',
      resolve: (error) => error.available,
    }),
    pool: t.field({
      type: Pool,
      weight: { reads: rowReads },
      description: 'The pool, as it was when the claim was refused.',
      resolve: ({ pool }, _args, { nodes }) => {
        nodes.showAsOf({ pool })
        return existing(nodes.pool, pool.id)
      },
    }),
  }),
})

builder.objectType(PoolArchivedError, {
  name: 'PoolArchivedError',
  description:
    'The pool is archived: no codes are claimed from it, generated into it or uploaded to it. Use another pool, or ' +
    'unarchive this one (unarchivePool). Nothing was changed.',
  interfaces: [UserErrorInterface],
})

builder.objectType(PoolNotIssuingError, {
  name: 'PoolNotIssuingError',
  description:
    'By its terms, the pool does not hand out codes now: it does not yet, or no longer. Nothing was claimed.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    issueFrom: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the pool begins to hand out codes. Null if there is no such limit.',
      resolve: (error) => error.issueFrom,
    }),
    issueUntil: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the pool stops handing out codes: the earlier of issueUntil and validUntil of its terms. Null if there is ' +
        'no such limit.',
      resolve: (error) => error.issueUntil,
    }),
  }),
})

for (const error of [PoolArchivedError, PoolNotIssuingError])
  builder.objectField(error, 'pool', (t) =>
    t.field({
      type: Pool,
      weight: { reads: rowReads },
      description: 'The pool, as it was when the request was refused.',
      resolve: ({ pool }, _args, { nodes }) => {
        nodes.showAsOf({ pool })
        return existing(nodes.pool, pool.id)
      },
    }),
  )

builder.objectType(ExternalIdTakenError, {
  name: 'ExternalIdTakenError',
  description: 'Another pool of your account has this external id. Nothing was changed.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    pool: t.field({
      type: Pool,
      weight: { reads: rowReads },
      description: 'The pool that has the external id, in its current state.',
      resolve: ({ poolId }, _args, { nodes }) => existing(nodes.pool, poolId),
    }),
  }),
})

builder.objectType(IdempotencyConflictError, {
  name: 'IdempotencyConflictError',
  description: 'The idempotencyKey was used before with a different input. Nothing was changed.',
  interfaces: [UserErrorInterface],
})

builder.objectType(TaskFinishedError, {
  name: 'TaskFinishedError',
  description:
    'The task has completed or failed, so it cannot be cancelled. Cancelling a task that is already cancelled is not an ' +
    'error: it returns the task.',
  interfaces: [UserErrorInterface],
})

builder.objectType(UploadNotUndoneError, {
  name: 'UploadNotUndoneError',
  description:
    'The task cannot be undone: it is not a completed upload, it was a dry run, or some of its codes have been claimed. ' +
    'The message says which. Nothing was changed.',
  interfaces: [UserErrorInterface],
})

for (const error of [TaskFinishedError, UploadNotUndoneError])
  builder.objectField(error, 'task', (t) =>
    t.field({
      type: Task,
      description: 'The task in its current state.',
      weight: { reads: rowReads },
      resolve: ({ taskId }, _args, { nodes }) => existing(nodes.task, taskId),
    }),
  )

builder.objectType(CodeNotClaimedError, {
  name: 'CodeNotClaimedError',
  description:
    'Nobody has the code: it is in the stock of its pool, or was withdrawn from it. Nothing was changed.',
  interfaces: [UserErrorInterface],
})

builder.objectType(CodeExpiredError, {
  name: 'CodeExpiredError',
  description: 'The code had expired when it was used. It was not redeemed.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    expiredAt: t.expose('expiredAt', {
      type: 'DateTime',
      description: 'When the code expired: from this moment on, it was no longer good.',
    }),
  }),
})

builder.objectType(CodeRedeemedError, {
  name: 'CodeRedeemedError',
  description:
    'The code has already been redeemed, with another reference. Repeating a request with the same reference is not an ' +
    'error. Nothing was changed.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    redemption: t.expose('redemption', {
      type: Redemption,
      description: 'The redemption that stands: when, where and for what the code was used.',
    }),
  }),
})

builder.objectType(CodeVoidedError, {
  name: 'CodeVoidedError',
  description: 'The code was handed out, but has been voided since. It was not redeemed.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    void: t.expose('void', { type: CodeVoid, description: 'When and why the code was voided.' }),
  }),
})

builder.objectType(RecipientMismatchError, {
  name: 'RecipientMismatchError',
  description:
    'The code was handed out to another recipient than the one given. Who that is stays private. Nothing was changed.',
  interfaces: [UserErrorInterface],
})
