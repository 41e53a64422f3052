import { Box, Group, Text, Title } from '@mantine/core'
import { FileIcon } from '@primer/octicons-react'
import { fileSize } from '../intl.ts'

/** What is being done, and with which file. Screen readers are told when that changes. */
export function FileName({ file, label }: { file: File; label: string }) {
  return (
    <div>
      <div role="status">
        <Title order={2} size="h4">
          {label}
        </Title>
      </div>
      <Group c="dimmed" gap={6} mt={4} wrap="nowrap">
        <Box component="span" lh={1} miw={16}>
          <FileIcon />
        </Box>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {file.name} ({fileSize(file.size)})
        </Text>
      </Group>
    </div>
  )
}
