import { expect, test } from 'vitest'
import { askedSearch } from '../../../src/domain/books/name.ts'

test('a search that is longer than any name is cut off before its marks are put in order', () => {
  const long = 'a'.repeat(1_000)
  expect(askedSearch(`${long}b`)).toEqual(askedSearch(long))
  expect(askedSearch(long)).not.toEqual(askedSearch(long.slice(1)))
})
