import { useInterval } from '@mantine/hooks'
import { useState } from 'react'
import { currentTime } from '../api/clock.ts'
import { distance, exactMoment, moment } from '../intl.ts'
import classes from './time.module.css'

/** A moment as a date and time, exactly on hover. */
export function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactMoment(at)}>
      {moment(at)}
    </time>
  )
}

/** How long ago a moment was, or how far away it is. It keeps up with the clock. */
export function Distance({ at }: { at: string }) {
  const [now, setNow] = useState(currentTime)
  useInterval(() => setNow(currentTime()), 15_000, { autoInvoke: true })
  return (
    <time className={classes.distance} dateTime={at} title={exactMoment(at)}>
      {distance(at, now)}
    </time>
  )
}
