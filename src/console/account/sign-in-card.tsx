import { Center, Group, Paper, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Logo } from '../shell/logo.tsx'
import { text } from '../text.ts'

/** What is in the middle of the page when somebody has to sign in. */
export function SignInCard({ children, below }: { children: ReactNode; below?: ReactNode }) {
  return (
    <Center mih="100dvh" p="md">
      <Stack maw={440} w="100%">
        <Group gap="xs" justify="center">
          <Logo />
          <Text fw={650}>{text.common.product}</Text>
        </Group>
        <Paper p="xl" withBorder>
          {children}
        </Paper>
        {below}
      </Stack>
    </Center>
  )
}
