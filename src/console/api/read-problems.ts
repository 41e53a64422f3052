import type { CombinedError } from 'urql'
import { text } from '../text.ts'

/** Something wrong with what was asked for: at the field of the input that `path` names, or as a whole. */
export interface Problem {
  code: string
  message: string
  /** Names joined by dots: "shape.prefix". Empty if it is not a single field. */
  path: string
}

export interface Refused {
  code: string
  message: string
  path: readonly string[]
  issues?: readonly { message: string; path: readonly string[] }[]
}

/** What a typed error says, and an answer that is missing. */
export function refusalOf(refused: Refused | null | undefined): Problem[] {
  if (refused == null) return [{ code: 'UNKNOWN', message: text.common.noAnswer, path: '' }]
  const { code, issues = [refused] } = refused
  return issues.map(({ message, path }) => ({ code, message, path: path.join('.') }))
}

/** The problems of a request that was not carried out, or that only reads. */
export function problemsOf({ graphQLErrors, networkError }: CombinedError): Problem[] {
  if (networkError !== undefined) return [{ code: 'NETWORK', message: text.common.unreachable, path: '' }]
  return graphQLErrors.map(({ message, extensions }) => ({
    code: String(extensions['code']),
    message,
    path: '',
  }))
}
