/**
 * Something that only the operator can put right: a wrong setting, a folder that cannot be written, a database
 * that cannot be used. The message alone says what is wrong and what to do, so it is shown without a stack.
 */
export class OperatorError extends Error {
  override name = 'OperatorError'
}
