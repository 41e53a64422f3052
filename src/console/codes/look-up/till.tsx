import { Alert, Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { CheckCircleFillIcon } from '@primer/octicons-react'
import { useRef, useState } from 'react'
import { useProblems } from '../../api/problems.tsx'
import { Page } from '../../parts/page.tsx'
import { Distance } from '../../parts/time.tsx'
import { text } from '../../text.ts'
import { type Redeemed, useRedeem } from './redeem.ts'
import { PlaceField, ReferenceField } from './redeem-fields.tsx'
import { useAskToRollBack } from './roll-back.ts'

const words = text.codes.redeem

/** How many redemptions of this page are kept in sight. */
const maxRecent = 10

/** For a key that only redeems: a till. What is typed or scanned is redeemed, and the next one can come. */
export function Till() {
  const codeField = useRef<HTMLInputElement>(null)
  const [recent, setRecent] = useState<readonly Redeemed[]>([])
  const [redeem, isRedeeming] = useRedeem()
  const form = useForm({
    initialValues: { code: '', reference: '', place: '' },
    validate: {
      code: (code) => (code.trim() === '' ? words.noCode : null),
      reference: (reference) => (reference.trim() === '' ? words.noReference : null),
    },
  })
  const problems = useProblems(form)
  const submit = form.onSubmit(async (values) => {
    problems.clear()
    const { payload, problems: found } = await redeem(values)
    if (found) return problems.show(found)
    setRecent(
      [payload, ...recent.filter(({ redemption }) => redemption.id !== payload.redemption.id)].slice(
        0,
        maxRecent,
      ),
    )
    form.setValues({ code: '', reference: '' })
    codeField.current?.focus()
  })
  const askToRollBack = useAskToRollBack((id) =>
    setRecent((before) => before.filter(({ redemption }) => redemption.id !== id)),
  )
  return (
    <Page lead={words.lead} title={words.title}>
      <Stack maw={560}>
        <Paper p="lg" withBorder>
          <form noValidate onSubmit={submit}>
            <Stack>
              <TextInput
                autoCapitalize="none"
                autoComplete="off"
                autoFocus
                data-autofocus
                description={words.codeHint}
                label={words.code}
                maxLength={255}
                ref={codeField}
                required
                size="md"
                spellCheck={false}
                styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
                {...form.getInputProps('code')}
              />
              <ReferenceField {...form.getInputProps('reference')} />
              <PlaceField {...form.getInputProps('place')} />
              {problems.alert}
              <Button loading={isRedeeming} size="md" type="submit">
                {words.submit}
              </Button>
            </Stack>
          </form>
        </Paper>
        <div aria-live="polite">{recent[0] !== undefined && <Last redeemed={recent[0]} />}</div>
        {recent.length > 0 && (
          <Stack component="section" gap="xs">
            <Title order={2} size="h5">
              {words.recent}
            </Title>
            {recent.map(({ redemption: { id, at, code, reference } }) => (
              <Group gap="sm" justify="space-between" key={id} wrap="nowrap">
                <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                  <b>{code.code}</b> · {reference} · <Distance at={at} />
                </Text>
                <Button
                  miw="max-content"
                  onClick={() => askToRollBack(id, code.code)}
                  size="xs"
                  variant="default"
                >
                  {text.codes.rollBack.action}
                </Button>
              </Group>
            ))}
          </Stack>
        )}
      </Stack>
    </Page>
  )
}

function Last({ redeemed: { alreadyRedeemed, redemption } }: { redeemed: Redeemed }) {
  const { code, reference } = redemption
  return (
    <Alert
      color="teal"
      icon={<CheckCircleFillIcon fill="var(--mantine-color-teal-6)" />}
      title={alreadyRedeemed ? words.already(code.code) : words.done(code.code)}
      variant="default"
    >
      {words.from(code.pool.name, reference)}
    </Alert>
  )
}
