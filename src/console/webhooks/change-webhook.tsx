import { Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { notifications } from '@mantine/notifications'
import { useProblems } from '../api/problems.tsx'
import { useService } from '../api/service.tsx'
import { useSubmit } from '../api/submit.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogActions } from '../parts/dialog-actions.tsx'
import { text } from '../text.ts'
import { UpdateWebhook } from './update-webhook.ts'
import { kindsOf, validWebhook, WebhookFields, type WebhookValues, webhookFields } from './webhook-form.tsx'
import type { WebhookOfPage } from './webhooks.ts'

const words = text.webhooks.change

interface ChangeWebhookProps {
  webhook: WebhookOfPage
  isOpen: boolean
  close: () => void
}

/** The dialog that changes where a webhook leads, and what it sends. */
export function ChangeWebhook({ webhook, isOpen, close }: ChangeWebhookProps) {
  return (
    <Dialog onClose={close} opened={isOpen} size="lg" title={words.title}>
      <ChangeForm close={close} webhook={webhook} />
    </Dialog>
  )
}

/** Only what was changed is sent, so others may change the rest. */
function ChangeForm({ webhook, close }: Pick<ChangeWebhookProps, 'webhook' | 'close'>) {
  const { reread } = useService()
  const [update, isSaving] = useSubmit(UpdateWebhook)
  const form = useForm<WebhookValues>({
    initialValues: {
      url: webhook.url ?? '',
      sends: webhook.kinds.length === 0 ? 'all' : 'some',
      kinds: [...webhook.kinds],
      pool: webhook.pool,
    },
    validate: validWebhook,
  })
  const problems = useProblems(form, webhookFields)
  const submit = form.onSubmit(async (values) => {
    if (!form.isDirty()) return close()
    problems.clear()
    const input = {
      webhookId: webhook.id,
      ...(form.isDirty('url') && { url: values.url.trim() }),
      ...((form.isDirty('sends') || form.isDirty('kinds')) && { kinds: [...kindsOf(values)] }),
      ...(form.isDirty('pool') && { poolId: values.pool?.id ?? null }),
    }
    const { problems: found } = await update({ input })
    if (found !== undefined) return problems.show(found)
    close()
    reread()
    notifications.show({ message: words.done })
  })
  return (
    <form noValidate onSubmit={submit}>
      <Stack>
        <WebhookFields form={form} />
        {problems.alert}
        <DialogActions action={text.common.save} cancel={close} isUnderWay={isSaving} />
      </Stack>
    </form>
  )
}
