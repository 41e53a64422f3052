import { notifications } from '@mantine/notifications'
import { useRef } from 'react'
import { useEvents } from '../live/events.tsx'
import { text } from '../text.ts'

/**
 * Tells of each time that a pool refills itself: somebody who claims its last codes sees only numbers change. However often it
 * does, there is one notification, with the sum.
 */
export function useRefillNews(poolId: string): void {
  const shown = useRef(0n)
  useEvents((news) => {
    if (news === 'missed' || news.__typename !== 'TaskStatusChangedEvent' || news.pool.id !== poolId) return
    const { trigger, addedCount } = news.task
    if (news.status !== 'COMPLETED' || trigger !== 'AUTO_GENERATE') return
    const notification = {
      id: `refills-of-${poolId}`,
      message: text.promoCodes.refilled(shown.current + BigInt(addedCount)),
      onClose: () => {
        shown.current = 0n
      },
    }
    if (shown.current === 0n) notifications.show(notification)
    else notifications.update(notification)
    shown.current += BigInt(addedCount)
  })
}
