import { Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useQuery } from 'urql'
import { useProblems } from '../../api/problems.tsx'
import { useSubmit } from '../../api/submit.ts'
import { readCount } from '../../intl.ts'
import type { PoolOfPage } from '../../pools/pool-of-page.ts'
import { text } from '../../text.ts'
import { ClaimCount, ClaimSubmit, countProblem, RecipientField } from './claim-fields.tsx'
import { ClaimCodesMutation, OnePerRecipientQuery } from './claim-queries.ts'
import type { ClaimedRow } from './claimed-row.ts'
import { ClaimedRows } from './claimed-rows.tsx'
import { ExpiryField, expiryInput, expiryProblem } from './expiry-field.tsx'
import { useRequestKey } from './use-request-key.ts'

const maxCount = 10_000n

/** Claims one code or several, for one recipient or nobody in particular. */
export function ClaimSome({ pool }: { pool: PoolOfPage }) {
  const [{ data }] = useQuery({ query: OnePerRecipientQuery, variables: { poolId: pool.id } })
  const onePerRecipient = data?.pool?.terms.onePerRecipient ?? false
  const [claimed, setClaimed] = useState<readonly ClaimedRow[]>()
  const [submit, isSubmitting] = useSubmit(ClaimCodesMutation)
  const requests = useRequestKey()
  const form = useForm({
    initialValues: { count: '1', recipient: '', expiresAt: '' },
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
    const { payload, problems: found } = await submit({
      input: { ...input, idempotencyKey: requests.keyOf(input) },
    })
    if (found) return problems.show(found)
    const { alreadyHeld, codes } = payload
    setClaimed(codes.map(({ code, recipient }) => ({ code, recipient, alreadyHeld })))
  })
  const again = () => {
    requests.startAnew()
    form.reset()
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
        {problems.alert}
        <ClaimSubmit isSubmitting={isSubmitting} />
      </Stack>
    </form>
  )
}
