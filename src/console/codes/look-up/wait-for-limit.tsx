import { Alert } from '@mantine/core'
import { ClockIcon } from '@primer/octicons-react'
import { useEffect, useState } from 'react'
import { duration } from '../../intl.ts'
import { text } from '../../text.ts'

/** Says that too many look-ups have found nothing, counts down, and looks up again when it is time. */
export function WaitForLimit({ retryAfterMs, onTime }: { retryAfterMs: number; onTime: () => void }) {
  const [until] = useState(() => Date.now() + retryAfterMs)
  const [leftMs, setLeftMs] = useState(retryAfterMs)
  useEffect(() => {
    const clock = setInterval(() => setLeftMs(Math.max(0, until - Date.now())), 1_000)
    const alarm = setTimeout(onTime, Math.max(0, until - Date.now()))
    return () => {
      clearInterval(clock)
      clearTimeout(alarm)
    }
  }, [until, onTime])
  return (
    <Alert icon={<ClockIcon />} title={text.codes.lookUp.limited} variant="default">
      <span aria-live="off">
        {text.codes.lookUp.limitedHint(duration(Math.max(1_000, Math.ceil(leftMs / 1_000) * 1_000)))}
      </span>
    </Alert>
  )
}
