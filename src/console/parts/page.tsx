import { Box, Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { text } from '../text.ts'

/** A screen: its title, which is also that of the tab, what can be done there, and its content. */
export function Page({
  title,
  lead,
  actions,
  children,
}: {
  title: string
  lead?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  useTabTitle(title)
  return (
    <Stack gap="lg">
      <Group align="flex-start" justify="space-between" wrap="wrap">
        <Box maw="100%" miw={0}>
          <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {lead !== undefined && (
            <Text c="dimmed" mt={4}>
              {lead}
            </Text>
          )}
        </Box>
        {actions !== undefined && <Group gap="sm">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  )
}

export function useTabTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${text.common.product}`
  }, [title])
}
