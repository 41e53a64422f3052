import { describe, expect, it } from 'vitest'
import { type CharacterSet, characterSets } from '../../src/codespace/characters.ts'
import { Pattern } from '../../src/codespace/pattern.ts'
import { warningsFor } from '../../src/codespace/warnings.ts'

const longEnough = '#'.repeat(15)

function messageOf(code: string, source: string, characters: string): string | undefined {
  return warningsFor(Pattern.parse(source, characters)).find((warning) => warning.code === code)?.message
}

describe('a format whose codes can be guessed', () => {
  const guessable = (random: number, set: CharacterSet) =>
    messageOf('GUESSABLE', `X-${'#'.repeat(random)}`, characterSets[set])

  it('is reported with the odds, the time, and a sufficient length', () => {
    expect(guessable(8, 'UPPERCASE_DIGITS')).toBe(
      'Codes can be guessed: with 1,000,000 of them live, one random guess in 2,821,109 hits one. At 1,000 guesses ' +
        'a second that takes 47 minutes; with 1,000 live, 32 days. Use at least 9 random characters out of these 36, ' +
        'or limit how often a customer can try codes.',
    )
  })

  it('is reported more plainly when all codes can be tried', () => {
    expect(guessable(4, 'DIGITS')).toBe(
      'There are only 10,000 codes: at 1,000 guesses a second all of them are tried in 10 seconds. With so few, ' +
        'known codes can also give away others. Use at least 14 random characters out of these 10, ' +
        'or limit how often a customer can try codes.',
    )
    expect(messageOf('GUESSABLE', '#', '01')).toContain('There are only 2 codes: ')
  })

  it.each([
    ['DIGITS', 14],
    ['UPPERCASE', 10],
    ['UPPERCASE_DIGITS', 9],
    ['MIXED_DIGITS', 8],
    ['UNAMBIGUOUS', 10],
  ] as const)('has, of %s, fewer than %i random characters', (set, enough) => {
    expect(guessable(enough, set)).toBeUndefined()
    expect(guessable(enough - 1, set)).toContain(`Use at least ${enough} random characters`)
  })
})

describe('characters that people mix up', () => {
  const lookAlikes = (characters: string) => messageOf('LOOK_ALIKES', longEnough, characters)

  it('are none in UNAMBIGUOUS and DIGITS', () => {
    expect(warningsFor(Pattern.parse(longEnough, characterSets.UNAMBIGUOUS))).toEqual([])
    expect(lookAlikes(characterSets.DIGITS)).toBeUndefined()
  })

  it('are named group by group', () => {
    expect(lookAlikes(characterSets.UPPERCASE_DIGITS)).toBe(
      'People will mix these characters up: some look alike (0 O, 1 I, 2 Z, 5 S, U V). Keep one of each group, ' +
        'or use the set UNAMBIGUOUS.',
    )
  })

  it('include both cases of a letter, and a letter with and without an accent', () => {
    expect(lookAlikes('ABCb')).toContain('in another case or with an accent (B b)')
    expect(lookAlikes('Aeé7')).toContain('in another case or with an accent (e é)')
    expect(lookAlikes('ЖЯж')).toContain('in another case or with an accent (Ж ж)')
    expect(lookAlikes('ИЙ')).toBeUndefined()
    expect(lookAlikes(characterSets.MIXED_DIGITS)).toContain('(A a, B b, C c, D d, E e and 15 more)')
  })

  it('include letters of other scripts that look like Latin ones', () => {
    expect(lookAlikes('A\u0410B')).toContain('some look alike (A \u0410)')
    expect(lookAlikes('XYZ\u03a7')).toContain('some look alike (X \u03a7)')
    expect(lookAlikes('АБВГД')).toBeUndefined()
  })

  it('do not matter in the fixed text', () => {
    expect(messageOf('LOOK_ALIKES', `O0-${longEnough}`, characterSets.DIGITS)).toBeUndefined()
  })
})
