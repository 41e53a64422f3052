import { Checkbox, Radio, SimpleGrid, Stack, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { allKinds, kindName } from './event-kinds.ts'
import { PoolPicker } from './pool-picker.tsx'
import type { EventKind } from './webhooks.ts'

const words = text.webhooks.form

/** What a person fills in of a webhook. */
export interface WebhookValues extends Record<string, unknown> {
  url: string
  sends: 'all' | 'some'
  kinds: EventKind[]
  /** Null: all pools. */
  pool: { id: string; name: string } | null
}

/** What can be said of the values without asking the service. */
export const validWebhook = {
  url: (url: string) => (url.trim() === '' ? words.urlMissing : null),
  kinds: (kinds: readonly EventKind[], { sends }: WebhookValues) =>
    sends === 'some' && kinds.length === 0 ? words.kindsMissing : null,
}

/** The fields of the form by the paths of the input. */
export const webhookFields = { poolId: 'pool' }

/** The kinds of events as the API has them: none is all. */
export const kindsOf = ({ sends, kinds }: WebhookValues) => (sends === 'all' ? [] : kinds)

/** Where a webhook leads, and what it sends. */
export function WebhookFields({ form }: { form: UseFormReturnType<WebhookValues> }) {
  const maySeePools = useMay('READ')
  const { sends } = form.getValues()
  return (
    <Stack>
      <TextInput
        autoComplete="off"
        data-autofocus
        description={words.urlHint}
        inputMode="url"
        label={words.url}
        maxLength={2_000}
        required
        spellCheck={false}
        {...form.getInputProps('url')}
      />
      <Radio.Group label={words.sends} {...form.getInputProps('sends')}>
        <Stack gap="xs" mt="xs">
          <Radio description={words.allHint} label={words.all} value="all" />
          <Radio label={words.some} value="some" />
        </Stack>
      </Radio.Group>
      {sends === 'some' && (
        <Checkbox.Group label={words.kinds} required {...form.getInputProps('kinds')}>
          <SimpleGrid cols={{ base: 1, xs: 2 }} mt="xs" spacing="sm" verticalSpacing="sm">
            {allKinds.map((kind) => (
              <Checkbox
                key={kind}
                label={kindName(kind)}
                value={kind}
                {...(kind === 'WEBHOOK_DISABLED' && { description: text.webhooks.disabledHint })}
              />
            ))}
          </SimpleGrid>
        </Checkbox.Group>
      )}
      {maySeePools && <PoolPicker {...form.getInputProps('pool')} />}
    </Stack>
  )
}
