/** A moment as the value of an input of the type datetime-local: "2026-11-26T09:41", with seconds only if it has any. */
export function localTimeOf(at: string | null): string {
  if (at === null) return ''
  const moment = new Date(at)
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, -1)
  return local.replace(/(:00)?\.000$/, '')
}

/** The moment of an input's value. One that was not changed stays exact, also in the hour that clocks show twice. */
export function momentOf(localTime: string, before: string | null): string | null {
  if (localTime === localTimeOf(before)) return before
  return localTime === '' ? null : new Date(localTime).toISOString()
}
