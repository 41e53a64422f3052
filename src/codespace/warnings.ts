import { grouped } from '../grouped.ts'
import { listed } from './characters.ts'
import { lookAlikes } from './look-alikes.ts'
import type { Pattern } from './pattern.ts'

export interface PatternWarning {
  code: 'GUESSABLE' | 'LOOK_ALIKES'
  message: string
}

/** What a person should know before a pattern becomes a format. No warning keeps the format from working. */
export function warningsFor(pattern: Pattern): PatternWarning[] {
  const guessable = guessableMessage(pattern)
  const lookAlikes = lookAlikesMessage(pattern.characters)
  return [
    ...(guessable ? [{ code: 'GUESSABLE' as const, message: guessable }] : []),
    ...(lookAlikes ? [{ code: 'LOOK_ALIKES' as const, message: lookAlikes }] : []),
  ]
}

// A random guess hits a live code once in capacity / live tries. A million live codes are a large campaign, and a checkout
// without a limit lets a thousand guesses a second through. A format should withstand that for half a day, so that
// there is time to notice.
const liveCodes = 1_000_000n
const guessesPerSecond = 1_000n
const secondsToNotice = 43_200n
const safeCapacity = liveCodes * guessesPerSecond * secondsToNotice

/** For a smaller domain, NIST SP 800-38G (revision 1) does not promise that FF1 keeps the order secret. */
const minSecretDomain = 1_000_000n

function guessableMessage({ capacity, characters }: Pattern): string | undefined {
  if (capacity >= safeCapacity) return undefined
  const danger =
    capacity < minSecretDomain
      ? `There are only ${grouped(capacity)} codes: at 1,000 guesses a second all of them are tried in ` +
        `${duration(capacity / guessesPerSecond)}. With so few, known codes can also give away others.`
      : `Codes can be guessed: with 1,000,000 of them live, one random guess in ${grouped(capacity / liveCodes)} ` +
        `hits one. At 1,000 guesses a second that takes ${timeToHit(capacity, liveCodes)}; with 1,000 live, ` +
        `${timeToHit(capacity, 1_000n)}.`
  return (
    `${danger} Use at least ${safeLength(characters.length)} random characters out of these ` +
    `${characters.length}, or limit how often a customer can try codes.`
  )
}

function timeToHit(capacity: bigint, live: bigint): string {
  return duration(capacity / live / guessesPerSecond)
}

/** How many random characters make a safe capacity. */
function safeLength(choices: number): number {
  let length = 1
  while (BigInt(choices) ** BigInt(length) < safeCapacity) length += 1
  return length
}

function duration(seconds: bigint): string {
  const units: [name: string, seconds: bigint][] = [
    ['year', 31_536_000n],
    ['day', 86_400n],
    ['hour', 3_600n],
    ['minute', 60n],
    ['second', 1n],
  ]
  const unit = units.find(([, size]) => seconds >= size)
  if (!unit) return 'less than a second'
  const count = seconds / unit[1]
  return `${grouped(count)} ${unit[0]}${count === 1n ? '' : 's'}`
}

function lookAlikesMessage(characters: string): string | undefined {
  const present = new Set(characters)
  const alike = lookAlikes
    .map((group) => [...group].filter((character) => present.has(character)))
    .filter((group) => group.length > 1)
  const named = new Set(alike.flat())
  const variants = variantsOf([...characters]).filter((group) =>
    group.some((character) => !named.has(character)),
  )
  if (alike.length === 0 && variants.length === 0) return undefined

  const asText = (group: readonly string[]) => group.join(' ')
  const reasons = [
    ...(alike.length > 0 ? [`some look alike (${alike.map(asText).join(', ')})`] : []),
    ...(variants.length > 0
      ? [
          `some are the same letter in another case or with an accent (${listed(variants.map(asText), (text) => text)})`,
        ]
      : []),
  ]
  return (
    `People will mix these characters up: ${reasons.join('; ')}. Keep one of each group, ` +
    'or use the set UNAMBIGUOUS.'
  )
}

/** The groups of characters that are the same letter in another case or, in Latin, with an accent. */
function variantsOf(characters: readonly string[]): string[][] {
  const groups = Map.groupBy(characters, letterOf)
  return [...groups.values()].filter((group) => group.length > 1)
}

function letterOf(character: string): string {
  // In other scripts, what Unicode decomposes as an accent often makes another letter, as in й and が.
  const base = /^\p{Script=Latin}/u.test(character) ? character.normalize('NFD').charAt(0) : character
  return base.toLowerCase().toUpperCase().toLowerCase()
}
