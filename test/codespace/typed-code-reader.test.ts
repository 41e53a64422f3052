import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CharacterSet, characterSets } from '../../src/codespace/characters.ts'
import { Pattern } from '../../src/codespace/pattern.ts'
import { typedForm } from '../../src/codespace/typed-form.ts'

function read(source: string, characters: string, text: string): string | undefined {
  return Pattern.parse(source, characters).readTyped(text)?.code
}

describe('a code as a person types it', () => {
  const summer = (text: string) => read('SUMMER-####-####', 'BCDFGHJKMPQRTVWXY2346789', text)

  it.each([
    ['as it is', 'SUMMER-BCDF-2346'],
    ['in lower case', 'summer-bcdf-2346'],
    ['in mixed case', 'Summer-bCdF-2346'],
    ['without dashes', 'SUMMERBCDF2346'],
    ['with spaces for dashes', 'SUMMER BCDF 2346'],
    ['with dashes elsewhere', 'SUM-MERB-CDF-23-46-'],
    ['with spaces around', '  SUMMER-BCDF-2346 \r\n'],
    ['with the dashes of a word processor', 'SUMMER–BCDF—2346'],
    ['with the dashes of a mathematician', 'SUMMER−BCDF\u20112346'],
    ['with no-break and zero-width spaces', 'SUMMER\u00a0BCDF\u200b2346\ufeff'],
    ['in full-width letters', 'ＳＵＭＭＥＲーＢＣＤＦー２３４６'],
  ])('is read %s', (_, text) => {
    expect(summer(text)).toBe('SUMMER-BCDF-2346')
  })

  it.each([
    ['a character short', 'SUMMER-BCDF-234'],
    ['a character long', 'SUMMER-BCDF-23466'],
    ['of another prefix', 'WINTER-BCDF-2346'],
    ['with a character that the format does not have', 'SUMMER-BCDF-2345'],
    ['with other separators', 'SUMMER_BCDF_2346'],
    ['empty', ''],
    ['with an emoji', 'SUMMER-BCDF-234😀'],
    ['endless', ' '.repeat(1_000_000)],
  ])('is none when %s', (_, text) => {
    expect(summer(text)).toBeUndefined()
  })

  it('is read in upper case where the format has lower case', () => {
    expect(read('gift-###', 'abc', 'GIFT ABC')).toBe('gift-abc')
  })

  it('is read by its case where the random characters have both', () => {
    expect(read('X-##', 'aAb', 'x-aA')).toBe('X-aA')
    expect(read('X-##', 'aAb', 'x-AB')).toBe('X-Ab')
  })

  it('is not read where its case could mean several of the random characters', () => {
    expect(read('##', 'iıa', 'iı')).toBe('iı')
    expect(read('##', 'iıa', 'IA')).toBeUndefined()
  })

  it('is read in any case of other scripts', () => {
    expect(read('##', 'ЖЯ', 'жя')).toBe('ЖЯ')
    expect(read('##', 'ΣΩ', 'ςω')).toBe('ΣΩ')
    expect(read('Straße##', '12', 'STRAẞE12')).toBe('Straße12')
    expect(read('é##', '12', 'E\u030112')).toBe('é12')
  })

  it('needs its dashes where a random character can be one', () => {
    expect(read('A-##', 'x-', 'a- x –')).toBe('A-x-')
    expect(read('A-##', 'x-', 'AX-')).toBeUndefined()
    expect(read('A-##', 'x-', 'A-x')).toBeUndefined()
  })

  it('keeps literal symbols', () => {
    expect(read('\\#\\\\##', '12', '#\\12')).toBe('#\\12')
    expect(read('10%/##', '12', '10% / 1-2')).toBe('10%/12')
  })
})

