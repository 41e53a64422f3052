import { useEffect } from 'react'

export const loadOtherScreens = () => import('./other-screens.ts')

/** Loads the other screens as soon as there is nothing else to do, so that the first click leads to one at once. */
export function useOtherScreensSoon(isReady: boolean): void {
  useEffect(() => {
    if (!isReady) return
    // If they cannot be loaded, that is said when one of them is to be shown.
    const load = () => void loadOtherScreens().catch(() => {})
    // Safari cannot say when it is idle.
    if (!('requestIdleCallback' in window)) return load()
    const id = requestIdleCallback(load)
    return () => cancelIdleCallback(id)
  }, [isReady])
}
