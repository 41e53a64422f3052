import { InvalidInputError } from '../domain/books/errors.ts'

/** A file that is sent in a form with an operation; it may still be arriving. */
export class FormFile {
  readonly #bytes: AsyncIterable<Uint8Array>
  #isRead = false

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes
  }

  /** The bytes of the file, which are not kept: a second call throws an InvalidInputError, with `path`. */
  read(path: string[]): AsyncIterable<Uint8Array> {
    if (this.#isRead)
      throw new InvalidInputError([
        {
          path,
          message:
            'Another field of this operation has read this file already. Send one file for each field.',
        },
      ])
    this.#isRead = true
    return this.#bytes
  }
}
