import { Alert } from '@mantine/core'
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
  const { before, isReminded, keyOf, heard } = useUnanswered<Values>(form)
  return {
    values: before ?? nothing,
    keyOf,
    heard,
    /** Says that an earlier answer was lost. */
    reminder: isReminded && (
      <Alert color="yellow.9" variant="outline">
        {text.common.lost.claimBefore}
      </Alert>
    ),
  }
}
