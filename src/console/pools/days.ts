import { useInterval } from '@mantine/hooks'
import { useState } from 'react'
import { currentTime } from '../api/clock.ts'
import { timeZone } from '../intl.ts'

/** The variables of a query for what happened on each of the last days, today included. */
export interface LastDays {
  [name: string]: string
  from: string
  to: string
  timeZone: string
}

/** The last 30 days of this browser's time zone. The same all day, so that answers are found in the cache. */
function last30Days(): LastDays {
  const now = new Date(currentTime())
  const [year, month, day] = [now.getFullYear(), now.getMonth(), now.getDate()] as const
  return {
    from: new Date(year, month, day - 29).toISOString(),
    to: new Date(year, month, day + 1).toISOString(),
    timeZone,
  }
}

const checkEveryMs = 10_000

/** The last 30 days, also after midnight. */
export function useLast30Days(): LastDays {
  const [days, setDays] = useState(last30Days)
  const check = () => {
    const latest = last30Days()
    if (latest.to !== days.to) setDays(latest)
  }
  useInterval(check, checkEveryMs, { autoInvoke: true })
  return days
}
