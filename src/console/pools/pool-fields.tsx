import { Textarea, TextInput } from '@mantine/core'
import type { UseFormReturnType } from '@mantine/form'
import { text } from '../text.ts'

interface PoolValues extends Record<string, unknown> {
  name: string
  description: string
  externalId: string
}

export const validPool = {
  name: (name: string) => (name.trim() === '' ? text.pools.nameMissing : null),
}

/** What a pool is called, where it is created and where that is changed. */
export function PoolFields({ form }: { form: UseFormReturnType<PoolValues> }) {
  return (
    <>
      <TextInput
        data-autofocus
        label={text.pools.name}
        placeholder={text.pools.namePlaceholder}
        required
        {...form.getInputProps('name')}
      />
      <Textarea
        autosize
        description={text.pools.descriptionHint}
        label={text.pools.description}
        maxRows={10}
        minRows={2}
        {...form.getInputProps('description')}
      />
      <TextInput
        description={text.pools.externalIdHint}
        label={text.pools.externalId}
        {...form.getInputProps('externalId')}
      />
    </>
  )
}
