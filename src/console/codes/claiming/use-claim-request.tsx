import { Alert } from '@mantine/core'
import { useState } from 'react'
import { useUnanswered } from '../../api/use-unanswered.ts'
import { text } from '../../text.ts'

/**
 * The request of a form that claims codes. If its answer was lost, the form has the same in it when it is opened again, so that
 * claiming again gives those codes and no more.
 *
 * @param form which form it is, and of which pool
 * @param nothing what the form begins with otherwise
 */
export function useClaimRequest<Values extends object>(form: string, nothing: Values) {
  const { values, keyOf, heard } = useUnanswered<Values>(form)
  const [lost] = useState(values)
  const [isAsked, setAsked] = useState(false)
  return {
    values: lost ?? nothing,
    keyOf(input: object, values: Values) {
      setAsked(true)
      return keyOf(input, values)
    },
    heard,
    /** Says that an earlier answer was lost, until the form is sent again. */
    reminder: lost !== undefined && !isAsked && (
      <Alert color="yellow.9" variant="outline">
        {text.common.lost.claimBefore}
      </Alert>
    ),
  }
}
