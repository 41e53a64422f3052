/**
 * How fast codes are computed: against `voucher-code-generator`, which draws them at random and throws away
 * what it has drawn before, and at the end of a set against its beginning. Run it with
 * `node bench/codespace.ts`; compare ratios, the times depend on the machine.
 */

import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import voucherCodes from 'voucher-code-generator'
import { CodeSpace, currentVersion, newFormatKey } from '../src/codespace/codespace.ts'
import { Pattern } from '../src/codespace/pattern.ts'

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

/** Milliseconds. What ran before has its garbage collected first, so that nobody pays for another's. */
function timeOf(work: () => string[], expected: number): number {
  collectGarbage()
  const start = performance.now()
  const codes = work()
  const time = performance.now() - start
  assert.equal(codes.length, expected)
  return time
}

/** Medians of several rounds in which the two take turns; a first round warms up and does not count. */
function compare(first: () => string[], second: () => string[], expected: number): [number, number] {
  const times: [number, number][] = []
  for (let round = 0; round <= rounds; round++)
    times.push([timeOf(first, expected), timeOf(second, expected)])
  times.shift()
  return [median(times.map(([time]) => time)), median(times.map(([, time]) => time))]
}

function median(times: number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] as number
}

function show(what: string, milliseconds: number, codes: number): void {
  const rate = (codes / milliseconds / 1000).toFixed(1)
  console.log(`  ${what.padEnd(36)}${milliseconds.toFixed(0).padStart(7)} ms${rate.padStart(8)} M codes/s`)
}

const space = spaceOf(length)
const [ours, theirs] = compare(
  () => space.codesAt(0n, count),
  () => voucherCodes.generate({ count, length, charset: characters }),
  count,
)
console.log(
  `${count.toLocaleString('en')} codes of ${length} characters out of ${characters.length}, median of ${rounds}`,
)
show('computed by this service', ours, count)
show('drawn by voucher-code-generator', theirs, count)
console.log(`  ${(theirs / ours).toFixed(1)} times as fast\n`)

const small = spaceOf(4)
const tenth = Number(small.capacity / 10n)
const [firstTenth, lastTenth] = compare(
  () => small.codesAt(0n, tenth),
  () => small.codesAt(small.capacity - BigInt(tenth), tenth),
  tenth,
)
console.log(`A set of ${small.capacity.toLocaleString('en')} codes, median of ${rounds}`)
show('its first tenth', firstTenth, tenth)
show('its last tenth', lastTenth, tenth)
console.log(`  the last takes ${(lastTenth / firstTenth).toFixed(2)} times as long as the first`)
