import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodeIndex } from '../../src/codespace/code-index.ts'
import { CorruptPatternError, Pattern } from '../../src/codespace/pattern.ts'

function indexOf(patterns: readonly Pattern[]): CodeIndex {
  const index = new CodeIndex()
  for (const [at, { source, characters }] of patterns.entries()) index.add(String(at), source, characters)
  return index
}

function parse(source: string, characters = '01'): Pattern {
  return Pattern.parse(source, characters)
}

// Few characters, so that strings of one pattern are often nearly those of another.
const literal = fc.constantFrom('A', 'B', '0', '-', '\\#', '\\\\', 'é', '一')
const position = fc.oneof(fc.constant('#'), literal)
const pattern = fc
  .tuple(fc.array(position, { maxLength: 5 }), fc.nat(5), fc.constantFrom('01', '0AB', 'é一-', '#\\'))
  .map(([positions, at, characters]) => parse(positions.toSpliced(at, 0, '#').join(''), characters))

describe('the index of codes', () => {
  it('finds the pattern that can produce a string, as the patterns themselves do', () => {
    const characters = fc.constantFrom('A', 'B', '0', '1', '-', '#', '\\', 'é', '一', 'x')
    const strings = fc.array(fc.string({ unit: characters, maxLength: 6 }), { maxLength: 20 })
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 12 }), strings, (candidates, others) => {
        const patterns: Pattern[] = []
        for (const one of candidates) if (!patterns.some((other) => other.overlaps(one))) patterns.push(one)
        const index = indexOf(patterns)
        for (const string of [...patterns.flatMap((one) => one.examples(5)), ...others]) {
          const owner = patterns.findIndex((one) => one.has(string))
          expect(index.find(string)).toBe(owner === -1 ? undefined : String(owner))
        }
      }),
    )
  })

  it('distinguishes patterns with the same fixed characters at other places, or with other random ones', () => {
    const index = indexOf([parse('A#B'), parse('#AB', '23'), parse('A#B', '45'), parse('AB#', '67')])
    expect(['A1B', '3AB', 'A4B', 'AB7', 'A7B', 'AB'].map((code) => index.find(code))).toEqual([
      '0',
      '1',
      '2',
      '3',
      undefined,
      undefined,
    ])
  })

  it('reads an escaped character as itself', () => {
    const index = indexOf([parse('\\##'), parse('\\\\#', '23')])
    expect(['#0', '\\2', '00'].map((code) => index.find(code))).toEqual(['0', '1', undefined])
  })

  it('refuses what is not a pattern', () => {
    expect(() => new CodeIndex().add('1', 'A#\\', '01')).toThrow(CorruptPatternError)
  })
})
