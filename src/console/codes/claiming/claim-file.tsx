import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { DownloadIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { useProblems } from '../../api/problems.tsx'
import { useSubmit } from '../../api/submit.ts'
import { readCount } from '../../intl.ts'
import type { PoolOfPage } from '../../pools/pool-of-page.ts'
import { text } from '../../text.ts'
import { ClaimCount, ClaimSubmit, countProblem, RecipientField } from './claim-fields.tsx'
import { ClaimFileMutation } from './claim-queries.ts'
import { ExpiryField, expiryInput, expiryProblem } from './expiry-field.tsx'
import { useClaimRequest } from './use-claim-request.tsx'

/** What the form begins with. */
const nothing = { count: '', recipient: '', expiresAt: '' }

/** Claims any number of codes for one recipient, such as a print shop, and leads to them as a file. */
export function ClaimFile({ pool }: { pool: PoolOfPage }) {
  const [claimed, setClaimed] = useState<{ count: string; codesUrl: string }>()
  const [submit, isSubmitting] = useSubmit(ClaimFileMutation, text.common.lost.claim)
  const request = useClaimRequest(`claim-file ${pool.id}`, nothing)
  const form = useForm({
    initialValues: request.values,
    validate: { count: (typed) => countProblem(typed), expiresAt: expiryProblem },
  })
  const problems = useProblems(form)
  const claim = form.onSubmit(async (values) => {
    problems.clear()
    const input = {
      poolId: pool.id,
      count: String(readCount(values.count)),
      ...(values.recipient !== '' && { recipient: values.recipient }),
      ...expiryInput(values.expiresAt),
    }
    const outcome = await submit({
      input: { ...input, idempotencyKey: request.keyOf(input, values) },
    })
    request.heard(outcome)
    const { payload, problems: found } = outcome
    if (found) problems.show(found)
    else setClaimed(payload.claim)
  })
  const again = () => {
    form.setValues(nothing)
    setClaimed(undefined)
  }
  if (claimed !== undefined)
    return (
      <Stack align="flex-start">
        <Alert color="teal" role="status" variant="default" w="100%">
          {text.codes.claim.claimed(claimed.count)}
        </Alert>
        <Group>
          <Button component="a" download href={`${claimed.codesUrl}&bom=true`} leftSection={<DownloadIcon />}>
            {text.codes.claim.download}
          </Button>
          <Button onClick={again} variant="default">
            {text.codes.claim.again}
          </Button>
        </Group>
        <Text c="dimmed" size="sm">
          {text.codes.claim.fileLater}
        </Text>
      </Stack>
    )
  return (
    <form noValidate onSubmit={claim}>
      <Stack>
        <Text c="dimmed" size="sm">
          {text.codes.claim.fileLead}
        </Text>
        <ClaimCount
          description={text.codes.claim.fileCountHint(pool.availableCount)}
          {...form.getInputProps('count')}
          value={form.values.count}
        />
        <RecipientField {...form.getInputProps('recipient')} />
        <ExpiryField {...form.getInputProps('expiresAt')} />
        {request.reminder}
        {problems.alert}
        <ClaimSubmit isSubmitting={isSubmitting} />
      </Stack>
    </form>
  )
}
