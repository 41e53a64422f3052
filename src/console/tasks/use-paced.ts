import { useEffect, useState } from 'react'

/**
 * Long enough to read two words and see that they have changed, and short enough that what else is on the page, such as the
 * counts of the pool, does not seem to say something else.
 */
const holdMs = 600

/**
 * How many of `count` steps to show, so that each stays long enough to be read, however fast they follow each other.
 *
 * @param fromStart whether to begin with the first step; otherwise all that have been made are shown immediately
 */
export function usePaced(count: number, fromStart: boolean): number {
  const [{ shown, since }, show] = useState(() => ({ shown: fromStart ? 1 : count, since: Date.now() }))
  useEffect(() => {
    if (shown >= count) return
    const timer = setTimeout(
      () => show({ shown: shown + 1, since: Date.now() }),
      Math.max(0, since + holdMs - Date.now()),
    )
    return () => clearTimeout(timer)
  }, [count, shown, since])
  return shown
}
