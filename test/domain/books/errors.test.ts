import { describe, expect, test } from 'vitest'
import { maxCapacity } from '../../../src/codespace/shape.ts'
import { FileTooLargeError, type InputIssue, InvalidInputError } from '../../../src/domain/books/errors.ts'
import { InputCheck } from '../../../src/domain/books/input.ts'
import { QuantityExceedsAvailableError } from '../../../src/domain/format/format.ts'
import { NotEnoughCodesError } from '../../../src/domain/pool/pool.ts'

test('numbers in messages have thousands separators', () => {
  const format = {
    id: 'id',
    name: 'Spring',
    pattern: '##',
    characters: '01',
    capacity: 0n,
    next: 0n,
    reserved: 0n,
    takenAhead: 0n,
    generated: 0n,
    takenTo: undefined,
    createdAt: new Date(),
  }
  const pool = {
    accountId: 'id',
    id: 'id',
    name: 'Spring',
    description: undefined,
    externalId: undefined,
    method: 'GENERATE' as const,
    formatId: undefined,
    quantity: undefined,
    autoGenerate: false,
    refillThreshold: 0n,
    total: 0n,
    claimed: 0n,
    withdrawn: 0n,
    lineVersion: 0n,
    lastChangeAt: undefined,
    refillFailed: false,
    terms: {
      issueFrom: undefined,
      issueUntil: undefined,
      validUntil: undefined,
      validForMs: undefined,
      onePerRecipient: false,
      renewAfter: [],
    },
    archivedAt: undefined,
    createdAt: new Date(),
  }
  expect(new QuantityExceedsAvailableError(format, 12_345_678n).message).toContain(
    'has 12,345,678 codes left',
  )
  expect(new QuantityExceedsAvailableError(format, 1n).message).toContain('has 1 code left')
  expect(new NotEnoughCodesError(pool, 1_234n, 'Claim fewer.').message).toContain('has 1,234 codes available')
  expect(new FileTooLargeError(1_073_741_824).message).toContain('larger than 1,073,741,824 bytes')
  const check = new InputCheck()
  check.count(['quantity'], maxCapacity + 1n, 1n)
  check.text(['recipient'], 'A'.repeat(1_001), 1_000, 'optional')
  check.name('A'.repeat(1_000))
  expect(() => check.done()).toThrow(InvalidInputError)
  try {
    check.done()
  } catch (error) {
    const { issues } = error as InvalidInputError
    expect(issues.map((issue) => issue.message)).toEqual([
      'It is 79,228,162,514,264,337,593,543,950,337. It must be at most 2^96, which is 79,228,162,514,264,337,593,543,950,336.',
      'It has 1,001 characters. At most 1,000 are allowed.',
      'The name has 1,000 characters. At most 100 are allowed.',
    ])
  }
})

describe('the message of an invalid input', () => {
  const issue = (name: string, message = 'It is blank.') => ({ path: ['input', name], message })

  test('is that of its only issue, whose field is in path', () => {
    expect(new InvalidInputError([issue('a')])).toMatchObject({
      message: 'It is blank.',
      path: ['input', 'a'],
    })
  })

  test('names the fields of the first three issues, and says how many more there are', () => {
    const three = ['a', 'b', 'c'].map((name) => issue(name))
    const named = 'input.a: It is blank. input.b: It is blank. input.c: It is blank.'
    expect(messageOf(three)).toEqual({ message: named, path: [] })
    const many = [...three, ...Array.from({ length: 1_234 }, () => issue('d'))]
    expect(messageOf(many)).toEqual({ message: `${named} (and 1,234 more: see issues)`, path: [] })
  })

  test('stays short if issues are long', () => {
    const { message } = messageOf([issue('a'), issue('b', 'long'.repeat(1_000)), issue('c')])
    expect(message).toBe('input.a: It is blank. (and 2 more: see issues)')
  })

  test('names no field for an issue of the whole input', () => {
    const { message } = messageOf([{ path: [], message: 'It is empty.' }, issue('a')])
    expect(message).toBe('It is empty. input.a: It is blank.')
  })
})

function messageOf(issues: InputIssue[]) {
  const { message, path } = new InvalidInputError(issues as [InputIssue, ...InputIssue[]])
  return { message, path }
}
