import { Button, Group, Text } from '@mantine/core'
import { counted } from '../../intl.ts'
import { text } from '../../text.ts'
import { type RecipientList, splitLines } from './recipients.ts'

const words = text.codes.claim

/** How many people and codes a list makes, and what can be mended in it with one press. */
export function ListState({
  list: { recipients, repeatedCount },
  onePerRecipient,
  change,
}: {
  list: RecipientList
  onePerRecipient: boolean
  change: (recipients: readonly string[]) => void
}) {
  const people = recipients.length - repeatedCount
  const codes = onePerRecipient ? people : recipients.length
  const split = splitLines(recipients)
  return (
    <Group gap="sm">
      <Text c="dimmed" role="status" size="sm">
        {counted(people, 'recipient', 'recipients')} · {counted(codes, 'code', 'codes')}
        {repeatedCount > 0 && ` · ${words.repeated(repeatedCount.toString())}`}
      </Text>
      {split.length > recipients.length && (
        <Button onClick={() => change(split)} size="xs">
          {words.split(split.length.toString())}
        </Button>
      )}
      {repeatedCount > 0 && (
        <Button onClick={() => change([...new Set(recipients)])} size="xs" variant="default">
          {words.removeRepeated(repeatedCount.toString())}
        </Button>
      )}
    </Group>
  )
}
