import { useThrottledCallback } from '@mantine/hooks'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { useEvents } from '../live/events.tsx'
import { FormatDetails } from './format-details.ts'

const FormatQuery = graphql(
  `
    query FormatOfPage($id: ID!) {
      format(id: $id) {
        ...FormatDetails
      }
    }
  `,
  [FormatDetails],
)

/** However many uploads there are, a format is read no more often than this. */
const minIntervalMs = 500

/** A format with its counts as they are now. Nothing is read while `id` is null. */
export function useLiveFormat(id: string | null) {
  const [result, again] = useQuery({
    query: FormatQuery,
    variables: { id: id ?? '' },
    pause: id === null,
    requestPolicy: 'cache-and-network',
  })
  const readAgain = useThrottledCallback(() => again({ requestPolicy: 'network-only' }), minIntervalMs)
  useEvents((news) => {
    if (id === null) return
    // The events of a generation bring the counts of its format. An upload may have codes of any format.
    const concerns =
      news === 'missed' || (news.__typename === 'TaskStatusChangedEvent' && news.task.format === null)
    if (concerns) readAgain()
  })
  return [result, again] as const
}
