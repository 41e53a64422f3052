import { Kind } from 'graphql'
import { grouped } from '../grouped.ts'
import { builder } from './builder.ts'
import { topLevelError } from './errors/top-level.ts'

// 2^96 has 29 digits; anything longer is refused before it is computed with.
const maxDigits = 40

builder.scalarType('BigInt', {
  description:
    'A whole number of any size. Answers give it as a string of decimal digits ("79228162514264337593543950336"); ' +
    'inputs take such a string, or a plain integer up to 2^53 - 1.',
  specifiedByURL: 'https://262.ecma-international.org/#sec-bigint-objects',
  serialize: (value) => String(value),
  parseValue: parseBigInt,
  parseLiteral: (literal) => {
    if (literal.kind === Kind.INT || literal.kind === Kind.STRING) return parseBigInt(literal.value)
    throw notAWholeNumber()
  },
})

builder.scalarType('DateTime', {
  description: 'A moment in UTC, as in RFC 3339: "2026-03-01T09:30:00.000Z".',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => value.toISOString(),
  parseValue: () => {
    throw new TypeError('No input takes a DateTime.')
  },
})

function parseBigInt(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return BigInt(value)
    throw topLevelError(
      'GRAPHQL_VALIDATION_FAILED',
      Number.isInteger(value)
        ? 'An integer above 2^53 - 1 may have lost digits on its way. Send it as a string of digits, in quotes.'
        : `A BigInt is a whole number: ${value} is not.`,
    )
  }
  if (typeof value !== 'string' || !/^-?\d+$/.test(value)) throw notAWholeNumber()
  if (value.length > maxDigits)
    throw topLevelError(
      'GRAPHQL_VALIDATION_FAILED',
      `A BigInt of ${grouped(value.length)} digits is more than anything here can be.`,
    )
  return BigInt(value)
}

function notAWholeNumber() {
  return topLevelError(
    'GRAPHQL_VALIDATION_FAILED',
    'A BigInt is a string of decimal digits, or an integer up to 2^53 - 1.',
  )
}
