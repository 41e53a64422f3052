import { grouped } from '../../grouped.ts'

/**
 * What a request can do wrong, as the callers of the service should hear of it. `path` leads to the field of the
 * input that is at fault, and is empty when no one field is.
 */
export abstract class UserError extends Error {
  abstract readonly code: UserErrorCode
  readonly path: string[]

  constructor(message: string, path: string[] = []) {
    super(message)
    this.name = new.target.name
    this.path = path
  }
}

export type UserErrorCode =
  | 'INVALID_INPUT'
  | 'NOT_FOUND'
  | 'NAME_TAKEN'
  | 'FORMAT_OVERLAP'
  | 'QUANTITY_EXCEEDS_AVAILABLE'
  | 'NOT_ENOUGH_CODES'
  | 'IDEMPOTENCY_CONFLICT'
  | 'TASK_FINISHED'
  | 'UPLOAD_NOT_UNDONE'

export interface InputIssue {
  path: string[]
  message: string
}

/** Everything that is wrong with an input, together. */
export class InvalidInputError extends UserError {
  readonly code = 'INVALID_INPUT'
  readonly issues: InputIssue[]

  constructor(issues: [InputIssue, ...InputIssue[]]) {
    const [first, ...more] = issues
    super(
      more.length === 0 ? first.message : `${first.message} (and ${grouped(more.length)} more: see issues)`,
      more.length === 0 ? first.path : [],
    )
    this.issues = issues
  }
}

/** The file of an upload is larger than is accepted: nothing of it was kept. */
export class FileTooLargeError extends InvalidInputError {
  constructor(maxBytes: number) {
    super([
      {
        path: ['file'],
        message: `The file is larger than ${grouped(maxBytes)} bytes, the most that is accepted. Split it, and upload its parts one after the other.`,
      },
    ])
  }
}

/**
 * The thing does not exist, or belongs to another account: which of them is not told. `message` is for an id that shows
 * by itself that it cannot be the right one.
 */
export class NotFoundError extends UserError {
  readonly code = 'NOT_FOUND'

  constructor(what: string, path: string[], message = `There is no ${what} with this id in your account.`) {
    super(message, path)
  }
}

export class NameTakenError extends UserError {
  readonly code = 'NAME_TAKEN'

  /** `name` is the name of the other one. */
  constructor(what: string, name: string) {
    super(
      `Another ${what} of your account is named "${name}". Choose another name: one that differs in more than upper and lower case.`,
      ['name'],
    )
  }
}

export class FormatOverlapError extends UserError {
  readonly code = 'FORMAT_OVERLAP'
  readonly formatId: string

  constructor(format: { id: string; name: string; pattern: string }) {
    super(
      `This format could produce codes that your format "${format.name}" (${format.pattern}) can produce too, and ` +
        `then nobody could tell where a code came from. Use that format, or change the prefix, the suffix, the ` +
        `length or the characters.`,
      ['shape'],
    )
    this.formatId = format.id
  }
}

export class IdempotencyConflictError extends UserError {
  readonly code = 'IDEMPOTENCY_CONFLICT'

  constructor() {
    super(
      'This idempotencyKey was used for another request already. Use a new key for a new request, and the same key ' +
        'only to send the very same request again.',
      ['idempotencyKey'],
    )
  }
}

export class TaskFinishedError extends UserError {
  readonly code = 'TASK_FINISHED'
  readonly taskId: string

  constructor(taskId: string, status: string) {
    super(`The task is ${status.toLowerCase()} already, so it can no longer be cancelled.`, ['taskId'])
    this.taskId = taskId
  }
}

/** `why` is a sentence that says what is in the way and what to do. */
export class UploadNotUndoneError extends UserError {
  readonly code = 'UPLOAD_NOT_UNDONE'
  readonly taskId: string

  constructor(taskId: string, why: string) {
    super(why, ['taskId'])
    this.taskId = taskId
  }
}

/** A count of codes in words: "no codes", "1 code", "2 codes". */
export function codes(count: bigint): string {
  return count === 0n ? 'no codes' : count === 1n ? '1 code' : `${grouped(count)} codes`
}

/** The cursor is not one of this account's event log: made up, of another account, or of a log before a restore. */
export class CursorInvalidError extends Error {
  constructor() {
    super(
      "This is not a cursor of your account's event log. Read the state afresh, together with eventCursor, and go " +
        'on from there.',
    )
    this.name = 'CursorInvalidError'
  }
}

/** Events after the cursor have been removed already. */
export class CursorExpiredError extends Error {
  constructor() {
    super(
      'Events after this cursor are no longer kept. Read the state afresh, together with eventCursor, and go on ' +
        'from there.',
    )
    this.name = 'CursorExpiredError'
  }
}

/** A reader of the event log was so slow that events it had still to read have been removed. */
export class ReaderTooSlowError extends Error {
  constructor() {
    super(
      'This subscription was read so slowly that events it had still to tell are no longer kept. Read the state afresh, ' +
        'together with eventCursor, and go on from there.',
    )
    this.name = 'ReaderTooSlowError'
  }
}

/** The key has looked for too much that is not there. */
export class RateLimitedError extends Error {
  /** After how many milliseconds the key may try once more. */
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super(
      'Too many look-ups with this API key have found nothing, as when somebody guesses codes. Wait for the time that ' +
        'retryAfterMs says, and look up codes that there are.',
    )
    this.name = 'RateLimitedError'
    this.retryAfterMs = retryAfterMs
  }
}

/** The rows of an upload that were not added are no longer kept. */
export class RejectedRowsForgottenError extends Error {
  constructor(finishedAt: Date) {
    super(
      `The rows of this upload that were not added are no longer kept: it finished on ${finishedAt.toISOString().slice(0, 10)}, ` +
        'and they are removed some time after that. A dry run of the same file tells what would not be added by now.',
    )
    this.name = 'RejectedRowsForgottenError'
  }
}

/** A file did not arrive whole. */
export class FileInterruptedError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`${reason} Nothing of the file was kept: send it again.`, { cause })
    this.name = 'FileInterruptedError'
  }
}

/** So many files are arriving at this moment, of the account or altogether, that another one has to wait. */
export class TooManyUploadsError extends Error {
  constructor(reason: string) {
    super(`${reason} Try again in a while.`)
    this.name = 'TooManyUploadsError'
  }
}
