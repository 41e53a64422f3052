import type { FileBeginning } from './first-rows.ts'

/** The file cannot be read as a file of codes. The message says what is wrong and what to do. */
export class CodeFileError extends Error {
  override name = 'CodeFileError'
  /** How the file begins, so that a person can pick the column; `undefined` if it does not begin with readable rows. */
  beginning: FileBeginning | undefined
}

/** It is not clear which row is the header. The message shows how the file begins, and says which options decide it. */
export class HeaderUnclearError extends CodeFileError {
  override name = 'HeaderUnclearError'
}
