/** The variables of a query for what happened on each of the last days, today included. */
export interface LastDays {
  [name: string]: string
  from: string
  to: string
  timeZone: string
}

/** The last 30 days of this browser's time zone. The same all day, so that answers are found in the cache. */
export function last30Days(now = new Date()): LastDays {
  const [year, month, day] = [now.getFullYear(), now.getMonth(), now.getDate()] as const
  return {
    from: new Date(year, month, day - 29).toISOString(),
    to: new Date(year, month, day + 1).toISOString(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  }
}
