import { describe, expect, it } from 'vitest'
import { characterSets } from '../../src/codespace/characters.ts'
import { CorruptPatternError, Pattern } from '../../src/codespace/pattern.ts'
import { PatternIndex } from '../../src/codespace/pattern-index.ts'

function indexOf(patterns: Record<string, [source: string, characters: string]>): PatternIndex {
  const index = new PatternIndex()
  for (const [id, [source, characters]] of Object.entries(patterns)) index.add(id, source, characters)
  return index
}

describe('the patterns that a text may be of', () => {
  const { UNAMBIGUOUS, DIGITS, UPPERCASE } = characterSets
  const patterns = {
    spring: ['SPRING-####-####', UNAMBIGUOUS],
    summer: ['SUMMER-####-####', UNAMBIGUOUS],
    lower: ['summer-########', UNAMBIGUOUS],
    digits: ['SUMMER-####-###-#', DIGITS],
    suffix: ['########-SUMMER', UNAMBIGUOUS],
    dashed: ['SUMMER-####-####', `${DIGITS}-`],
    plain: ['####', DIGITS],
    letters: ['####', UPPERCASE],
    sharp: ['Straße-####', DIGITS],
  } satisfies Record<string, [string, string]>
  const index = indexOf(patterns)

  it.each([
    ['SPRING-BCDF-GHJK', ['spring']],
    ['spring bcdf ghjk', ['spring']],
    ['5PR1NG BCDFGHJK', ['spring']],
    ['SUMMER-BCDF-GHJK', ['summer', 'lower']],
    ['svmmer-2346-7892', ['summer', 'lower', 'digits', 'dashed']],
    ['SUMMER-2346-7-92', ['dashed']],
    ['BCDFGHJK SUMMER', ['suffix']],
    ['1234', ['plain']],
    ['ABCD', ['letters']],
    ['io15', ['plain', 'letters']],
    ['STRAẞE 1234', ['sharp']],
    ['WINTER-BCDF-GHJK', []],
    ['SPRING-BCDF-GHJ', []],
    ['SPRING-BCDF-GHJ?', []],
    ['', []],
    [' '.repeat(1_000_000), []],
  ])('of %j are %j', (text, ids) => {
    expect(index.find(text).toSorted()).toEqual(ids.toSorted())
  })

  it('are all that can read it', () => {
    for (const [id, [source, characters]] of Object.entries(patterns))
      for (const code of Pattern.parse(source, characters).examples(20))
        for (const typed of [code, code.toLowerCase(), ` ${code}\t`, code.replaceAll('S', '5')]) {
          const found = index.find(typed)
          expect(found).toContain(id)
          for (const [other, [theirs, set]] of Object.entries(patterns))
            if (Pattern.parse(theirs, set).readTyped(typed) !== undefined) expect(found).toContain(other)
        }
  })

  it('are others when punctuation does not count, unless there is none', () => {
    const marked = indexOf({ ...patterns, stop: ['A.B-####', UNAMBIGUOUS], bare: ['AB-####', UNAMBIGUOUS] })
    expect(marked.findLoosely('spring.bcdf.ghjk')).toEqual(['spring'])
    expect(marked.findLoosely('spring bcdf ghjk')).toEqual([])
    expect(marked.findLoosely('ab-2346')).toEqual(['stop'])
    expect(marked.findLoosely('ab.2346').toSorted()).toEqual(['bare', 'stop'])
    expect(marked.findLoosely('STRASSE_1234')).toEqual(['sharp'])
  })

  it('are all that can read it only when punctuation does not count', () => {
    const all = {
      ...patterns,
      stop: ['S.U-M#-##-#', UNAMBIGUOUS],
      marks: ['SUM-####', `${DIGITS}.é`],
      accent: ['SÚM####', UPPERCASE],
      mixed: ['SUM####', characterSets.MIXED_DIGITS],
    } satisfies Record<string, [string, string]>
    const every = indexOf(all)
    let loosely = 0
    for (const [source, characters] of Object.values(all))
      for (const code of Pattern.parse(source, characters).examples(20))
        for (const typed of [
          code,
          code.toLowerCase(),
          code.replaceAll(/[-.]/g, '_'),
          code.replaceAll(/[^0-9A-Z]/gi, ''),
        ])
          for (const [id, [theirs, set]] of Object.entries(all)) {
            const pattern = Pattern.parse(theirs, set)
            if (pattern.readTyped(typed) !== undefined || pattern.readLoosely(typed) === undefined) continue
            loosely += 1
            expect(every.findLoosely(typed)).toContain(id)
          }
    expect(loosely).toBeGreaterThan(100)
  })

  it('are found as fast among ten thousand as among a few', () => {
    const many = new PatternIndex()
    for (let i = 0; i < 10_000; i++) many.add(String(i), `N${String(i).padStart(5, '0')}-####`, UNAMBIGUOUS)
    expect(many.size).toBe(10_000)
    expect(many.find('n07777bcdf')).toEqual(['7777'])
    const once = (index: PatternIndex) => {
      const began = performance.now()
      for (let i = 0; i < 1_000; i++) index.find('n00777bcdf')
      return performance.now() - began
    }
    // The machine may be busy with something else at times, but not at every time.
    const elapsed = (index: PatternIndex) => Math.min(...Array.from({ length: 10 }, () => once(index)))
    const few = indexOf({ 777: ['N00777-####', UNAMBIGUOUS] })
    expect(elapsed(many)).toBeLessThan(20 * elapsed(few))
  })

  it('refuses what is not a pattern', () => {
    expect(() => new PatternIndex().add('x', 'X#\\', DIGITS)).toThrow(CorruptPatternError)
  })
})
