/**
 * How fast codes are computed: against `voucher-code-generator`, which draws them at random and rejects duplicates, and at
 * the end of a set against its beginning. Run it with `node bench/codespace.ts`.
 */

import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import voucherCodes from 'voucher-code-generator'
import { CodeSpace, currentVersion, newFormatKey } from '../src/codespace/codespace.ts'
import { Pattern } from '../src/codespace/pattern.ts'
import { grouped } from '../src/grouped.ts'
import { showComparison } from './support.ts'

const characters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const count = 1_000_000
const length = 10
const rounds = 9

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function spaceOf(randomCharacters: number): CodeSpace {
  const pattern = Pattern.parse('#'.repeat(randomCharacters), characters)
  return CodeSpace.open({ pattern, key: newFormatKey(), version: currentVersion })
}

/** Codes a second, in millions. Garbage of what ran before is collected first. */
function rateOf(expected: number, work: () => string[]): () => Promise<number> {
  return async () => {
    collectGarbage()
    const start = performance.now()
    const codes = work()
    const milliseconds = performance.now() - start
    assert.equal(codes.length, expected)
    return expected / milliseconds / 1_000
  }
}

const space = spaceOf(length)
console.log(
  `${grouped(count)} codes of ${length} characters out of ${characters.length}, median of ${rounds}`,
)
await showComparison(
  { rounds, unit: 'M codes a second' },
  { what: 'computed by this service', figure: rateOf(count, () => space.codesAt(0n, count)) },
  {
    what: 'drawn by voucher-code-generator',
    figure: rateOf(count, () => voucherCodes.generate({ count, length, charset: characters })),
  },
)

const small = spaceOf(4)
const tenth = Number(small.capacity / 10n)
console.log(`A set of ${grouped(small.capacity)} codes, median of ${rounds}`)
await showComparison(
  { rounds, unit: 'M codes a second' },
  {
    what: 'its last tenth',
    figure: rateOf(tenth, () => small.codesAt(small.capacity - BigInt(tenth), tenth)),
  },
  { what: 'its first tenth', figure: rateOf(tenth, () => small.codesAt(0n, tenth)) },
)
