import { useEffect, useRef } from 'react'
import { usePoolOfPage } from '../pools/pool-of-page.ts'

/** Reads a list again whenever the counts of the pool say that its codes have changed. They are live. */
export function useFreshWithPool(read: (options: { requestPolicy: 'network-only' }) => void): void {
  const { availableCount, claimedCount, withdrawnCount, redeemedCount, voidedCount } = usePoolOfPage()
  const counts = [availableCount, claimedCount, withdrawnCount, redeemedCount, voidedCount].join()
  const seen = useRef(counts)
  useEffect(() => {
    if (seen.current === counts) return
    seen.current = counts
    read({ requestPolicy: 'network-only' })
  }, [counts, read])
}
