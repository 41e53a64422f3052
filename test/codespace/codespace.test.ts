import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CodeSpace,
  currentVersion,
  newFormatKey,
  UnknownVersionError,
} from '../../src/codespace/codespace.ts'
import type { IndexRun } from '../../src/codespace/index-run.ts'
import { Pattern } from '../../src/codespace/pattern.ts'

interface PinnedFormat {
  pattern: string
  characters: string
  key: string
  capacity: string
  codes: Record<string, string>
}

// Computed by other programs from the description beside `currentVersion`. Formats that exist depend on it: a
// change that needs another fixture needs another version.
const version1: PinnedFormat[] = JSON.parse(
  readFileSync(new URL('fixtures/version-1.json', import.meta.url), 'utf8'),
)

const key = new Uint8Array(32).fill(7)
const unambiguous = 'BCDFGHJKMPQRTVWXY2346789'

function spaceOf(pattern: string, characters: string): CodeSpace {
  return CodeSpace.open({ pattern: Pattern.parse(pattern, characters), key, version: currentVersion })
}

/** The codes of a run, each written between `before` and `after` over another code, of as many bytes. */
function written(space: CodeSpace, run: IndexRun, before: string, after: string): string {
  const row = Buffer.from(before + space.codeAt(1n) + after)
  const starts = Uint32Array.from(
    { length: run.count },
    (_, at) => at * row.length + Buffer.byteLength(before),
  )
  const bytes = Buffer.alloc(run.count * row.length, row)
  space.encodeOver(run, bytes, starts)
  return bytes.toString()
}

describe('version 1', () => {
  it.each(version1)(
    'gives $pattern the codes it always gave',
    ({ pattern, characters, key, capacity, codes }) => {
      const space = CodeSpace.open({
        pattern: Pattern.parse(pattern, characters),
        key: Buffer.from(key, 'hex'),
        version: 1,
      })
      expect(space.capacity).toBe(BigInt(capacity))
      for (const [index, code] of Object.entries(codes)) {
        expect(space.codeAt(BigInt(index))).toBe(code)
        expect(space.indexOf(code)).toBe(BigInt(index))
      }
    },
  )
})

