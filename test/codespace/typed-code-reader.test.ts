import { describe, expect, it } from 'vitest'
import { Pattern } from '../../src/codespace/pattern.ts'

function read(source: string, characters: string, text: string): string | undefined {
  return Pattern.parse(source, characters).readTyped(text)
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

  it('is none where its case could mean several of the random characters', () => {
    expect(read('##', 'iıa', 'iı')).toBe('iı')
    expect(read('##', 'iıa', 'IA')).toBeUndefined()
  })

  it('is read in the case of other scripts', () => {
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
