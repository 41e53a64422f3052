import { Button, Group, Text } from '@mantine/core'
import { text } from '../text.ts'

/** The end of a form for something that exists: what to do with changes, if there are any. */
export function Unsaved({
  isDirty,
  isSaving,
  discard,
}: {
  isDirty: boolean
  isSaving: boolean
  discard: () => void
}) {
  if (!isDirty) return null
  return (
    <Group gap="sm">
      <Button loading={isSaving} type="submit">
        {text.common.save}
      </Button>
      <Button disabled={isSaving} onClick={discard} variant="default">
        {text.settings.discard}
      </Button>
      <Text c="dimmed" role="status" size="sm">
        {text.settings.unsaved}
      </Text>
    </Group>
  )
}
