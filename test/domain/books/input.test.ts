import { describe, expect, test } from 'vitest'
import { InvalidInputError } from '../../../src/domain/books/errors.ts'
import { InputCheck } from '../../../src/domain/books/input.ts'

/** The messages of the issues that a check finds. */
function issuesOf(look: (check: InputCheck) => void): string[] {
  const check = new InputCheck()
  look(check)
  try {
    check.done()
    return []
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error
    return error.issues.map(({ message }) => message)
  }
}

describe('the advice for a text that is missing', () => {
  test.each([
    ['required', 'Give it at least one character.'],
    ['optional', 'Leave it out, or give it at least one character.'],
    ['removable', 'Give it at least one character, or null to remove it.'],
  ] as const)('fits a field that is %s', (absence, advice) => {
    const visible = advice.replace('character', 'visible character')
    expect(issuesOf((check) => check.text(['a'], '', 10, absence))).toEqual([`It is empty. ${advice}`])
    expect(issuesOf((check) => check.visibleText(['a'], ' ', 10, absence))).toEqual([
      `It is blank. ${visible}`,
    ])
  })

  test('never tells to leave a required recipient out', () => {
    expect(issuesOf((check) => check.recipient(['a'], ' ', 'required'))).toEqual([
      'It is blank. Give it at least one visible character.',
    ])
    expect(issuesOf((check) => check.storedRecipient(['a'], ''))).toEqual([
      'It is empty. Give it at least one character.',
    ])
  })
})

describe('a character that cannot be seen is named by its code point', () => {
  test.each([
    ['Spring\u202ecodes', 'U+202E'],
    ['Spring\ud83d', 'U+D83D'],
    ['Spring\ncodes\tof\n2027', 'U+000A and U+0009'],
    ['\u2061\u2062\u2063\u2064\u2066\u2067a', 'U+2061, U+2062, U+2063, U+2064, U+2066 and 1 more'],
  ])('in the name %j', (name, points) => {
    expect(issuesOf((check) => check.name(name))).toEqual([
      `The name contains characters that cannot be seen (${points}): line breaks, control characters and the like. Remove them.`,
    ])
  })

  test.each([
    ['a\0', 'U+0000'],
    ['\udc00a\ud83d', 'U+DC00 and U+D83D'],
  ])('in the text %j', (text, points) => {
    expect(issuesOf((check) => check.text(['a'], text, 10, 'optional'))).toEqual([
      `It contains a NUL character or an unpaired surrogate (${points}). Remove it.`,
    ])
  })
})