describe('characters that people mix up', () => {
  const one = (set: CharacterSet, text: string) => read('#', characterSets[set], text)

  it.each([
    ['O', '0'],
    ['o', '0'],
    ['I', '1'],
    ['l', '1'],
    ['L', '1'],
    ['|', '1'],
    ['s', '5'],
    ['Z', '2'],
    ['\u041e', '0'],
    ['\u0417', '3'],
  ])('stand for a digit where there are no letters: %j', (typed, meant) => {
    expect(one('DIGITS', typed)).toBe(meant)
  })

  it.each(['B', 'g', 'q', 'b', 'E', '\u041f', '😀'])(
    'are not as many as one could think: %j is no digit',
    (typed) => {
      expect(one('DIGITS', typed)).toBeUndefined()
    },
  )

  it('stand for a letter where there are no digits', () => {
    expect(read('####', 'BOVSZ', '0528')).toBeUndefined()
    expect(read('####', 'BOVSZ', '052u')).toBe('OSZV')
    expect(read('##', 'ol', '01')).toBe('ol')
    expect(one('UNAMBIGUOUS', 'z')).toBe('2')
    expect(one('UNAMBIGUOUS', 'U')).toBe('V')
  })

  it('stand for themselves where they can', () => {
    for (const typed of ['O', 'o']) expect(one('UPPERCASE_DIGITS', typed)).toBe('O')
    expect(one('UPPERCASE_DIGITS', '0')).toBe('0')
    expect(read('###', 'IL1', 'il1')).toBe('IL1')
  })

  it('are not read where they look like two characters', () => {
    expect(read('##', 'IL', '1I')).toBeUndefined()
    expect(read('##', 'Oo', '0O')).toBeUndefined()
    expect(read('##', 'Oo', 'oO')).toBe('oO')
  })

  it('are read in the fixed text, too', () => {
    expect(read('SOLO-##', '67', '5010 67')).toBe('SOLO-67')
    expect(read('5010-##', '67', 'solo 67')).toBe('5010-67')
    expect(read('SOLO-##', '67', '5011 67')).toBeUndefined()
  })

  it('are read from the keyboard of another script', () => {
    expect(read('BAHK-##', '12', '\u0412\u0410\u041d\u041a 12')).toBe('BAHK-12')
    expect(read('\u0412\u0410-##', '12', 'ba12')).toBe('\u0412\u0410-12')
  })

  it('are distinguished from differences in only case, spaces and dashes', () => {
    const pattern = Pattern.parse('GO-##', characterSets.DIGITS)
    expect(pattern.readTyped('go 10')).toEqual({ code: 'GO-10', mixedUp: false })
    expect(pattern.readTyped('g0 10')).toEqual({ code: 'GO-10', mixedUp: true })
    expect(pattern.readTyped('go io')).toEqual({ code: 'GO-10', mixedUp: true })
  })
})

describe('what a person typed', () => {
  const lists = [
    ...Object.values(characterSets),
    'OoIl',
    'ΣΩ\u0398',
    'ЖЯОЗ',
    'ßẞéÉ',
    'iı',
    'AB-',
    '\u01f0\u0390\u03b0',
  ]

  it('has the form of the code that it is read as, whatever the format', () => {
    let readings = 0
    const cases = fc.constantFrom(...lists).chain((list) =>
      fc.record({
        list: fc.constant(list),
        source: fc.constantFrom('##-##', 'Solo ##-##'.replace(' ', ''), '5-###', 'Straße####', 'ΣΟΦΟΣ-##'),
        digits: fc.array(fc.nat({ max: list.length - 1 }), { minLength: 4, maxLength: 4 }),
        noise: fc.array(fc.constantFrom(...'oO0iIlL1|sS5zZ2uUvVσςß -–\u200bо'), { maxLength: 3 }),
        upper: fc.boolean(),
        at: fc.nat({ max: 12 }),
        replaces: fc.boolean(),
      }),
    )
    fc.assert(
      fc.property(cases, ({ list, source, digits, noise, upper, at, replaces }) => {
        const pattern = Pattern.parse(source, list)
        let next = 0
        const code = source.replaceAll('#', () => list[digits[next++] ?? 0] ?? '')
        const cased = upper ? code.toUpperCase() : code.toLowerCase()
        const typed = cased.slice(0, at) + noise.join('') + cased.slice(replaces ? at + noise.length : at)
        const reading = pattern.readTyped(typed)
        if (reading === undefined) return
        readings += 1
        expect(typedForm(typed)).toBe(typedForm(reading.code))
        expect(pattern.rank(reading.code)).toBeDefined()
      }),
      { numRuns: 5_000 },
    )
    expect(readings).toBeGreaterThan(1_000)
  })

  it('is read as the code itself when it is one', () => {
    for (const list of lists) {
      const pattern = Pattern.parse('S0-##-', list)
      for (const code of pattern.examples(20))
        expect(pattern.readTyped(code)).toEqual({ code, mixedUp: false })
    }
  })
})
