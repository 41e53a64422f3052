import { GraphQLError, GraphQLScalarType } from 'graphql'
import { describe, expect, test } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'

function scalar(name: string): GraphQLScalarType {
  const type = schema.getType(name)
  if (!(type instanceof GraphQLScalarType)) throw new Error(`${name} is not a scalar.`)
  return type
}

/** The message with which a scalar refuses a value. */
function refusal(name: string, value: unknown): string {
  try {
    scalar(name).coerceInputValue(value)
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error
    expect(error.extensions['code']).toBe('GRAPHQL_VALIDATION_FAILED')
    return error.message
  }
  throw new Error(`${name} accepted ${String(value)}.`)
}

describe('a DateTime', () => {
  test.each([
    ['in UTC', '2026-03-01T09:30:00Z', '2026-03-01T09:30:00.000Z'],
    ['with another offset', '2026-03-01T00:30:00+01:00', '2026-02-28T23:30:00.000Z'],
    ['with an offset of half an hour', '2026-03-01T09:30:00-03:30', '2026-03-01T13:00:00.000Z'],
    ['in small letters', '2026-03-01t09:30:00z', '2026-03-01T09:30:00.000Z'],
    ['with milliseconds', '2026-03-01T09:30:00.250Z', '2026-03-01T09:30:00.250Z'],
    [
      'with more digits, which are dropped',
      '2026-03-01T09:30:00.12399999999999999999Z',
      '2026-03-01T09:30:00.123Z',
    ],
    ['with tenths', '2026-03-01T09:30:00.5Z', '2026-03-01T09:30:00.500Z'],
    ['on the day that a leap year has', '2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['at a leap second', '2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
    ['that is the first', '1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['that is the last', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('is accepted %s', (_what, text, answer) => {
    const value = scalar('DateTime').coerceInputValue(text)
    expect(value).toEqual(new Date(answer))
    expect(scalar('DateTime').coerceOutputValue(value)).toBe(answer)
  })

  test.each([
    ['without an offset', '2026-03-01T09:30:00'],
    ['without a time', '2026-03-01'],
    ['without seconds', '2026-03-01T09:30Z'],
    ['with a space', '2026-03-01 09:30:00Z'],
    ['with a time zone', '2026-03-01T09:30:00+01:00[Europe/Berlin]'],
    ['on a day that does not exist', '2026-02-29T00:00:00Z'],
    ['at an hour that does not exist', '2026-03-01T25:00:00Z'],
    ['with an offset that does not exist', '2026-03-01T09:30:00+25:00'],
    ['of six digits of a year', '+012026-03-01T09:30:00Z'],
    ['that is empty', ''],
    ['that is a word', 'tomorrow'],
    ['that never ends', `2026-03-01T09:30:00.${'1'.repeat(1_000_000)}Z`],
    ['that is a number', 1_772_357_400],
    ['that is a list', ['2026-03-01T09:30:00Z']],
  ])('is refused %s', (_what, value) => {
    expect(refusal('DateTime', value)).toMatch(/RFC 3339/)
  })

  test.each([
    ['before 1970', '1969-12-31T23:59:59.999Z'],
    ['after 9999 in UTC', '9999-12-31T23:59:59-01:00'],
  ])('is refused %s', (_what, value) => {
    expect(refusal('DateTime', value)).toMatch(/1970 to 9999/)
  })
})

describe('a Duration', () => {
  const day = 86_400_000n
  test.each([
    ['P30D', 30n * day, 'P30D'],
    ['P2W', 14n * day, 'P14D'],
    ['P1W2DT3H', 9n * day + 10_800_000n, 'P9DT3H'],
    ['PT12H', day / 2n, 'PT12H'],
    ['PT36H', (day * 3n) / 2n, 'P1DT12H'],
    ['PT90M', 5_400_000n, 'PT1H30M'],
    ['pt0.5h', 1_800_000n, 'PT30M'],
    ['PT0,25S', 250n, 'PT0.25S'],
    ['PT1.0009S', 1_000n, 'PT1S'],
    ['P0D', 0n, 'PT0S'],
    ['-P1D', -day, '-P1D'],
  ])('%s is read, and written in days and shorter units', (text, ms, answer) => {
    expect(scalar('Duration').coerceInputValue(text)).toBe(ms)
    expect(scalar('Duration').coerceOutputValue(ms)).toBe(answer)
  })

  test.each([['P1Y'], ['P1M'], ['P1Y2M10DT2H30M']])(
    '%s is refused, since months and years differ',
    (text) => {
      expect(refusal('Duration', text)).toMatch(/Use days/)
    },
  )

  test.each([
    ['empty text', ''],
    ['nothing', 'P'],
    ['a time without units', 'PT'],
    ['a number', 30],
    ['words', '30 days'],
    ['parts of days', 'P1.5D'],
    ['spaces', ' P1D'],
    ['a text that never ends', `P${'1'.repeat(1_000_000)}`],
    ['a list', ['P1D']],
  ])('%s is refused', (_what, value) => {
    expect(refusal('Duration', value)).toMatch(/ISO 8601/)
  })

  test.each([
    ['more than can be counted', 'P99999999999999999999D'],
    ['a number that never ends', `P${'1'.repeat(1_000_000)}D`],
    ['many hours', `P1DT${'9'.repeat(30)}H0.5S`],
  ])('%s is refused as too large', (_what, value) => {
    expect(refusal('Duration', value)).toMatch(/too large.*shorter/)
  })
})
