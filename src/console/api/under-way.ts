import { createContext } from 'react'

/** What is told when a mutation is sent from within it, and when its answer has come or was lost. */
export interface UnderWay {
  begin(): void
  end(): void
}

/** The dialog around what sends mutations: it stays open until they have been answered. */
export const UnderWayContext = createContext<UnderWay | undefined>(undefined)
