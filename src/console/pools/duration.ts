/** A length of time as a person enters it. */
export interface Length {
  amount: string
  unit: Unit
}

export const units = ['days', 'hours', 'minutes', 'seconds'] as const
export type Unit = (typeof units)[number]

const msOf = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1_000 }

/** A Duration of the API, such as "P1DT12H", in the largest unit of which it is a whole number: 36 hours. */
export function lengthOf(duration: string): Length {
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] =
    /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(duration) ?? []
  const ms =
    Number(days) * msOf.days +
    Number(hours) * msOf.hours +
    Number(minutes) * msOf.minutes +
    Math.round(Number(seconds) * 1_000)
  const unit = units.find((unit) => ms % msOf[unit] === 0) ?? 'seconds'
  return { amount: String(ms / msOf[unit]), unit }
}

/** The Duration of the API for what was entered: undefined if that is not a number above 0. */
export function durationOf({ amount, unit }: Length): string | undefined {
  const ms = Math.round(Number(amount) * msOf[unit])
  if (amount.trim() === '' || !Number.isSafeInteger(ms) || ms <= 0) return undefined
  const days = Math.floor(ms / msOf.days)
  const seconds = (ms % msOf.days) / 1_000
  return `P${days}D${seconds === 0 ? '' : `T${seconds}S`}`
}
