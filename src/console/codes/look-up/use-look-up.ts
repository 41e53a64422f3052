import { useDebouncedCallback } from '@mantine/hooks'
import { useCallback, useState } from 'react'
import { useQuery } from 'urql'
import { problemsOf } from '../../api/read-problems.ts'
import type { KnownCodeOf } from '../code-fields.ts'
import { LookUpQuery } from './look-up-query.ts'
import { kindOf, type Sought } from './sought.ts'

/** Shorter texts are looked up only when somebody asks for it, as almost all of them are beginnings. */
const minTypedLength = 3

/**
 * Look-ups that find nothing are limited (a hundred a minute, usually), so a code is looked up only when somebody stops
 * typing.
 */
const typingMs = 600

export type LookUpState =
  | { name: 'idle' }
  | { name: 'typing' }
  | { name: 'looking' }
  | { name: 'found'; code: KnownCodeOf }
  | { name: 'none' }
  | { name: 'limited'; retryAfterMs: number }
  | { name: 'failed'; messages: readonly string[] }

/** What is known of a code that is typed. */
export function useLookUp(sought: Sought) {
  const { typed } = sought
  const [asked, setAsked] = useState(() => askedAtFirst(sought))
  const askLater = useDebouncedCallback(setAsked, typingMs)
  const [result, read] = useQuery({
    query: LookUpQuery,
    variables: { code: asked },
    pause: asked === '',
    requestPolicy: 'network-only',
  })
  const again = useCallback(() => read({ requestPolicy: 'network-only' }), [read])
  return {
    state: stateOf(typed, asked, result),
    /** Takes what is typed now. It is looked up soon, unless it is not meant as a code. */
    type(sought: Sought) {
      const code = sought.typed.trim()
      if (kindOf(sought) === 'code' && code.length >= minTypedLength) return askLater(code)
      askLater.cancel()
      setAsked('')
    },
    /** Looks up what has been typed without waiting. */
    askNow() {
      const code = typed.trim()
      askLater.cancel()
      if (code === asked && code !== '') again()
      else setAsked(code)
    },
    again,
  }
}

/** What is looked up where somebody comes back, or by a link. */
function askedAtFirst(sought: Sought): string {
  const code = sought.typed.trim()
  const isMeant = kindOf(sought) === 'code' && (sought.isAskedFor === true || code.length >= minTypedLength)
  return isMeant ? code : ''
}

type Result = ReturnType<typeof useQuery<{ code: KnownCodeOf | null }, { code: string }>>[0]

function stateOf(typed: string, asked: string, result: Result): LookUpState {
  const code = typed.trim()
  if (code === '') return { name: 'idle' }
  if (code !== asked) return { name: 'typing' }
  const { data, error, fetching, operation } = result
  // Until the answer has come, the result is that of the code before.
  if (operation?.variables.code !== asked) return { name: 'looking' }
  if (error !== undefined && !fetching) {
    const limit = error.graphQLErrors.find(({ extensions }) => extensions['code'] === 'RATE_LIMITED')
    if (limit !== undefined)
      return { name: 'limited', retryAfterMs: Number(limit.extensions['retryAfterMs']) }
    return { name: 'failed', messages: problemsOf(error).map(({ message }) => message) }
  }
  if (data === undefined || error !== undefined) return { name: 'looking' }
  return data.code === null ? { name: 'none' } : { name: 'found', code: data.code }
}
