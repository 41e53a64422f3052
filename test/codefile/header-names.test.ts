import { expect, test } from 'vitest'
import { nameIn } from '../../src/codefile/header-names.ts'

test('a cell that is longer than any name is cut off before its marks are put in order', () => {
  const long = 'a'.repeat(1_024)
  expect(nameIn(`${long}b`)).toBe(long)
})
