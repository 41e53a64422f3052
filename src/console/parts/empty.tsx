import { Paper, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** A place where nothing is yet: what will be here, and the next step. */
export function Empty({
  title,
  children,
  action,
  isPage = false,
}: {
  title: string
  children?: ReactNode
  action?: ReactNode
  /** Whether there is nothing else on the page. */
  isPage?: boolean
}) {
  return (
    <Paper p="xl" withBorder>
      <Stack align="center" gap="sm" maw={520} mx="auto" ta="center">
        <Title order={isPage ? 1 : 2} size="h4">
          {title}
        </Title>
        {children !== undefined && <Text c="dimmed">{children}</Text>}
        {action}
      </Stack>
    </Paper>
  )
}
