import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { characterSets } from '../../src/codespace/characters.ts'
import { plainForm, typedForm } from '../../src/codespace/typed-form.ts'

describe('the form by which a typed code is found', () => {
  it.each([
    ['SUMMER-2346', '5VMMER2346'],
    ['  summer 2346 ', '5VMMER2346'],
    ['SALE!', '5A1E1'],
    ['o0O', '000'],
    ['iIlL1|', '111111'],
    ['Straße', '5TRA55E'],
    ['STRAẞE', '5TRA55E'],
    ['ΣΟΦΟΣ', 'σοφος'],
    ['ＡＢＣ–１２３', 'ABC123'],
    ['A\u200bB\u00a0C', 'ABC'],
    ['e\u0301', 'É'],
    ['---', ''],
    ['', ''],
  ])('of %j is that of %j', (text, same) => {
    expect(typedForm(text)).toBe(typedForm(same))
  })

  it.each([
    ['ABC', 'ABD'],
    ['B', '8'],
    ['A_B', 'AB'],
    ['é', 'e'],
    ['G', '9'],
  ])('tells %j from %j', (one, other) => {
    expect(typedForm(one)).not.toBe(typedForm(other))
  })

  it('is the code itself for codes without letters that people mix up, and only these', () => {
    for (const code of ['GRWK7-8843'.replace('-', ''), characterSets.UNAMBIGUOUS, characterSets.DIGITS])
      expect(typedForm(code)).toBe(code)
    for (const letter of characterSets.UPPERCASE)
      expect([letter, typedForm(letter) === letter]).toEqual([letter, !'ILOSUZ'.includes(letter)])
  })

  it('is found for a text of any length', () => {
    for (const length of [1_000, 1_001, 1_000_000])
      expect(typedForm('o '.repeat(length))).toBe('0'.repeat(length))
  })

  it('of a form is itself, for every character and every text', () => {
    const strays: string[] = []
    for (let point = 0; point <= 0x1ffff; point++) {
      const form = typedForm(String.fromCodePoint(point))
      if (typedForm(form) !== form) strays.push(point.toString(16))
    }
    expect(strays).toEqual([])
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(typedForm(typedForm(text))).toBe(typedForm(text))
      }),
    )
  })

  it('does not depend on spaces, dashes and case, nor on how fast it can be told', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        const form = typedForm(text)
        expect(typedForm(`${text}\u200b`)).toBe(form)
        expect(typedForm(`- ${[...text].join(' ')}–`)).toBe(form)
        expect(typedForm(text.toLowerCase())).toBe(form)
        expect(plainForm(`${text}\u200b`)).toBe(plainForm(text))
      }),
    )
  })
})

describe('the plain form', () => {
  it('leaves alone what people mix up, and only makes case, spaces and dashes one', () => {
    expect(plainForm('so-lo 10')).toBe('SOLO10')
    expect(plainForm('ΣΟΦΟΣ')).toBe(plainForm('σοφος'))
    expect(plainForm('O')).not.toBe(plainForm('0'))
  })
})
