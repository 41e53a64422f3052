import { expect, test } from 'vitest'
import { nameIn } from '../../src/codefile/header-names.ts'

test('a cell that is longer than any name has none, so that its marks are not put in order', () => {
  expect(nameIn('a'.repeat(1_024))).toBe('a'.repeat(1_024))
  expect(nameIn(`code${' '.repeat(1_100)}x`)).toBe('')
})
