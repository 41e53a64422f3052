import { Button, FileButton, Group, Stack, Textarea } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDeferredValue, useMemo, useState } from 'react'
import { useProblems } from '../../api/problems.tsx'
import { useSubmit } from '../../api/submit.ts'
import type { PoolOfPage } from '../../pools/pool-of-page.ts'
import { text } from '../../text.ts'
import { ClaimSubmit } from './claim-fields.tsx'
import { ClaimForRecipientsMutation, useOnePerRecipient } from './claim-queries.ts'
import type { ClaimedRow } from './claimed-row.ts'
import { ClaimedRows } from './claimed-rows.tsx'
import { ExpiryField, expiryInput, expiryProblem } from './expiry-field.tsx'
import { ListState } from './list-state.tsx'
import { maxFileBytes, readRecipients } from './recipients.ts'
import { useClaimRequest } from './use-claim-request.tsx'

const words = text.codes.claim

/** What the form begins with. */
const nothing = { recipients: '', expiresAt: '' }

/** Claims a code for each recipient of a list that is pasted, or read from a file. */
export function ClaimForRecipients({ pool }: { pool: PoolOfPage }) {
  const onePerRecipient = useOnePerRecipient(pool.id)
  const [claimed, setClaimed] = useState<readonly ClaimedRow[]>()
  const [submit, isSubmitting] = useSubmit(ClaimForRecipientsMutation, text.common.lost.claim)
  const request = useClaimRequest(`claim-list ${pool.id}`, nothing)
  const form = useForm({
    initialValues: request.values,
    validate: {
      recipients: (lines) => {
        const { recipients, problem } = readRecipients(lines)
        return problem ?? (recipients.length === 0 ? words.noRecipients : null)
      },
      expiresAt: expiryProblem,
    },
  })
  const problems = useProblems(form)
  const lines = useDeferredValue(form.values.recipients)
  const list = useMemo(() => readRecipients(lines), [lines])
  const people = String(list.recipients.length - list.repeatedCount)
  const claim = form.onSubmit(async (values) => {
    problems.clear()
    const { recipients } = readRecipients(values.recipients)
    const input = { poolId: pool.id, recipients: [...recipients], ...expiryInput(values.expiresAt) }
    const outcome = await submit({
      input: { ...input, idempotencyKey: request.keyOf(input, values) },
    })
    request.heard(outcome)
    const { payload, problems: found } = outcome
    if (found) return problems.show(found)
    setClaimed(
      payload.claims.map(({ recipient, code, alreadyHeld }) => ({ code: code.code, recipient, alreadyHeld })),
    )
  })
  const readFile = async (file: File | null) => {
    if (file === null) return
    if (file.size > maxFileBytes) return form.setFieldError('recipients', words.fileTooLarge)
    form.setFieldValue('recipients', await file.text())
  }
  const again = () => {
    form.setValues(nothing)
    setClaimed(undefined)
  }
  if (claimed !== undefined) return <ClaimedRows onAgain={again} rows={claimed} />
  return (
    <form noValidate onSubmit={claim}>
      <Stack>
        <Textarea
          autosize
          description={words.recipientsHint}
          label={words.recipients}
          maxRows={14}
          minRows={6}
          {...form.getInputProps('recipients')}
          {...(list.problem !== undefined && { error: list.problem })}
        />
        <Group justify="space-between">
          <ListState
            change={(recipients) => form.setFieldValue('recipients', recipients.join('\n'))}
            list={list}
            onePerRecipient={onePerRecipient}
          />
          <FileButton accept=".txt,.csv,text/plain,text/csv" onChange={readFile} resetRef={() => {}}>
            {(props) => (
              <Button {...props} size="xs" variant="default">
                {words.chooseList}
              </Button>
            )}
          </FileButton>
        </Group>
        <ExpiryField {...form.getInputProps('expiresAt')} />
        {request.reminder}
        {problems.alert}
        <ClaimSubmit isDisabled={list.problem !== undefined} isSubmitting={isSubmitting}>
          {list.recipients.length === 0 ? words.submit : words.submitList(people)}
        </ClaimSubmit>
      </Stack>
    </form>
  )
}
