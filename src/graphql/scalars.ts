import { Kind } from 'graphql'
import { Temporal } from 'temporal-polyfill'
import { grouped } from '../grouped.ts'
import { builder } from './builder.ts'
import { topLevelError } from './errors/top-level.ts'
import { FormFile } from './form-file.ts'

// 2^96 has 29 digits. Parsing time grows with the square of the length.
const maxDigits = 40

// Longer texts are not read. Nobody writes a time or a duration with more characters.
const maxTimeLength = 64

// From 1970 to 9999: what every client can read, in the form that all answers have.
const minTimeMs = 0
const maxTimeMs = Date.UTC(10_000, 0) - 1

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
  description:
    'A date and time (RFC 3339), exact to the millisecond. In answers it is in UTC, such as "2026-03-01T09:30:00.000Z". ' +
    'Inputs can have any offset from UTC, as in "2026-03-01T10:30:00+01:00", but must have one, and a year from 1970 to ' +
    '9999. Digits beyond milliseconds are dropped.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => value.toISOString(),
  parseValue: parseDateTime,
})

builder.scalarType('Duration', {
  description:
    'A duration of fixed length (ISO 8601), exact to the millisecond: weeks, days of 24 hours, hours, minutes and seconds, ' +
    'such as "P30D", "P2W", "PT12H" or "P1DT30M". Years and months are refused, since they differ in length. Answers use ' +
    'days, hours, minutes and seconds: "P2W" becomes "P14D".',
  specifiedByURL: 'https://datatracker.ietf.org/doc/html/rfc3339#appendix-A',
  serialize: (value) =>
    Temporal.Duration.from({ milliseconds: Number(value) })
      .round({ largestUnit: 'day' })
      .toString(),
  parseValue: parseDuration,
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

function parseDateTime(value: unknown): Date {
  const instant = typeof value === 'string' ? instantOf(value) : undefined
  if (instant === undefined)
    throw topLevelError(
      'GRAPHQL_VALIDATION_FAILED',
      'A DateTime is a string with a date that exists, a time with seconds, and an offset from UTC (RFC 3339): ' +
        '"2026-03-01T09:30:00Z" or "2026-03-01T10:30:00+01:00".',
    )
  const ms = instant.epochMilliseconds
  if (ms < minTimeMs || ms > maxTimeMs)
    throw topLevelError('GRAPHQL_VALIDATION_FAILED', 'The year of a DateTime, in UTC, is from 1970 to 9999.')
  return new Date(ms)
}

// Temporal also reads other forms of ISO 8601, and time zones in brackets.
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

function instantOf(text: string): Temporal.Instant | undefined {
  if (text.length > maxTimeLength || !rfc3339.test(text)) return undefined
  // Temporal reads nine digits of a second at most.
  return parsed(() => Temporal.Instant.from(text.replace(/(\.\d{3})\d+/, '$1')))
}

// Texts of any length are tested. The time grows only with the length, as the unit of each number says which part it is.
const isWrittenAsDuration =
  /^[+-]?P(?=[\dT])(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:[.,]\d+)?S)?)?$/i

/** The duration in milliseconds. */
function parseDuration(value: unknown): bigint {
  const text = typeof value === 'string' && value.length <= maxTimeLength ? value : ''
  const duration = parsed(() => Temporal.Duration.from(text))
  if (duration === undefined)
    throw topLevelError(
      'GRAPHQL_VALIDATION_FAILED',
      typeof value === 'string' && isWrittenAsDuration.test(value)
        ? 'The numbers of this Duration are too large. Use a shorter one, such as "P365D".'
        : 'A Duration is a string as in ISO 8601, of weeks, days, hours, minutes and seconds: "P30D", "P2W", "PT12H" or ' +
            '"P1DT30M".',
    )
  if (duration.years !== 0 || duration.months !== 0)
    throw topLevelError(
      'GRAPHQL_VALIDATION_FAILED',
      'A Duration has no years and months, since these differ in length. Use days: "P365D" or "P30D".',
    )
  const { weeks, days } = duration
  return BigInt(Math.trunc(duration.with({ weeks: 0, days: 7 * weeks + days }).total('milliseconds')))
}

/** What `parse` makes; undefined if it throws a RangeError, as Temporal does for a text that it does not understand. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function notAFile() {
  return topLevelError(
    'GRAPHQL_VALIDATION_FAILED',
    'A File cannot be written into an operation or its variables, and cannot be sent over a WebSocket. Send a form over ' +
      'HTTP (GraphQL multipart request specification), or POST the file itself to /pools/<pool id>/codes.',
  )
}
