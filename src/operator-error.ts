/**
 * Something that only the operator can fix: a wrong setting, a folder that is not writable, a database that cannot be used.
 * The message says what is wrong and what to do, so it is shown without a stack trace.
 */
export class OperatorError extends Error {
  override name = 'OperatorError'
}
