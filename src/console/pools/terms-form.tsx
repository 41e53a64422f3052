import { Checkbox, Fieldset, Group, Paper, SimpleGrid, Stack, Switch, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { notifications } from '@mantine/notifications'
import { currentTime } from '../api/clock.ts'
import { useProblems } from '../api/problems.tsx'
import { useSubmit } from '../api/submit.ts'
import { timeZone } from '../intl.ts'
import { SaveBar } from '../parts/save-bar.tsx'
import { useUnsavedChanges } from '../parts/unsaved-changes.tsx'
import { text } from '../text.ts'
import { durationOf } from './duration.ts'
import { LengthInput } from './length-input.tsx'
import {
  inputOf,
  type PoolTerms,
  type RenewAfter,
  SaveTerms,
  type TermsValues,
  termsValuesOf,
} from './terms.ts'
import { TimeInput } from './time-input.tsx'
import { useFilledWith } from './use-filled-with.ts'

const reasons: readonly RenewAfter[] = ['EXPIRED', 'REDEEMED', 'VOIDED']

/** When a pool hands out codes, how long they are good, and how many a recipient gets. */
export function TermsForm({ poolId, terms }: { poolId: string; terms: PoolTerms }) {
  const [save, isSaving] = useSubmit(SaveTerms)
  const form = useForm<TermsValues>({
    initialValues: termsValuesOf(terms),
    validate: {
      validFor: (length) =>
        length.amount === '' || durationOf(length) !== undefined ? null : text.settings.durationInvalid,
    },
  })
  useFilledWith(form, termsValuesOf(terms))
  useUnsavedChanges(form.isDirty())
  const problems = useProblems(form)
  const submit = form.onSubmit(async (values) => {
    problems.clear()
    const { payload, problems: found } = await save({ input: { poolId, ...inputOf(values, terms) } })
    if (payload === undefined) return problems.show(found)
    const saved = termsValuesOf(payload.pool.terms)
    form.setInitialValues(saved)
    form.setValues(saved)
    notifications.show({ message: text.settings.termsSaved })
  })
  const { issueFrom, issueUntil, validUntil, onePerRecipient } = form.getValues()
  return (
    <Paper p="lg" withBorder>
      {/* The browser itself says what is wrong with a date of which only a part was typed: to the page, it is empty. */}
      <form onSubmit={submit}>
        <Stack gap="lg">
          <Fieldset legend={text.settings.issuing} variant="unstyled">
            <SimpleGrid cols={{ base: 1, xs: 2 }}>
              <TimeInput
                hint={text.settings.issueFromHint}
                label={text.settings.issueFrom}
                {...(isAhead(issueFrom) && { warning: text.settings.futureIssueFrom })}
                {...form.getInputProps('issueFrom')}
              />
              <TimeInput
                hint={text.settings.issueUntilHint}
                label={text.settings.issueUntil}
                {...(isPast(issueUntil) && { warning: text.settings.pastIssueUntil })}
                {...form.getInputProps('issueUntil')}
              />
            </SimpleGrid>
          </Fieldset>
          <Fieldset legend={text.settings.expiry} variant="unstyled">
            <SimpleGrid cols={{ base: 1, xs: 2 }}>
              <LengthInput
                hint={text.settings.validForHint}
                label={text.settings.validFor}
                error={form.errors['validFor']}
                onChange={(length) => form.setFieldValue('validFor', length)}
                value={form.getValues().validFor}
              />
              <TimeInput
                hint={text.settings.validUntilHint}
                label={text.settings.validUntil}
                {...(isPast(validUntil) && { warning: text.settings.pastValidUntil })}
                {...form.getInputProps('validUntil')}
              />
            </SimpleGrid>
            <Text c="dimmed" mt="xs" size="sm">
              {text.settings.zone(timeZone)}
            </Text>
          </Fieldset>
          <Fieldset legend={text.settings.recipients} variant="unstyled">
            <Stack gap="sm">
              <Switch
                description={text.settings.onePerRecipientHint}
                label={text.settings.onePerRecipient}
                {...form.getInputProps('onePerRecipient', { type: 'checkbox' })}
              />
              {onePerRecipient && (
                <Checkbox.Group label={text.settings.renewAfter} {...form.getInputProps('renewAfter')}>
                  <Group gap="md" mt={6}>
                    {reasons.map((reason) => (
                      <Checkbox key={reason} label={text.settings.renew[reason]} value={reason} />
                    ))}
                  </Group>
                </Checkbox.Group>
              )}
            </Stack>
          </Fieldset>
          <Text c="dimmed" size="sm">
            {text.settings.termsScope}
          </Text>
          {problems.alert}
          <SaveBar discard={form.reset} hasChanges={form.isDirty()} isSaving={isSaving} />
        </Stack>
      </form>
    </Paper>
  )
}

const isPast = (localTime: string) => localTime !== '' && new Date(localTime).getTime() <= currentTime()
const isAhead = (localTime: string) => localTime !== '' && !isPast(localTime)
