import { Button, Center, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { useLocation } from 'react-router'
import { signIn } from '../api/session.ts'
import { useTabTitle } from '../parts/page.tsx'
import { text } from '../text.ts'

/** Exchanges an API key for a session, then loads the page anew: it begins without what an earlier session has read. */
export function SignInScreen() {
  const { from = '/' } = (useLocation().state ?? {}) as { from?: string }
  const [isSigningIn, setSigningIn] = useState(false)
  const form = useForm({ initialValues: { key: '' } })
  useTabTitle(text.account.signIn)
  const submit = form.onSubmit(async ({ key }) => {
    setSigningIn(true)
    const refusal = await signIn(key.trim()).finally(() => setSigningIn(false))
    if (refusal === undefined) location.assign(from)
    else form.setFieldError('key', refusal)
  })
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper maw={420} p="xl" w="100%" withBorder>
        <form onSubmit={submit}>
          <Stack>
            <Title order={1} size="h3">
              {text.common.product}
            </Title>
            <Text c="dimmed">{text.account.signInLead}</Text>
            <PasswordInput
              autoComplete="off"
              data-autofocus
              description={text.account.keyHint}
              label={text.account.key}
              {...form.getInputProps('key')}
            />
            <Button loading={isSigningIn} type="submit">
              {text.account.signIn}
            </Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  )
}
