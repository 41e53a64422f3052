// Numbers, dates and lengths of time, as the reader's kind of English writes them. Counts may be larger than a number.

import { currentTime } from './api/clock.ts'

// Some systems give their browsers names that are no language tags, such as en-US@posix, for which Intl throws.
const locale = navigator.languages.find((language) => /^en(-[a-z\d]+)*$/i.test(language)) ?? 'en'

const counts = new Intl.NumberFormat(locale)
const compactCounts = new Intl.NumberFormat(locale, { notation: 'compact', maximumSignificantDigits: 3 })
const hugeCounts = new Intl.NumberFormat(locale, { notation: 'scientific', maximumSignificantDigits: 3 })
const percents = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 })
const moments = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' })
const exactMoments = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long' })
const clocks = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' })
const days = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' })
const hours = new Intl.DateTimeFormat(locale, { hour: 'numeric' })
const hoursOfDays = new Intl.DateTimeFormat(locale, { weekday: 'short', hour: 'numeric' })
const shortDays = new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric' })
const weekdays = new Intl.DateTimeFormat(locale, {
  weekday: 'long',
  month: 'short',
  day: 'numeric',
  year: 'numeric',
})
const months = new Intl.DateTimeFormat(locale, { month: 'short', year: 'numeric' })
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })
const lists = new Intl.ListFormat(locale, { type: 'conjunction' })
const plurals = new Intl.PluralRules(locale)

const { timeZone: zone } = new Intl.DateTimeFormat().resolvedOptions()

/** The time zone of the browser. Where it does not know it, it uses UTC. */
export const timeZone = zone === undefined || zone === 'Etc/Unknown' ? 'UTC' : zone

/** A BigInt of the API, or a number: "1,234,567". */
export function count(value: string | number | bigint): string {
  return counts.format(BigInt(value))
}

const group = counts.formatToParts(1_000_000).find(({ type }) => type === 'group')?.value ?? ','

/**
 * A count as somebody types or pastes it, with or without separators between thousands: "1,000,000". Undefined if it is not
 * one.
 */
export function readCount(text: string): bigint | undefined {
  const digits = text.replaceAll(group, '').replaceAll(/[\s'’_]/g, '')
  return /^\d+$/.test(digits) ? BigInt(digits) : undefined
}

/** A minus sign, or a dash that is meant as one. */
const minus = /^\s*[-−–]/

/** The same for a whole number that may be below 0, which is no count: so that a field can say that it is too small. */
export function readWhole(text: string): bigint | undefined {
  const n = readCount(text.replace(minus, ''))
  return n !== undefined && minus.test(text) ? -n : n
}

// There are no words for more.
const maxCompactCount = 10n ** 15n

/** A large count in little space: "1.23M", "4E30". Show `count` where somebody looks closer. */
export function shortCount(value: string | number | bigint): string {
  const n = BigInt(value)
  return (n < maxCompactCount ? compactCounts : hugeCounts).format(n)
}

/** "1 code", "1,000 codes". */
export function counted(value: string | number | bigint, one: string, many: string): string {
  const n = BigInt(value)
  const isOne = n < 1_000n && plurals.select(Number(n)) === 'one'
  return `${count(n)} ${isOne ? one : many}`
}

/** A number that need not be whole: "3.5", "1,234". */
export function decimal(value: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: value < 10 ? 1 : 0 }).format(value)
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

/** An hour: "9 AM". */
export function hour(at: string): string {
  return hours.format(new Date(at))
}

/** An hour of the last days: "Thu, 9 AM". */
export function hourOfDay(at: string): string {
  return hoursOfDays.format(new Date(at))
}

/** A date of the last months: "Nov 26". */
export function shortDay(at: string): string {
  return shortDays.format(new Date(at))
}

/** A month: "Nov 2026". */
export function month(at: string): string {
  return months.format(new Date(at))
}

/** The day of something that happened: "Today", "Yesterday", "Thursday, Nov 26, 2026". */
export function weekday(at: string, now = currentTime()): string {
  const isSame = (time: number) => new Date(time).toDateString() === new Date(at).toDateString()
  const yesterday = new Date(now).setDate(new Date(now).getDate() - 1)
  if (!isSame(now) && !isSame(yesterday)) return weekdays.format(new Date(at))
  const name = relative.format(isSame(now) ? 0 : -1, 'day')
  return name.slice(0, 1).toUpperCase() + name.slice(1)
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
export function distance(at: string, now = currentTime()): string {
  const seconds = (Date.parse(at) - now) / 1_000
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
  return relative.format(Math.trunc(seconds / length), unit)
}

/** A length of time: "less than 0.1 seconds", "0.4 seconds", "3 minutes". */
export function duration(ms: number): string {
  if (ms < 100) return 'less than 0.1 seconds'
  const [unit, length] = units.find(([, length]) => ms / 1_000 >= length) ?? ['second', 1]
  const value = ms / 1_000 / length
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value)
}

const sizes = [
  ['gigabyte', 1e9],
  ['megabyte', 1e6],
  ['kilobyte', 1e3],
  ['byte', 1],
] as const

/** The size of a file: "1.2 MB". */
export function fileSize(bytes: number): string {
  const [unit, length] = sizes.find(([, length]) => bytes >= length) ?? ['byte', 1]
  const value = bytes / length
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit,
    unitDisplay: unit === 'byte' ? 'long' : 'short',
    maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value)
}

/** "a, b, and c". */
export function list(items: readonly string[]): string {
  return lists.format(items)
}
