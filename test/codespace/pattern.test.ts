import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { characterSets } from '../../src/codespace/characters.ts'
import {
  CorruptPatternError,
  Pattern,
  ShapeError,
  type ShapeInput,
  type ShapeIssue,
} from '../../src/codespace/pattern.ts'

const shape: ShapeInput = { prefix: '', suffix: '', body: { length: 8 }, characters: { set: 'UNAMBIGUOUS' } }

function issuesOf(changes: Partial<ShapeInput>): ShapeIssue[] {
  try {
    Pattern.fromShape({ ...shape, ...changes })
  } catch (error) {
    if (error instanceof ShapeError) return error.issues
    throw error
  }
  return []
}

describe('a pattern from a shape', () => {
  it('is the prefix, as many random characters, and the suffix', () => {
    const pattern = Pattern.fromShape({ ...shape, prefix: 'SUMMER-', suffix: '-24' })
    expect(pattern.source).toBe('SUMMER-########-24')
    expect(pattern.characters).toBe(characterSets.UNAMBIGUOUS)
    expect(pattern.capacity).toBe(24n ** 8n)
    expect(pattern.length).toBe(18)
  })

  it('takes prefix and suffix literally', () => {
    const pattern = Pattern.fromShape({ ...shape, prefix: '#1\\', suffix: '#', body: { length: 1 } })
    expect(pattern.source).toBe('\\#1\\\\#\\#')
    expect(pattern.capacity).toBe(24n)
    expect(pattern.length).toBe(5)
  })

  it('may escape any character, and keeps only the escapes that are needed', () => {
    const pattern = Pattern.fromShape({ ...shape, body: { pattern: '\\S\\A\\-##\\#\\\\' } })
    expect(pattern.source).toBe('SA-##\\#\\\\')
    expect(pattern.length).toBe(7)
  })

  it('has the characters of each set', () => {
    for (const [set, characters] of Object.entries(characterSets)) {
      expect(
        Pattern.fromShape({ ...shape, characters: { set: set as keyof typeof characterSets } }).characters,
      ).toBe(characters)
      expect(new Set(characters).size).toBe(characters.length)
    }
    expect(Object.values(characterSets).map((characters) => characters.length)).toEqual([10, 26, 36, 62, 24])
  })

  it('keeps the order of a list of any characters that codes can have', () => {
    const list = '#\\~ZA-é中ЖעQ'
    expect(Pattern.fromShape({ ...shape, characters: { list } }).characters).toBe(list)
  })

  it('can have 2^96 codes and no more', () => {
    expect(Pattern.fromShape({ ...shape, body: { length: 96 }, characters: { list: '01' } }).capacity).toBe(
      2n ** 96n,
    )
    expect(issuesOf({ body: { length: 97 }, characters: { list: '01' } })).toEqual([
      {
        path: ['body', 'length'],
        message:
          '97 random characters out of 2 make 1.5 × 10^29 codes; a format has at most 2^96, that is 7.9 × 10^28. ' +
          'Use 96 random characters or fewer, or fewer different ones.',
      },
    ])
    expect(issuesOf({ body: { pattern: '#'.repeat(30) }, characters: { set: 'DIGITS' } })).toEqual([
      { path: ['body', 'pattern'], message: expect.stringContaining('Use 28 random characters or fewer') },
    ])
  })

  it.each([0, -1, 101, 300, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'cannot have a length of %d',
    (length) => {
      expect(issuesOf({ body: { length } })).toEqual([
        {
          path: ['body', 'length'],
          message: `The length is the number of random characters, a whole number from 1 to 100; it cannot be ${length}.`,
        },
      ])
    },
  )

  it.each([
    ['', 'The pattern has no "#", so every code would be the same.'],
    ['SUMMER', 'The pattern has no "#", so every code would be the same.'],
    [
      'SUMMER-\\#\\#',
      'The pattern has no "#" (an escaped "\\#" is a literal one), so every code would be the same.',
    ],
    ['##\\', 'The pattern ends in a single "\\", which escapes the character after it.'],
    ['\\\\\\', 'The pattern ends in a single "\\", which escapes the character after it.'],
    ['## ##', 'The pattern contains spaces (U+0020): '],
    ['##\\😀', 'The pattern contains emoji ("😀" U+1F600): '],
    [`#${'x'.repeat(100)}`, 'The pattern has 101 characters; a whole code has at most 100.'],
  ])('cannot have the pattern %j', (pattern, message) => {
    expect(issuesOf({ body: { pattern } })).toEqual([
      { path: ['body', 'pattern'], message: expect.stringMatching(startingWith(message)) },
    ])
  })

  it('can have a pattern of 100 escaped characters', () => {
    const pattern = `#${'\\x'.repeat(99)}`
    expect(Pattern.fromShape({ ...shape, body: { pattern } }).length).toBe(100)
  })

  it.each([
    ['', ['A list needs at least two different characters; this one is empty.']],
    ['A', ['A list needs at least two different characters; this one has one.']],
    [
      'AAA',
      [
        'The list repeats "A": list each character once.',
        'A list needs at least two different characters; this one has one.',
      ],
    ],
    ['ABCABD', ['The list repeats "A" and "B": list each character once.']],
    ['AABBCCDDEEFFGG', ['The list repeats "A", "B", "C", "D", "E" and 2 more: list each character once.']],
    ['A,B,C', ['The list repeats ",": list each character once.']],
  ])('cannot have the list %j', (list, messages) => {
    expect(issuesOf({ characters: { list } })).toEqual(
      messages.map((message) => ({ path: ['characters', 'list'], message })),
    )
  })

  it('names the characters of a list that codes cannot have', () => {
    expect(issuesOf({ characters: { list: 'AB \te\u0301👍🏽' } }).map((issue) => issue.message)).toEqual([
      expect.stringContaining('spaces (U+0020)'),
      expect.stringContaining('control characters (U+0009)'),
      expect.stringContaining('combining marks (U+0301)'),
      expect.stringContaining('emoji ("👍" U+1F44D and "🏽" U+1F3FD)'),
    ])
  })

  it('has codes of at most 100 characters', () => {
    const parts = { prefix: 'P'.repeat(50), suffix: 'S'.repeat(42) }
    expect(Pattern.fromShape({ ...shape, ...parts }).length).toBe(100)
    expect(issuesOf({ ...parts, body: { length: 10 } })).toEqual([
      {
        path: [],
        message:
          'Codes would have 102 characters: prefix 50, body 10, suffix 42. A code has at most 100; shorten them by 2.',
      },
    ])
  })

  it('reports everything that is wrong at once', () => {
    const issues = issuesOf({
      prefix: 'A B',
      suffix: '\u200b',
      body: { pattern: 'X' },
      characters: { list: 'A' },
    })
    expect(issues.map((issue) => issue.path)).toEqual([
      ['prefix'],
      ['suffix'],
      ['body', 'pattern'],
      ['characters', 'list'],
    ])
  })

  it('refuses megabytes with a short message', () => {
    const huge = 'x'.repeat(1_048_576)
    const issues = issuesOf({
      prefix: huge,
      suffix: huge,
      body: { pattern: huge },
      characters: { list: huge },
    })
    expect(issues.map((issue) => issue.message)).toEqual([
      'The prefix has 1,048,576 characters; a whole code has at most 100. Shorten it.',
      'The suffix has 1,048,576 characters; a whole code has at most 100. Shorten it.',
      'The pattern has 1,048,576 characters; a whole code has at most 100. Shorten it.',
      'The list has 1,048,576 characters; at most 1,000 are allowed. List each character once, without separators.',
    ])
  })

  it('has all issues in its error message', () => {
    expect(() => Pattern.fromShape({ ...shape, prefix: ' ', body: { length: 0 } })).toThrow(
      /spaces.*cannot be 0/s,
    )
  })
})

describe('a stored pattern', () => {
  it('is restored from its source and characters', () => {
    const texts = fc.string({
      minLength: 0,
      maxLength: 8,
      unit: fc.constantFrom('a', '#', '\\', '-', 'é', '中'),
    })
    const lists = fc
      .uniqueArray(fc.constantFrom(...'ab#\\é中'), { minLength: 2 })
      .map((list) => list.join(''))
    fc.assert(
      fc.property(texts, texts, fc.integer({ min: 1, max: 20 }), lists, (prefix, suffix, length, list) => {
        const pattern = Pattern.fromShape({ prefix, suffix, body: { length }, characters: { list } })
        const stored = Pattern.parse(pattern.source, pattern.characters)
        expect(stored).toMatchObject({
          source: pattern.source,
          capacity: pattern.capacity,
          length: pattern.length,
        })
        expect(stored.examples(3)).toEqual(pattern.examples(3))
        for (const example of stored.examples(3)) {
          expect(example.startsWith(prefix) && example.endsWith(suffix)).toBe(true)
          expect(example).toHaveLength(pattern.length)
          expect(pattern.rank(example)).toBeDefined()
        }
      }),
    )
  })

  it.each([
    ['', 'AB'],
    ['AB', 'AB'],
    ['##\\', 'AB'],
    ['\\A##', 'AB'],
    ['😀#', 'AB'],
    ['##', ''],
    ['##', 'A'],
    ['##', 'AA'],
    ['##', '😀'],
    ['#'.repeat(97), 'AB'],
    [`#${'x'.repeat(100)}`, 'AB'],
  ])('is corrupt when it is %j with %j', (source, characters) => {
    expect(() => Pattern.parse(source, characters)).toThrow(CorruptPatternError)
  })
})

describe('overlaps', () => {
  const overlap = (source: string, characters: string, otherSource: string, otherCharacters: string) =>
    Pattern.parse(source, characters).overlaps(Pattern.parse(otherSource, otherCharacters))

  it.each([
    ['the same format', 'A-##', '01', 'A-##', '01', true],
    ['a prefix that random characters can spell', 'AB##', 'ABC', '####', 'ABC', true],
    ['a prefix that they cannot spell', 'AX##', 'ABC', '####', 'ABC', false],
    ['the same beginning at another length', 'AB##', 'ABC', 'AB###', 'ABC', false],
    ['prefixes of which one begins the other', 'A##', 'XY', 'AX#', 'XY', true],
    ['different prefixes of one length', 'A##', 'XY', 'B##', 'XY', false],
    ['prefixes that differ in case', 'a##', 'XY', 'A##', 'XY', false],
    ['characters that have one in common', '##', 'ABC', '##', 'CDE', true],
    ['characters that have none in common', '##', 'ABC', '##', 'DEF', false],
    ['a dash at different places', 'A-##', 'AB', 'A#-#', 'AB', false],
    ['a dash that is a random character', 'A-##', 'AB-', 'A#-#', 'AB-', true],
    ['literal hashes', '\\###', 'AB', '###', 'AB', false],
    ['literal hashes among the characters', '\\###', 'AB', '###', 'AB#', true],
  ])(
    'are found between formats with %s: %j of %j, %j of %j',
    (_, source, characters, otherSource, otherCharacters, expected) => {
      expect(overlap(source, characters, otherSource, otherCharacters)).toBe(expected)
      expect(overlap(otherSource, otherCharacters, source, characters)).toBe(expected)
    },
  )

  it('are found exactly where a string of both exists', () => {
    const shapes = fc.record({
      positions: fc
        .array(fc.constantFrom(null, null, 'a', 'b', '#'), { minLength: 1, maxLength: 4 })
        .filter((list) => list.includes(null)),
      characters: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', '#'), { minLength: 2, maxLength: 3 }),
    })
    const parse = ({ positions, characters }: { positions: (string | null)[]; characters: string[] }) =>
      Pattern.parse(
        positions.map((at) => (at === null ? '#' : at === '#' ? '\\#' : at)).join(''),
        characters.join(''),
      )
    fc.assert(
      fc.property(shapes, shapes, (one, other) => {
        const strings = new Set(parse(one).examples(81))
        const shared = parse(other)
          .examples(81)
          .some((string) => strings.has(string))
        expect(parse(one).overlaps(parse(other))).toBe(shared)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('examples', () => {
  it('are always the same, and begin with those of a smaller count', () => {
    const pattern = () => Pattern.parse('SUMMER-####', 'BCDFGHJKMPQRTVWXY2346789')
    expect(pattern().examples(3)).toEqual(pattern().examples(3))
    expect(pattern().examples(10).slice(0, 3)).toEqual(pattern().examples(3))
  })

  it('are distinct, and no more than there are', () => {
    const examples = Pattern.parse('##', 'ABC').examples(100)
    expect(new Set(examples).size).toBe(9)
    expect(examples).toHaveLength(9)
    expect(Pattern.parse('##', 'ABC').examples(0)).toEqual([])
  })

  it('differ for another pattern', () => {
    expect(Pattern.parse('A########', 'ABC').examples(1)[0]?.slice(1)).not.toBe(
      Pattern.parse('B########', 'ABC').examples(1)[0]?.slice(1),
    )
  })

  it.each([-1, 1.5, Number.NaN])('cannot be %d', (count) => {
    expect(() => Pattern.parse('##', 'ABC').examples(count)).toThrow(RangeError)
  })
})

describe('the number of a string', () => {
  it('is its random characters read as digits, the first the most significant', () => {
    const pattern = Pattern.parse('A#-##', 'xyz')
    expect(pattern.rank('Ax-xx')).toBe(0n)
    expect(pattern.rank('Ax-xz')).toBe(2n)
    expect(pattern.rank('Ay-xx')).toBe(9n)
    expect(pattern.rank('Az-zz')).toBe(26n)
    expect(pattern.rank('Az-zA')).toBeUndefined()
    expect(pattern.rank('Az-z')).toBeUndefined()
  })
})

function startingWith(text: string): RegExp {
  return new RegExp(`^${text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`)
}
