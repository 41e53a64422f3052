import { Button, Checkbox, Group, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useDisclosure } from '@mantine/hooks'
import { PlusIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { useProblems } from '../api/problems.tsx'
import { useService } from '../api/service.tsx'
import { useSubmit } from '../api/submit.ts'
import { Dialog } from '../parts/dialog.tsx'
import { NewSecret } from '../parts/new-secret.tsx'
import type { Scope } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { CreateApiKey } from './api-keys.ts'
import { allScopes } from './scopes.ts'

/** A button with a dialog that creates a key, and then shows its secret, once. */
export function CreateKey() {
  const [isOpen, { open, close }] = useDisclosure()
  const [secret, setSecret] = useState<string>()
  const { keys: words } = text.account
  const show = (secret: string) => {
    close()
    setSecret(secret)
  }
  return (
    <>
      <Button leftSection={<PlusIcon />} onClick={open}>
        {words.create}
      </Button>
      <Dialog onClose={close} opened={isOpen} title={words.create}>
        <CreateKeyForm cancel={close} show={show} />
      </Dialog>
      {secret !== undefined && (
        <NewSecret forget={() => setSecret(undefined)} secret={secret} words={words.secret} />
      )}
    </>
  )
}

function CreateKeyForm({ cancel, show }: { cancel: () => void; show: (secret: string) => void }) {
  const [create, isCreating] = useSubmit(CreateApiKey, text.common.lost.key)
  const { reread } = useService()
  const { keys: words } = text.account
  const form = useForm<{ name: string; scopes: Scope[] }>({
    initialValues: { name: '', scopes: [] },
    validate: { scopes: (scopes) => (scopes.length === 0 ? words.scopesMissing : null) },
  })
  const problems = useProblems(form)
  const submit = form.onSubmit(async (input) => {
    problems.clear()
    const { payload, problems: found } = await create({ input })
    if (payload === undefined) return problems.show(found)
    show(payload.secret)
    reread()
  })
  return (
    <form noValidate onSubmit={submit}>
      <Stack>
        <TextInput
          data-autofocus
          description={words.nameHint}
          label={words.name}
          required
          {...form.getInputProps('name')}
        />
        <Checkbox.Group
          description={words.scopesHint}
          label={words.scopes}
          required
          {...form.getInputProps('scopes')}
        >
          <Stack gap="sm" mt="xs">
            {allScopes.map((scope) => (
              <Checkbox
                description={words.scope[scope].hint}
                key={scope}
                label={words.scope[scope].name}
                value={scope}
              />
            ))}
          </Stack>
        </Checkbox.Group>
        {problems.alert}
        <Group justify="flex-end">
          <Button disabled={isCreating} onClick={cancel} variant="default">
            {text.common.cancel}
          </Button>
          <Button loading={isCreating} type="submit">
            {words.create}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
