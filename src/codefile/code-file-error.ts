/** A file that cannot be read as a file of codes. The message says what is wrong with it and what to do. */
export class CodeFileError extends Error {
  override name = 'CodeFileError'
}
