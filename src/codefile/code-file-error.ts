/** A file that cannot be read as a file of codes. The message says what is wrong with it and what to do. */
export class CodeFileError extends Error {
  override name = 'CodeFileError'
}

/** A file that can be read in more than one way. The message shows how it begins, and says what to tell. */
export class HeaderUnclearError extends CodeFileError {
  override name = 'HeaderUnclearError'
}
