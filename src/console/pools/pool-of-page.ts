import { createContext, useContext } from 'react'
import type { FragmentOf } from '../api/graphql.ts'
import type { PoolCounts } from '../live/events.tsx'

/** The pool that a page is about. */
export type PoolOfPage = FragmentOf<typeof PoolCounts> & {
  description: string | null
  externalId: string | null
}

export const PoolOfPageContext = createContext<PoolOfPage | undefined>(undefined)

export function usePoolOfPage(): PoolOfPage {
  const pool = useContext(PoolOfPageContext)
  if (pool === undefined) throw new Error('Only the sections of a pool are about one.')
  return pool
}
