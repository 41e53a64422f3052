import { Button, Group, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useQuery } from 'urql'
import { useProblems } from '../../api/problems.tsx'
import { useSubmit } from '../../api/submit.ts'
import { count, readCount } from '../../intl.ts'
import { CountInput } from '../../parts/count-input.tsx'
import type { PoolOfPage } from '../../pools/pool-of-page.ts'
import { text } from '../../text.ts'
import { ClaimCodesMutation, OnePerRecipientQuery } from './claim-queries.ts'
import type { ClaimedRow } from './claimed-row.ts'
import { ClaimedRows } from './claimed-rows.tsx'
import { ExpiryField, expiryInput, expiryProblem } from './expiry-field.tsx'
import { useClaimRequest } from './use-claim-request.tsx'

const maxCount = 10_000n

/** What the form begins with. */
const nothing = { count: '1', recipient: '', expiresAt: '' }

/** Claims one code or several, for one recipient or nobody in particular. */
export function ClaimSome({ pool }: { pool: PoolOfPage }) {
  const [{ data }] = useQuery({ query: OnePerRecipientQuery, variables: { poolId: pool.id } })
  const onePerRecipient = data?.pool?.terms.onePerRecipient ?? false
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
    setClaimed(undefined)
  }
  if (claimed !== undefined) return <ClaimedRows onAgain={again} rows={claimed} />
  return (
    <form noValidate onSubmit={claim}>
      <Stack>
        {!onePerRecipient && (
          <CountInput
            description={text.codes.claim.countHint(pool.availableCount)}
            label={text.codes.claim.count}
            maw={280}
            {...form.getInputProps('count')}
            value={form.values.count}
          />
        )}
        <TextInput
          description={onePerRecipient ? text.codes.claim.onePerRecipient : text.codes.claim.recipientHint}
          label={text.codes.claim.recipient}
          {...form.getInputProps('recipient')}
        />
        <ExpiryField {...form.getInputProps('expiresAt')} />
        {request.reminder}
        {problems.alert}
        <Group>
          <Button loading={isSubmitting} type="submit">
            {text.codes.claim.submit}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** What is wrong with a number of codes as it was typed. */
export function countProblem(typed: string, max?: bigint): string | null {
  const n = readCount(typed)
  if (n === undefined) return text.codes.claim.notWhole
  if (n < 1n) return text.codes.claim.tooFew
  return max !== undefined && n > max ? text.codes.claim.tooMany(count(max)) : null
}
