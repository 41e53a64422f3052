// Numbers, dates and lengths of time, as the reader's kind of English writes them. Counts may be larger than a number.

const locale = navigator.languages.find((language) => language.startsWith('en')) ?? 'en'

const counts = new Intl.NumberFormat(locale)
const compactCounts = new Intl.NumberFormat(locale, { notation: 'compact', maximumSignificantDigits: 3 })
const percents = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 })
const moments = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' })
const exactMoments = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long' })
const clocks = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' })
const days = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
const lists = new Intl.ListFormat(locale, { type: 'conjunction' })
const plurals = new Intl.PluralRules(locale)

/** A BigInt of the API, or a number: "1,234,567". */
export function count(value: string | number | bigint): string {
  return counts.format(BigInt(value))
}

const group = counts.formatToParts(1_000_000).find(({ type }) => type === 'group')?.value ?? ','

/**
 * A count as somebody types or pastes it, with or without separators between thousands: "1,000,000". Undefined if it is
 * not a whole number, also if it is negative.
 */
export function readCount(text: string): bigint | undefined {
  const digits = text.replaceAll(group, '').replaceAll(/[\s'’_]/g, '')
  return /^\d+$/.test(digits) ? BigInt(digits) : undefined
}

/** A large count in little space: "1.23M". Show `count` where somebody looks closer. */
export function shortCount(value: string | number | bigint): string {
  return compactCounts.format(BigInt(value))
}

/** "1 code", "1,000 codes". */
export function counted(value: string | number | bigint, one: string, many: string): string {
  const n = BigInt(value)
  const isOne = n < 1_000n && plurals.select(Number(n)) === 'one'
  return `${count(n)} ${isOne ? one : many}`
}

/** A share from 0 to 1: "12.5%". */
export function percent(share: number): string {
  return percents.format(share)
}

/** How much of a whole, from 0 to 1, without losing what is beyond a number's precision. */
export function shareOf(part: string | bigint, whole: string | bigint): number {
  const all = BigInt(whole)
  return all === 0n ? 0 : Number((BigInt(part) * 1_000_000n) / all) / 1_000_000
}

/** A date and time: "Nov 26, 2026, 9:41 AM". */
export function moment(at: string): string {
  return moments.format(new Date(at))
}

/** With the weekday, seconds and time zone. */
export function exactMoment(at: string): string {
  return exactMoments.format(new Date(at))
}

/** The time of day: "9:41:07 AM". */
export function clock(at: string): string {
  return clocks.format(new Date(at))
}

/** A date: "Nov 26, 2026". */
export function day(at: string): string {
  return days.format(new Date(at))
}

const units = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** How far a moment is away, in its largest unit: "in 3 days", "2 minutes ago". */
export function distance(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1_000
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
  return relative.format(Math.trunc(seconds / length), unit)
}

/** A length of time: "0.4 seconds", "3 minutes". */
export function duration(ms: number): string {
  const [unit, length] = units.find(([, length]) => ms / 1_000 >= length) ?? ['second', 1]
  const value = ms / 1_000 / length
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value)
}

/** "a, b, and c". */
export function list(items: readonly string[]): string {
  return lists.format(items)
}
