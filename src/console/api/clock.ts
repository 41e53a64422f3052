// Clocks of browsers may be hours away from that of the service, to which all moments on the page belong.

export const dayMs = 86_400_000

/** Answers say the time in whole seconds, and travel for a while: less than this is no difference. */
const minOffsetMs = 5_000

let offsetMs = 0

/** Learns from an answer of the service how far this clock is away from that of the service. */
export function setClock(answer: Response): void {
  const told = Date.parse(answer.headers.get('date') ?? '')
  if (Number.isNaN(told)) return
  const offset = told - Date.now()
  offsetMs = Math.abs(offset) < minOffsetMs ? 0 : offset
}

/** The time of the service, in milliseconds, as well as this page knows it. */
export function currentTime(): number {
  return Date.now() + offsetMs
}
