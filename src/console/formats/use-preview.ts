import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useQuery } from 'urql'
import { type Problem, problemsOf, refusalOf } from '../api/submit.ts'
import { type FormatPreview, PreviewFormat, type Shape } from './preview-query.ts'

/** Long enough that a word typed quickly is asked for once. */
const debounceMs = 200

/** Not sent: the query waits while there is no shape. */
const anyShape: Shape = { body: { length: 1 }, characters: { set: 'DIGITS' } }

interface Preview {
  /** The newest one. It stays until there is another, so that the page does not jump while somebody types. */
  preview: FormatPreview | undefined
  /** Whether `preview` is of an earlier shape. */
  isStale: boolean
  /** What is wrong with the shape. */
  problems: readonly Problem[]
}

/** What codes of a shape would be, shortly after it has changed. Undefined is no shape yet. */
export function usePreview(shape: Shape | undefined): Preview {
  const [settled] = useDebouncedValue(shape, debounceMs)
  const [last, setLast] = useState<FormatPreview>()
  const [{ data, error, fetching }] = useQuery({
    query: PreviewFormat,
    variables: { shape: settled ?? anyShape },
    pause: settled === undefined,
    // Formats that rule it out may have been created since.
    requestPolicy: 'cache-and-network',
  })
  const isSettled = shape === settled && shape !== undefined && !fetching
  const answer = isSettled ? data?.previewFormat : undefined
  const preview = answer?.__typename === 'FormatPreview' ? answer : undefined
  if (preview !== undefined && preview !== last) setLast(preview)
  const refused = answer == null || answer.__typename === 'FormatPreview' ? [] : refusalOf(answer)
  return {
    preview: preview ?? last,
    isStale: preview === undefined,
    problems: isSettled && error !== undefined ? problemsOf(error) : refused,
  }
}
