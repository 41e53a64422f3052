/** The file cannot be read as a file of codes. The message says what is wrong and what to do. */
export class CodeFileError extends Error {
  override name = 'CodeFileError'
}

/** It is not clear which row is the header. The message shows how the file begins, and says which options decide it. */
export class HeaderUnclearError extends CodeFileError {
  override name = 'HeaderUnclearError'
}
