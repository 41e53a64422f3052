import { Radio, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import { useProblems } from '../api/problems.tsx'
import { useService } from '../api/service.tsx'
import { useSubmit } from '../api/submit.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { text } from '../text.ts'
import { UpdateWebhook } from './update-webhook.ts'
import type { WebhookOfPage } from './webhooks.ts'

const words = text.webhooks.enable

interface EnableWebhookProps {
  webhook: WebhookOfPage
  isOpen: boolean
  close: () => void
}

/** The dialog that enables a webhook or, if it is failing, ends its wait. It asks what becomes of what has not been sent. */
export function EnableWebhook({ webhook, isOpen, close }: EnableWebhookProps) {
  // The words stay while the dialog fades.
  const [title, setTitle] = useState<string>(words.title)
  const current = webhook.status === 'FAILING' ? words.retryTitle : words.title
  if (isOpen && title !== current) setTitle(current)
  return (
    <Dialog onClose={close} opened={isOpen} title={title}>
      <EnableForm close={close} webhook={webhook} />
    </Dialog>
  )
}

function EnableForm({ webhook, close }: Pick<EnableWebhookProps, 'webhook' | 'close'>) {
  const { id, host, status, eventsBehind } = webhook
  const { reread } = useService()
  const [update, isUnderWay] = useSubmit(UpdateWebhook)
  const form = useForm({ initialValues: { choice: 'send' } })
  const problems = useProblems(form)
  const submit = form.onSubmit(async ({ choice }) => {
    problems.clear()
    const input = { webhookId: id, enabled: true, skipToNow: choice === 'skip' }
    const { problems: found } = await update({ input })
    if (found !== undefined) return problems.show(found)
    close()
    reread()
    notifications.show({ message: words.done(host) })
  })
  return (
    <form noValidate onSubmit={submit}>
      <Stack>
        {eventsBehind === '0' ? (
          <Text size="sm">{words.nothingMissed}</Text>
        ) : (
          <>
            <Text size="sm">{words.missed(eventsBehind)}</Text>
            <Radio.Group label={words.choice} {...form.getInputProps('choice')}>
              <Stack gap="xs" mt="xs">
                <Radio description={words.sendHint} label={words.send} value="send" />
                <Radio description={words.skipHint} label={words.skip} value="skip" />
              </Stack>
            </Radio.Group>
          </>
        )}
        {problems.alert}
        <DialogActions
          action={status === 'FAILING' ? words.retry : words.enable}
          cancel={close}
          isUnderWay={isUnderWay}
        />
      </Stack>
    </form>
  )
}
