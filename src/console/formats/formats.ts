import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { useEvents } from '../live/events.tsx'
import { FormatDetails } from './format-details.ts'

const FormatsQuery = graphql(
  `
    query Formats($search: String, $after: String) {
      formats(first: 20, search: $search, after: $after) {
        totalCount
        edges {
          node {
            ...FormatDetails
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [FormatDetails],
)

/** Long enough that a word typed quickly is searched for once. */
const debounceMs = 200

/**
 * The formats whose names contain `search`, newest first. `more` reads the next page; it is undefined if there is none.
 * `isSearching`: whether `formats` are those of an earlier search.
 */
export function useFormats(search: string) {
  const [settled] = useDebouncedValue(search.trim(), debounceMs)
  const [page, setPage] = useState<{ search: string; after: string | null }>({ search: '', after: null })
  const after = page.search === settled ? page.after : null
  const [result, again] = useQuery({
    query: FormatsQuery,
    variables: { search: settled === '' ? null : settled, after },
    requestPolicy: 'cache-and-network',
  })
  useEvents((news) => {
    if (news !== 'missed') return
    if (after === null) again({ requestPolicy: 'network-only' })
    else setPage({ search: settled, after: null })
  })
  const list = result.data?.formats
  return {
    result: [result, again] as const,
    formats: list?.edges.map(({ node }) => node) ?? [],
    isSearching: settled !== search.trim() || result.fetching,
    more:
      list?.pageInfo.hasNextPage === true
        ? () => setPage({ search: settled, after: list.pageInfo.endCursor })
        : undefined,
  }
}