describe('a code space', () => {
  it.each([
    ['#####', unambiguous, '', '\r\n'],
    ['A-##"#', unambiguous, '"é', '",漢\n'],
    ['#é###', unambiguous, '', ';'],
    ['###漢', 'éяßюω', '<', '>'],
  ])(
    'writes codes of %s out of %s as bytes, between whatever there is',
    (source, characters, before, after) => {
      const space = spaceOf(source, characters)
      for (const [first, count] of [
        [0n, 0],
        [0n, 1],
        [7n, 100],
        [space.capacity - 3n, 3],
        [1n, Math.min(9_000, Number(space.capacity) - 1)],
      ] as const) {
        const codes = space.codesAt(first, count).map((code) => before + code + after)
        expect(written(space, { first, count, passed: [] }, before, after)).toBe(codes.join(''))
      }
      const write = (first: bigint, count: number) =>
        space.encodeOver({ first, count, passed: [] }, Buffer.alloc(100), new Uint32Array(1))
      expect(() => write(space.capacity, 1)).toThrow(RangeError)
      expect(() => write(0n, -1)).toThrow(RangeError)
    },
  )

  it.each([
    ['SALE-####', '0123456789'],
    ['A##é##', 'абвгдежз'],
  ])('writes codes of %s out of %s over others, wherever they begin', (source, characters) => {
    const space = spaceOf(source, characters)
    const gaps = Array.from({ length: Math.min(5_000, Number(space.capacity)) }, (_, i) => '·'.repeat(i % 3))
    const sample = space.codeAt(1n)
    const rows = Buffer.from(gaps.map((gap) => gap + sample).join(''))
    let end = 0
    const starts = gaps.map((gap) => {
      const start = end + Buffer.byteLength(gap)
      end = start + Buffer.byteLength(sample)
      return start
    })
    space.encodeOver({ first: 0n, count: gaps.length, passed: [] }, rows, Uint32Array.from(starts))
    const codes = space.codesAt(0n, gaps.length)
    expect(rows.toString()).toBe(gaps.map((gap, i) => gap + codes[i]).join(''))
  })

  it.each([
    ['#', '01'],
    ['###', '01'],
    ['#-#', 'abc'],
    ['A##', '0123456789'],
    ['####', '01234'],
    ['#####', '0123456'],
    ['##é#', 'абв'],
  ])('gives every string of %s out of %s exactly once', (source, characters) => {
    const space = spaceOf(source, characters)
    const codes = space.codesAt(0n, Number(space.capacity))
    expect(new Set(codes)).toEqual(new Set(allStrings(source, characters)))
    expect(codes).toHaveLength(Number(space.capacity))
    expect(codes.map((code) => space.indexOf(code))).toEqual(codes.map((_, index) => BigInt(index)))
    expect(space.indicesOf(codes)).toEqual(codes.map((_, index) => BigInt(index)))
  })

  it('leads from any index to a code and back, up to 2^96', () => {
    const characters = fc.constantFrom(
      '01',
      '0123456789',
      unambiguous,
      'абвгд',
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
    )
    const cases = characters
      .chain((list) =>
        fc.record({
          list: fc.constant(list),
          random: fc.integer({ min: 1, max: Math.floor(96 / Math.log2(list.length)) }),
          prefix: fc.constantFrom('', 'P-', '\\#\\\\', 'ü', 'П'),
        }),
      )
      .chain(({ list, random, prefix }) =>
        fc.record({
          space: fc.constant(spaceOf(prefix + '#'.repeat(random), list)),
          index: fc.bigInt({ min: 0n, max: BigInt(list.length) ** BigInt(random) - 1n }),
        }),
      )
    fc.assert(
      fc.property(cases, ({ space, index }) => {
        const code = space.codeAt(index)
        expect(space.indexOf(code)).toBe(index)
        expect(space.indicesOf([code])).toEqual([index])
        expect(space.readTyped(code)).toEqual({ code, mixedUp: false })
      }),
      { numRuns: 500 },
    )
  })

  it('computes the same codes one by one, in ranges and in lists', () => {
    for (const random of [4, 11, 20]) {
      const space = spaceOf(`X-${'#'.repeat(random)}`, unambiguous)
      const first = space.capacity / 2n
      const codes = space.codesAt(first, 9_000)
      const indices = codes.map((_, at) => first + BigInt(at))
      expect(space.codesOf(indices)).toEqual(codes)
      expect(space.codesOf(indices.toReversed())).toEqual(codes.toReversed())
      for (const at of [0, 1, 4095, 4096, 8191, 8192, 8999])
        expect(space.codeAt(first + BigInt(at))).toBe(codes[at])
    }
  })

  it('computes the codes of runs without the indices that they pass over', () => {
    const space = spaceOf('#####', unambiguous)
    const everyOther = Array.from({ length: 256 }, (_, at) => 2 * at + 1)
    const runs = [
      { first: 5n, count: 0, passed: [] },
      { first: 7n, count: 100, passed: [0, 1, 5, 102] },
      { first: 300n, count: 256, passed: everyOther },
      { first: 0n, count: 3_740, passed: [] },
      // From here on in another batch, and then in two.
      { first: 90n, count: 2, passed: [0, 2] },
      { first: 20_000n, count: 9_000, passed: [0, 4_093, 4_094, 4_095, 4_096, 8_193, 9_000] },
      { first: space.capacity - 3n, count: 2, passed: [1] },
    ]
    const expected = runs.map(({ first, count, passed }) =>
      space.codesAt(first, count + passed.length).filter((_, at) => !(passed as number[]).includes(at)),
    )
    expect(space.codesOfRuns(runs)).toEqual(expected.flat())
    for (const [i, run] of runs.entries())
      expect(written(space, run, '<', '>')).toBe(expected[i]?.map((code) => `<${code}>`).join(''))
    const beyond = { first: space.capacity - 3n, count: 3, passed: [1] }
    expect(() => space.codesOfRuns([...runs, beyond])).toThrow(RangeError)
  })

  it('finds its codes among other strings, one by one and in lists', () => {
    for (const source of ['####', 'X-####-#######', '####################']) {
      const space = spaceOf(source, unambiguous)
      const codes = space.codesAt(space.capacity / 3n, 5_000)
      const list = codes.flatMap((code) => [code, `${code}B`, code.slice(1), `0${code.slice(1)}`])
      const indices = space.indicesOf(list)
      expect(indices).toEqual(list.map((code) => space.indexOf(code)))
      expect(indices.filter((index) => index !== undefined)).toHaveLength(codes.length)
    }
    expect(spaceOf('##', '01').indicesOf([])).toEqual([])
    expect(spaceOf('##', '01').indicesOf(['02', '', '😀', '0'])).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('computes its last codes like its first', () => {
    const space = spaceOf('################################', '01234567')
    expect(space.capacity).toBe(2n ** 96n)
    const last = space.codesAt(space.capacity - 3n, 3)
    expect(last.map((code) => space.indexOf(code))).toEqual([3n, 2n, 1n].map((by) => space.capacity - by))
    expect(space.indicesOf(last)).toEqual([3n, 2n, 1n].map((by) => space.capacity - by))
    expect(space.codesAt(space.capacity, 0)).toEqual([])
  })

  it('refuses indices that it does not have', () => {
    const space = spaceOf('##', '0123456789')
    expect(() => space.codeAt(-1n)).toThrow(RangeError)
    expect(() => space.codeAt(100n)).toThrow(RangeError)
    expect(() => space.codesAt(99n, 2)).toThrow('Indices 99 to 100 are not all in 0 … 99')
    expect(() => space.codesAt(0n, -1)).toThrow(RangeError)
    expect(() => space.codesAt(0n, 1.5)).toThrow(RangeError)
    expect(() => space.codesOf([1n, 100n])).toThrow('Index 100 is not in 0 … 99')
    expect(() => space.codesOf([-1n])).toThrow(RangeError)
  })

  it('has no index for a string that is not of the format', () => {
    const space = spaceOf('A-##', '0123456789')
    for (const stranger of ['', 'A-1', 'A-123', 'B-12', 'a-12', 'A-1x', 'A12', ' A-12', 'A-1\u0661', 'A-😀'])
      expect([space.indexOf(stranger), ...space.indicesOf([stranger])]).toEqual([undefined, undefined])
  })

  it('has another order under another key', () => {
    const pattern = Pattern.parse('######', unambiguous)
    const open = (key: Uint8Array) => CodeSpace.open({ pattern, key, version: currentVersion }).codesAt(0n, 5)
    expect(open(newFormatKey())).not.toEqual(open(newFormatKey()))
  })

  it('refuses a version made by a later release', () => {
    const pattern = Pattern.parse('##', '01')
    const open = (version: number) => () => CodeSpace.open({ pattern, key, version })
    expect(open(2)).toThrow(UnknownVersionError)
    expect(open(2)).toThrow('The format is of version 2; this release knows only version 1.')
    expect(open(0)).toThrow(UnknownVersionError)
  })

  it('refuses a key of another length', () => {
    const pattern = Pattern.parse('##', '01')
    expect(() => CodeSpace.open({ pattern, key: new Uint8Array(16), version: 1 })).toThrow(RangeError)
  })
})

function allStrings(source: string, characters: string): string[] {
  return [...source].reduce(
    (strings: string[], position) =>
      strings.flatMap((string) =>
        (position === '#' ? [...characters] : [position]).map((next) => string + next),
      ),
    [''],
  )
}
