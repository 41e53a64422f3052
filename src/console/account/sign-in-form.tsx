import { Button, PasswordInput, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useEffect, useRef, useState } from 'react'
import { useService } from '../api/service.tsx'
import { signIn } from '../api/session.ts'
import { text } from '../text.ts'

/** Exchanges an API key for a session. */
export function SignInForm({ lead, onSignedIn }: { lead: string; onSignedIn: () => void | Promise<void> }) {
  const { otherPages } = useService()
  const [isSigningIn, setSigningIn] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])
  const form = useForm({ initialValues: { key: '' } })
  const submit = form.onSubmit(async ({ key }) => {
    setSigningIn(true)
    try {
      const refusal = await signIn(key, otherPages)
      if (refusal === undefined) await onSignedIn()
      else form.setFieldError('key', refusal)
    } finally {
      setSigningIn(false)
    }
  })
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text c="dimmed">{lead}</Text>
        <PasswordInput
          autoComplete="off"
          description={text.account.keyHint}
          label={text.account.key}
          ref={field}
          {...form.getInputProps('key')}
          aria-invalid={form.errors['key'] !== undefined}
        />
        <Button loading={isSigningIn} type="submit">
          {text.account.signIn}
        </Button>
      </Stack>
    </form>
  )
}
