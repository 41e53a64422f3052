import { Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useProblems } from '../../api/problems.tsx'
import { useSubmit } from '../../api/submit.ts'
import { readCount } from '../../intl.ts'
import type { PoolOfPage } from '../../pools/pool-of-page.ts'
import { text } from '../../text.ts'
import { ClaimCount, ClaimSubmit, countProblem, RecipientField } from './claim-fields.tsx'
import { ClaimCodesMutation, useOnePerRecipient } from './claim-queries.ts'
import type { ClaimedRow } from './claimed-row.ts'
import { ClaimedRows } from './claimed-rows.tsx'
import { ExpiryField, expiryInput, expiryProblem } from './expiry-field.tsx'
import { useClaimRequest } from './use-claim-request.tsx'

const maxCount = 10_000n

/** What the form begins with. */
const nothing = { count: '1', recipient: '', expiresAt: '' }

/** Claims one code or several, for one recipient or nobody in particular. */
export function ClaimSome({ pool }: { pool: PoolOfPage }) {
  const onePerRecipient = useOnePerRecipient(pool.id)
  const [claimed, setClaimed] = useState<readonly ClaimedRow[]>()
  const [submit, isSubmitting] = useSubmit(ClaimCodesMutation, text.common.lost.claim)
  const request = useClaimRequest(`claim-some ${pool.id}`, nothing)
  const form = useForm({
    initialValues: request.values,
    validate: {
      count: (typed) => countProblem(typed, maxCount),
      recipient: (recipient) =>
        onePerRecipient && recipient.trim() === '' ? text.codes.claim.recipientNeeded : null,
      expiresAt: expiryProblem,
    },
  })
  const problems = useProblems(form)
  const claim = form.onSubmit(async (values) => {
    problems.clear()
    const input = {
      poolId: pool.id,
      count: onePerRecipient ? 1 : Number(readCount(values.count)),
      ...(values.recipient !== '' && { recipient: values.recipient }),
      ...expiryInput(values.expiresAt),
    }
    const outcome = await submit({
      input: { ...input, idempotencyKey: request.keyOf(input, values) },
    })
    request.heard(outcome)
    const { payload, problems: found } = outcome
    if (found) return problems.show(found)
    const { alreadyHeld, codes } = payload
    setClaimed(codes.map(({ code, recipient }) => ({ code, recipient, alreadyHeld })))
  })
  const again = () => {
    form.setValues(nothing)
    setClaimed(undefined)
  }
  if (claimed !== undefined) return <ClaimedRows onAgain={again} rows={claimed} />
  return (
    <form noValidate onSubmit={claim}>
      <Stack>
        {!onePerRecipient && (
          <ClaimCount
            description={text.codes.claim.countHint(pool.availableCount)}
            {...form.getInputProps('count')}
            value={form.values.count}
          />
        )}
        <RecipientField
          {...(onePerRecipient && { description: text.codes.claim.onePerRecipient })}
          {...form.getInputProps('recipient')}
        />
        <ExpiryField {...form.getInputProps('expiresAt')} />
        {request.reminder}
        {problems.alert}
        <ClaimSubmit isSubmitting={isSubmitting} />
      </Stack>
    </form>
  )
}
