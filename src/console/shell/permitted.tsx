import type { ReactNode } from 'react'
import { useLocation } from 'react-router'
import { NothingHere } from '../parts/nothing-here.tsx'
import { text } from '../text.ts'
import { missingAt } from './places.ts'
import { useViewer } from './viewer.tsx'

/** The screen of the address, if the key may be there; otherwise why it may not. */
export function Permitted({ children }: { children: ReactNode }) {
  const { pathname } = useLocation()
  const missing = missingAt(pathname, useViewer().scopes)
  if (missing === undefined) return children
  return <NothingHere>{text.shell.missing(missing)}</NothingHere>
}
