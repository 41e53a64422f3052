import fc from 'fast-check'
import { expect, test } from 'vitest'
import { excessOfJson, readOperation } from '../../../src/server/api/operation-request.ts'

const list = (count: number) => JSON.stringify(Array.from({ length: count }, () => 0))
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

test('the maximum number of values and levels is accepted, and no more', () => {
  expect(excessOfJson(list(19_999))).toBeUndefined()
  expect(excessOfJson(list(20_000))).toBe('The JSON has more than 20,000 values.')
  expect(excessOfJson(nested(100))).toBeUndefined()
  expect(excessOfJson(nested(101))).toBe('The JSON has more than 100 levels.')
  expect(excessOfJson(`[${Array(200).fill(nested(50))}]`)).toBeUndefined()
})

test('the contents of strings do not count', () => {
  const strings = fc.string({ unit: fc.constantFrom('"', '\\', '[', '{', ',', 'x'), maxLength: 20 })
  fc.assert(
    fc.property(fc.array(strings), (texts) => {
      const json = JSON.stringify(texts)
      expect(excessOfJson(`[${json},${nested(99)}]`)).toBeUndefined()
      expect(excessOfJson(`[${json},${nested(100)}]`)).toMatch(/levels/)
    }),
  )
  expect(excessOfJson(JSON.stringify(','.repeat(30_000)))).toBeUndefined()
})

test.each(['', '"', '"\\', '"\\"', ']]]]', '[,', '\\"[', 'x'])(
  '%j is left to the parser, although it is not JSON',
  (text) => {
    expect(excessOfJson(text)).toBeUndefined()
  },
)

test('the extensions of an operation are not kept: a subscription would keep them for as long as it lasts', () => {
  const text = JSON.stringify({ query: '{ a }', variables: { b: 1 }, extensions: { c: 'long' } })
  const operation = readOperation({ text, type: 'json', length: text.length })
  expect(operation).toEqual({ query: '{ a }', variables: { b: 1 } })
})
