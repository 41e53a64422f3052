import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { useQuery } from 'urql'
import { type Problem, problemsOf, refusalOf } from '../api/read-problems.ts'
import { readCount } from '../intl.ts'
import { type PreviewedFormat, PreviewFormat, type Shape } from './preview-query.ts'

/** Long enough that a word typed quickly is asked for once. */
const debounceMs = 200

/** Not sent: the query waits while there is no shape. */
const anyShape: Shape = { body: { length: 1 }, characters: { set: 'DIGITS' } }

/** By which guess odds are told until somebody has said how many codes are to be generated. */
const usualCodes = 10_000n

interface Preview {
  /** The newest one. It stays until there is another, so that the page does not jump while somebody types. */
  preview: PreviewedFormat | undefined
  /** For how many codes its guess odds are. */
  judgedFor: string
  /** Whether `preview` is of an earlier shape. */
  isStale: boolean
  /** What is wrong with the shape. */
  problems: readonly Problem[]
}

/**
 * What codes of a shape would be, shortly after it has changed. Undefined is no shape yet.
 *
 * @param typedCodes how many codes are to be generated, as it was typed
 */
export function usePreview(shape: Shape | undefined, typedCodes: string): Preview {
  const typed = readCount(typedCodes) ?? 0n
  const codes = String(typed > 0n ? typed : usualCodes)
  const [settled] = useDebouncedValue(shape, debounceMs)
  const [settledCodes] = useDebouncedValue(codes, debounceMs)
  const [last, setLast] = useState<{ preview: PreviewedFormat; judgedFor: string }>()
  const [{ data, error, fetching }] = useQuery({
    query: PreviewFormat,
    variables: { shape: settled ?? anyShape, codes: settledCodes },
    pause: settled === undefined,
    // Formats that rule it out may have been created since.
    requestPolicy: 'cache-and-network',
  })
  const isSettled = shape === settled && codes === settledCodes && shape !== undefined && !fetching
  const answer = isSettled ? data?.previewFormat : undefined
  const preview = answer?.__typename === 'FormatPreview' ? answer : undefined
  if (preview !== undefined && preview !== last?.preview) setLast({ preview, judgedFor: codes })
  const refused = answer == null || answer.__typename === 'FormatPreview' ? [] : refusalOf(answer)
  return {
    preview: preview ?? last?.preview,
    judgedFor: preview === undefined ? (last?.judgedFor ?? codes) : codes,
    isStale: preview === undefined,
    problems: isSettled && error !== undefined ? problemsOf(error) : refused,
  }
}
