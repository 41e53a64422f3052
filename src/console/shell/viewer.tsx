import { createContext, useContext } from 'react'
import { graphql, type ResultOf } from '../api/graphql.ts'

export const ViewerQuery = graphql(`
  query Viewer {
    apiKey {
      id
      name
      hint
      scopes
    }
  }
`)

export type Viewer = ResultOf<typeof ViewerQuery>['apiKey']
export type Scope = Viewer['scopes'][number]

export const ViewerContext = createContext<Viewer | undefined>(undefined)

/** The API key that the page acts for. */
export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext)
  if (viewer === undefined) throw new Error('Only what is inside of the shell has a viewer.')
  return viewer
}

/** Whether the page's key has a scope. What it may not do is left out of the page. */
export function useMay(scope: Scope): boolean {
  return useViewer().scopes.includes(scope)
}
