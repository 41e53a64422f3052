import type { TadaDocumentNode } from 'gql.tada'
import { useCallback, useContext, useState } from 'react'
import { text } from '../text.ts'
import { graphql } from './graphql.ts'
import { type Problem, problemsOf, type Refused, refusalOf } from './read-problems.ts'
import { useService } from './service.tsx'
import { UnderWayContext } from './under-way.ts'

/** What every mutation selects of its typed errors: `... on UserError { ...Refusal }`. */
export const Refusal = graphql(`
  fragment Refusal on UserError {
    __typename
    code
    message
    path
    ... on InvalidInputError {
      issues {
        message
        path
      }
    }
  }
`)

/** What became of a mutation. */
export type Outcome<Payload> =
  | { payload: Payload; problems?: never }
  | { payload?: never; problems: Problem[] }

type Answer = { __typename: string } | null
type PayloadOf<Data> = Extract<NonNullable<Data[keyof Data]>, { __typename: `${string}Payload` }>

/**
 * A function that sends a mutation with a single root field, and whether it is under way. The mutation selects `__typename`
 * and `Refusal`. If the answer was lost, what is on the screen is read again, as the request may have been carried out.
 *
 * @param whenLost what a person should do then
 */
export function useSubmit<Data extends Record<string, Answer>, Variables extends Record<string, unknown>>(
  mutation: TadaDocumentNode<Data, Variables>,
  whenLost: string = text.common.lost.again,
): [submit: (variables: Variables) => Promise<Outcome<PayloadOf<Data>>>, isSubmitting: boolean] {
  const { client, rereadIfReachable } = useService()
  const dialog = useContext(UnderWayContext)
  const [isSubmitting, setSubmitting] = useState(false)
  const submit = useCallback(
    async (variables: Variables): Promise<Outcome<PayloadOf<Data>>> => {
      setSubmitting(true)
      dialog?.begin()
      // Then nothing leaves the browser.
      const isOffline = !navigator.onLine
      try {
        const { data, error } = await client.mutation(mutation, variables).toPromise()
        if (error?.networkError !== undefined && !isOffline) {
          void rereadIfReachable()
          return {
            problems: [{ code: 'NETWORK', message: `${text.common.lost.unknown} ${whenLost}`, path: '' }],
          }
        }
        if (error !== undefined) return { problems: problemsOf(error) }
        const [answer] = Object.values(data ?? {})
        if (answer?.__typename.endsWith('Payload')) return { payload: answer as PayloadOf<Data> }
        return { problems: refusalOf(answer as Refused | null) }
      } finally {
        dialog?.end()
        setSubmitting(false)
      }
    },
    [client, dialog, mutation, rereadIfReachable, whenLost],
  )
  return [submit, isSubmitting]
}
