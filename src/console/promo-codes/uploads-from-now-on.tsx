import { Button, Group, Stack, Text } from '@mantine/core'
import { text } from '../text.ts'

const words = text.promoCodes.uploadsFromNowOn

/** Offers to save uploads as the method of the pool. An upload itself needs nothing saved, and must not look as if it did. */
export function UploadsFromNowOn({
  turnsOff,
  isSaving,
  save,
}: {
  /** Whether saving turns auto-generate off. */
  turnsOff: boolean
  isSaving: boolean
  save: () => Promise<void>
}) {
  return (
    <Stack gap="xs">
      <Text c="dimmed" size="sm">
        {turnsOff ? words.turnsOff : words.body}
      </Text>
      <Group>
        <Button loading={isSaving} onClick={save} size="xs" variant="default">
          {words.action}
        </Button>
      </Group>
    </Stack>
  )
}
