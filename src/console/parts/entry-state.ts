import { useState } from 'react'
import { useLocation, useNavigate, useNavigationType } from 'react-router'

/**
 * What an entry of the browser's history keeps of its screen, and a function that changes it: it is there again after going
 * back, and after reloading. This is for what may be an email address, or a code that somebody could use. It is not in the
 * address as other searches are, which ends up in the logs of servers and proxies, and in what browsers suggest, send to other
 * devices and share. So a link to the screen leads to it without what was searched.
 */
export function useEntryState<State extends object>(): [Partial<State>, (state: State) => void] {
  const { pathname, search, state } = useLocation()
  const navigate = useNavigate()
  const change = (state: State) => {
    // Somebody may be on the way to another screen that is still being loaded, whose entry this would replace.
    if (location.pathname === pathname) void navigate({ search }, { replace: true, state })
  }
  return [(state ?? {}) as Partial<State>, change]
}

/** The state of an entry that was changed by its own screen, and keeps everything in its address. See `useEntryKey`. */
export const changed = {}

/** Changes whenever somebody comes to the screen, also where they are on it already, but not with what it changes itself. */
export function useEntryKey(): string {
  const { key, state } = useLocation()
  // A link to the address where one is replaces the entry, too, by one that keeps nothing.
  const isChange = useNavigationType() === 'REPLACE' && state !== null
  const [entry, setEntry] = useState(key)
  if (!isChange && key !== entry) setEntry(key)
  return entry
}
