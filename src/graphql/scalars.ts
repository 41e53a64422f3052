import { Kind } from 'graphql'
import { grouped } from '../grouped.ts'
import { builder } from './builder.ts'
import { topLevelError } from './errors/top-level.ts'
import { FormFile } from './form-file.ts'

// 2^96 has 29 digits. Parsing time grows with the square of the length.
const maxDigits = 40

builder.scalarType('BigInt', {
  description:
    'An integer of any size. In answers it is a string of decimal digits, such as "79228162514264337593543950336". Inputs ' +
    'also accept a plain integer up to 2^53 - 1.',
  specifiedByURL: 'https://262.ecma-international.org/#sec-bigint-objects',
  serialize: (value) => String(value),
  parseValue: parseBigInt,
  parseLiteral: (literal) => {
    if (literal.kind === Kind.INT || literal.kind === Kind.STRING) return parseBigInt(literal.value)
    throw notAnInteger()
  },
})

builder.scalarType('DateTime', {
  description: 'A date and time in UTC (RFC 3339), such as "2026-03-01T09:30:00.000Z".',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => value.toISOString(),
  parseValue: () => {
    throw new TypeError('A DateTime cannot be an input.')
  },
})

builder.scalarType('File', {
  description:
    'A file, sent over HTTP in a form, as in the GraphQL multipart request specification: first the operation, with ' +
    'null in place of the file, then a map from the file to its variable, then the file.',
  specifiedByURL: 'https://github.com/jaydenseric/graphql-multipart-request-spec',
  serialize: () => {
    throw new TypeError('A File cannot be in an answer.')
  },
  parseValue: (value) => {
    if (value instanceof FormFile) return value
    throw notAFile()
  },
  parseLiteral: () => {
    throw notAFile()
  },
})

function parseBigInt(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return BigInt(value)
    throw topLevelError(
      'GRAPHQL_VALIDATION_FAILED',
      Number.isInteger(value)
        ? 'An integer above 2^53 - 1 loses digits in JSON. Send it as a string of digits, in quotes.'
        : `A BigInt is an integer: ${value} is not.`,
    )
  }
  if (typeof value !== 'string' || !/^-?\d+$/.test(value)) throw notAnInteger()
  if (value.length > maxDigits)
    throw topLevelError(
      'GRAPHQL_VALIDATION_FAILED',
      `A BigInt of ${grouped(value.length)} digits is too large. At most ${maxDigits} are allowed.`,
    )
  return BigInt(value)
}

function notAnInteger() {
  return topLevelError(
    'GRAPHQL_VALIDATION_FAILED',
    'A BigInt is a string of decimal digits, or an integer up to 2^53 - 1.',
  )
}

function notAFile() {
  return topLevelError(
    'GRAPHQL_VALIDATION_FAILED',
    'A File cannot be written into an operation or its variables, and cannot be sent over a WebSocket. Send a form over ' +
      'HTTP (GraphQL multipart request specification), or POST the file itself to /pools/<pool id>/codes.',
  )
}
