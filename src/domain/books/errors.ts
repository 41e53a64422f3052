import { grouped } from '../../grouped.ts'

/**
 * A fault of a request, reported to the caller. `path` leads to the input field at fault, and is empty if it is no single
 * field. Those that carry a format, a pool or a redemption are in the folders of these.
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
  | 'EXTERNAL_ID_TAKEN'
  | 'POOL_NOT_ISSUING'
  | 'POOL_ARCHIVED'
  | 'CODE_NOT_CLAIMED'
  | 'CODE_EXPIRED'
  | 'CODE_REDEEMED'
  | 'CODE_VOIDED'
  | 'RECIPIENT_MISMATCH'

export interface InputIssue {
  path: string[]
  message: string
}

/** Everything that is wrong with an input. */
export class InvalidInputError extends UserError {
  readonly code = 'INVALID_INPUT'
  readonly issues: InputIssue[]

  constructor(issues: [InputIssue, ...InputIssue[]]) {
    const [first, ...more] = issues
    super(more.length === 0 ? first.message : summaryOf(issues), more.length === 0 ? first.path : [])
    this.issues = issues
  }
}

const maxNamedIssues = 3
// In three bytes for each, it fits the limit of messages with room to spare.
const maxSummaryLength = 2_000

/** The first of several issues, each with the field that it is about, and how many more there are. */
function summaryOf([first, ...more]: readonly [InputIssue, ...InputIssue[]]): string {
  let summary = withField(first)
  let named = 1
  for (const issue of more.slice(0, maxNamedIssues - 1)) {
    const longer = `${summary} ${withField(issue)}`
    if (longer.length > maxSummaryLength) break
    summary = longer
    named += 1
  }
  const rest = 1 + more.length - named
  return rest === 0 ? summary : `${summary} (and ${grouped(rest)} more: see issues)`
}

function withField({ path, message }: InputIssue): string {
  return path.length === 0 ? message : `${path.join('.')}: ${message}`
}

/** The file of an upload is too large. Nothing of it was kept. */
export class FileTooLargeError extends InvalidInputError {
  constructor(maxBytes: number) {
    super([
      {
        path: ['file'],
        message: `The file is larger than ${grouped(maxBytes)} bytes, which is the maximum. Split it and upload the parts.`,
      },
    ])
  }
}

/** The message for a thing that does not exist or belongs to another account: it does not tell which. */
export const noSuch = (what: string) => `There is no ${what} with this id in your account.`

/** The thing does not exist or belongs to another account. */
export class NotFoundError extends UserError {
  readonly code = 'NOT_FOUND'

  /** Pass a `message` for a malformed id. */
  constructor(what: string, path: string[], message = noSuch(what)) {
    super(message, path)
  }
}

export class NameTakenError extends UserError {
  readonly code = 'NAME_TAKEN'

  /** `name` is the name of the other one. */
  constructor(what: string, name: string) {
    super(
      `Another ${what} is already named "${name}". Choose a name that differs in more than upper and lower case.`,
      ['name'],
    )
  }
}

export class FormatOverlapError extends UserError {
  readonly code = 'FORMAT_OVERLAP'
  readonly formatId: string

  constructor(format: { id: string; name: string; pattern: string }) {
    super(
      `This format could produce the same codes as your format "${format.name}" (${format.pattern}), so the origin of ` +
        'a code would be ambiguous. Use that format, or change the prefix, the suffix, the length or the characters.',
      ['shape'],
    )
    this.formatId = format.id
  }
}

export class IdempotencyConflictError extends UserError {
  readonly code = 'IDEMPOTENCY_CONFLICT'

  constructor() {
    super(
      'This idempotencyKey has already been used for a different request. Use a new key for each new request, and the ' +
        'same key only to retry the same request.',
      ['idempotencyKey'],
    )
  }
}

export class TaskFinishedError extends UserError {
  readonly code = 'TASK_FINISHED'
  readonly taskId: string

  constructor(taskId: string, status: string) {
    super(`The task is already ${status.toLowerCase()} and can no longer be cancelled.`, ['taskId'])
    this.taskId = taskId
  }
}

/** An upload cannot be undone. `why` is a sentence that says what prevents it and what to do. */
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

/** The cursor does not belong to this account's event log, or is older than a restore of the database. */
export class CursorInvalidError extends Error {
  constructor() {
    super(
      "This is not a cursor of your account's event log. Read the current state together with eventCursor, and continue " +
        'from there.',
    )
    this.name = 'CursorInvalidError'
  }
}

/** Events after the cursor have been removed. */
export class CursorExpiredError extends Error {
  constructor() {
    super(
      'Events after this cursor are no longer kept. Read the current state together with eventCursor, and continue from ' +
        'there.',
    )
    this.name = 'CursorExpiredError'
  }
}

/** A reader of the event log was so slow that events were removed before it read them. */
export class ReaderTooSlowError extends Error {
  constructor() {
    super(
      'This subscription was read too slowly: events that it had not received yet are no longer kept. Read the current ' +
        'state together with eventCursor, and continue from there.',
    )
    this.name = 'ReaderTooSlowError'
  }
}

/** Something was asked for too often. */
export class RateLimitedError extends Error {
  /** After how many milliseconds it may be asked for again. */
  readonly retryAfterMs: number

  /** `message`: by default, that too many look-ups with the key have found nothing. */
  constructor(
    retryAfterMs: number,
    message = 'Too many look-ups with this API key have found nothing, as if somebody were guessing codes. Wait for ' +
      'retryAfterMs milliseconds, and look up only codes that exist.',
  ) {
    super(message)
    this.name = 'RateLimitedError'
    this.retryAfterMs = retryAfterMs
  }
}

/** The rejected rows of an upload are no longer kept. */
export class RejectedRowsForgottenError extends Error {
  constructor(finishedAt: Date) {
    super(
      `The rejected rows of this upload are no longer kept: it finished on ${finishedAt.toISOString().slice(0, 10)}, and ` +
        'they are removed some time later. To see which rows would be rejected now, upload the same file as a dry run.',
    )
    this.name = 'RejectedRowsForgottenError'
  }
}

/** A file did not arrive completely. */
export class FileInterruptedError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`${reason} Nothing of the file was kept: send it again.`, { cause })
    this.name = 'FileInterruptedError'
  }
}

/** Too many files are arriving at the same time, of the account or in all. */
export class TooManyUploadsError extends Error {
  constructor(reason: string) {
    super(`${reason} Try again later.`)
    this.name = 'TooManyUploadsError'
  }
}
