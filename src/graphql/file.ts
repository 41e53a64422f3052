import { InvalidInputError } from '../domain/books/errors.ts'
import { builder } from './builder.ts'
import { topLevelError } from './errors/top-level.ts'

/** A file that came, or is still coming, with the form of an operation. */
export class FormFile {
  readonly #bytes: AsyncIterable<Uint8Array>
  #taken = false

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes
  }

  /** The bytes of the file, once: they are not kept. Throws an InvalidInputError the second time. */
  take(path: string[]): AsyncIterable<Uint8Array> {
    if (this.#taken)
      throw new InvalidInputError([
        { path, message: 'Another field of this operation has read this file. Send it again for this one.' },
      ])
    this.#taken = true
    return this.#bytes
  }
}

builder.scalarType('File', {
  description:
    'A file. It is sent by the GraphQL multipart request specification: as a form over HTTP, with the operation in ' +
    'which the file is null, then a map that says which variable is which file of the form, then the file.',
  specifiedByURL: 'https://github.com/jaydenseric/graphql-multipart-request-spec',
  serialize: () => {
    throw new TypeError('No answer gives a File.')
  },
  parseValue: (value) => {
    if (value instanceof FormFile) return value
    throw notAFile()
  },
  parseLiteral: () => {
    throw notAFile()
  },
})

function notAFile() {
  return topLevelError(
    'GRAPHQL_VALIDATION_FAILED',
    'A File cannot be written into the operation or its variables, nor be sent over a WebSocket: send a form over HTTP ' +
      '(GraphQL multipart request specification), or POST the file itself to /pools/<pool id>/codes.',
  )
}
