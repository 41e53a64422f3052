import { Box, Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'
import { text } from '../text.ts'

interface Part {
  title: string
  lead?: ReactNode
  actions?: ReactNode
  children: ReactNode
}

/** A screen: its title, which is also that of the tab, what can be done there, and its content. */
export function Page({ title, lead, actions, children }: Part) {
  useTabTitle(title)
  return (
    <Stack gap="lg">
      <Heading actions={actions} lead={lead} level={1} title={title} />
      {children}
    </Stack>
  )
}

/** A part of a screen, with a title of its own. */
export function Section({ title, lead, actions, children }: Part) {
  return (
    <Stack component="section" gap="md">
      <Heading actions={actions} lead={lead} level={2} title={title} />
      {children}
    </Stack>
  )
}

function Heading({ title, lead, actions, level }: Omit<Part, 'children'> & { level: 1 | 2 }) {
  return (
    <Group align="flex-start" justify="space-between" wrap="wrap">
      <Box flex="1 1 16rem" miw={0}>
        <Title order={level} size={level === 1 ? 'h2' : 'h4'} style={{ overflowWrap: 'anywhere' }}>
          {title}
        </Title>
        {lead !== undefined && lead !== false && (
          <Text c="dimmed" component="div" mt={4} style={{ overflowWrap: 'anywhere' }}>
            {lead}
          </Text>
        )}
      </Box>
      {actions !== undefined && <Group gap="sm">{actions}</Group>}
    </Group>
  )
}

export function useTabTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${text.common.product}`
  }, [title])
}
