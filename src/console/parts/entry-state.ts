import { useState } from 'react'
import { type NavigateOptions, useLocation, useNavigate, useNavigationType } from 'react-router'
import { useViewer } from '../shell/viewer.tsx'

/**
 * What an entry of the browser's history keeps of its screen, and a function that changes it: it is there again after going
 * back, and after reloading, but not for another API key. This is for what may be an email address, or a code that somebody
 * could use. It is not in the address as other searches are, which ends up in the logs of servers and proxies, and in what
 * browsers suggest, send to other devices and share. So a link to the screen leads to it without the search.
 */
export function useEntryState<State extends object>(): [Partial<State>, (state: State) => void] {
  const { search, state } = useLocation()
  const change = useChange()
  const keepable = useKeepable()
  const kept = state as Kept<State> | null
  const isOwn = kept?.keyId === useViewer().id
  return [isOwn ? kept : {}, (state) => change(search, keepable(state))]
}

type Kept<State> = State & { keyId: string }

/** A function that makes what an entry can keep, for links to a screen that uses `useEntryState`. */
export function useKeepable(): <State extends object>(state: State) => Kept<State> {
  const { id } = useViewer()
  return (state) => ({ ...state, keyId: id })
}

/** A function that changes the parameters of the address in place. What an address should not have is for `useEntryState`. */
export function useChangeAddress(): (parameters: Record<string, string>) => void {
  const change = useChange()
  return (parameters) => change(`?${new URLSearchParams(parameters)}`, {})
}

/** Changes the entry that one is on. It then has a state, by which `useEntryKey` knows it. */
function useChange(): (search: string, state: NonNullable<NavigateOptions['state']>) => void {
  const { pathname } = useLocation()
  const navigate = useNavigate()
  return (search, state) => {
    // Somebody may be on the way to another screen that is still being loaded, whose entry this would replace.
    if (location.pathname === pathname) void navigate({ search }, { replace: true, state })
  }
}

/** Changes whenever somebody comes to the screen, also where they are on it already, but not with what it changes itself. */
export function useEntryKey(): string {
  const { key, state } = useLocation()
  // A link to the address where one is replaces the entry, too, by one that keeps nothing.
  const isChange = useNavigationType() === 'REPLACE' && state !== null
  const [entry, setEntry] = useState(key)
  if (!isChange && key !== entry) setEntry(key)
  return entry
}
