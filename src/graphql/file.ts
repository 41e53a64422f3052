import { builder } from './builder.ts'
import { topLevelError } from './errors/top-level.ts'
import { FormFile } from './form-file.ts'

builder.scalarType('File', {
  description:
    'A file, sent as the GraphQL multipart request specification says: a form over HTTP with the operation, in which the ' +
    'file is null, then a map that says which variable is which file of the form, then the file.',
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
    'A File cannot be written into an operation or its variables, and cannot be sent over a WebSocket. Send a form over ' +
      'HTTP (GraphQL multipart request specification), or POST the file itself to /pools/<pool id>/codes.',
  )
}
