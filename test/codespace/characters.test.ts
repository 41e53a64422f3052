import { describe, expect, it } from 'vitest'
import { listed, refusedCharacters } from '../../src/codespace/characters.ts'

const isPermitted = (character: string) => refusedCharacters(character, 'It').length === 0

const allUnits = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit))
const permitted = allUnits.filter(isPermitted)

describe('permitted characters', () => {
  it('are all of printable ASCII except the space', () => {
    const ascii = permitted.filter((character) => character <= '\x7f')
    expect(ascii.join('')).toBe(String.fromCharCode(...Array.from({ length: 94 }, (_, at) => 33 + at)))
  })

  it.each(['é', 'ß', 'Ж', 'Ω', '中', 'の', '가', 'ע', 'ع', '٣', '५', 'ñ', 'Ł'])(
    'are letters and digits such as %s',
    (character) => {
      expect(isPermitted(character)).toBe(true)
    },
  )

  it('are left alone by every normalization', () => {
    for (const form of ['NFC', 'NFKC'])
      expect(permitted.filter((character) => character.normalize(form) !== character)).toEqual([])
  })

  it('never merge with the character before them', () => {
    // Whatever joins another character stands behind it in some canonical decomposition.
    const joining = new Set(allUnits.flatMap((character) => [...character.normalize('NFD')].slice(1)))
    expect(permitted.filter((character) => joining.has(character))).toEqual([])
  })
})

describe('characters that codes cannot have', () => {
  it.each([
    ['a space', ' ', 'spaces (U+0020)'],
    ['a no-break space', '\u00a0', 'spaces (U+00A0)'],
    ['an ideographic space', '\u3000', 'spaces (U+3000)'],
    ['a line separator', '\u2028', 'spaces (U+2028)'],
    ['a tab', '\t', 'control characters (U+0009)'],
    ['a zero byte', '\0', 'control characters (U+0000)'],
    ['a delete', '\x7f', 'control characters (U+007F)'],
    ['a zero-width joiner', '\u200d', 'invisible characters (U+200D)'],
    ['a soft hyphen', '\u00ad', 'invisible characters (U+00AD)'],
    ['a change of direction', '\u202e', 'invisible characters (U+202E)'],
    ['a variation selector', '\ufe0f', 'invisible characters (U+FE0F)'],
    ['an invisible letter', '\u3164', 'invisible characters (U+3164)'],
    ['an emoji', '🎁', 'emoji ("🎁" U+1F381)'],
    ['an emoji of one unit', '☺', 'emoji ("☺" U+263A)'],
    ['half of a flag', '🇩', 'emoji ("🇩" U+1F1E9)'],
    ['a combining accent', '\u0301', 'combining marks (U+0301)'],
    ['a vowel sign', '\u093f', 'combining marks (U+093F)'],
    ['a part of a Korean syllable', '\u1100', 'parts of Korean syllables (U+1100)'],
    ['a lone surrogate', '\ud83d', 'broken characters (U+D83D)'],
    ['a private-use character', '\ue000', 'private-use characters (U+E000)'],
    ['an unassigned character', '\u0378', 'unassigned characters (U+0378)'],
    ['a full-width letter', 'Ａ', 'variant forms of other characters ("Ａ" U+FF21 instead of "A")'],
    ['a superscript', '²', 'variant forms of other characters ("²" U+00B2 instead of "2")'],
    ['a ligature', 'ﬁ', 'variant forms of other characters ("ﬁ" U+FB01 instead of "fi")'],
    [
      'a unit that is a letter',
      '\u212b',
      'variant forms of other characters ("\u212b" U+212B instead of "Å")',
    ],
    ['a letter beyond U+FFFF', '𠀀', 'rare characters beyond U+FFFF ("𠀀" U+20000)'],
    ['a symbol', '€', 'characters that are neither letters nor digits ("€" U+20AC)'],
    ['a dash', '–', 'characters that are neither letters nor digits ("–" U+2013)'],
    ['a modifier letter', 'ー', 'characters that are neither letters nor digits ("ー" U+30FC)'],
  ])('are named: %s', (_, character, named) => {
    const messages = refusedCharacters(`A${character}B${character}`, 'The prefix')
    expect(messages).toEqual([expect.stringContaining(`The prefix contains ${named}: `)])
    expect(messages[0]).toMatch(/\.$/)
  })

  it('are reported by kind, each once', () => {
    expect(refusedCharacters('A \t\n B€', 'It')).toEqual([
      expect.stringContaining('spaces (U+0020)'),
      expect.stringContaining('control characters (U+0009 and U+000A)'),
      expect.stringContaining('neither letters nor digits ("€" U+20AC)'),
    ])
  })
})

describe('a list in words', () => {
  it.each([
    [['a'], '"a"'],
    [['a', 'b'], '"a" and "b"'],
    [['a', 'b', 'c', 'd', 'e'], '"a", "b", "c", "d" and "e"'],
    [['a', 'b', 'c', 'd', 'e', 'f', 'g'], '"a", "b", "c", "d", "e" and 2 more'],
  ])('names five at most: %j', (items, expected) => {
    expect(listed(items, (item) => `"${item}"`)).toBe(expected)
  })
})
