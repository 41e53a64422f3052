import { Anchor, Center, Group, Paper, Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import { Logo } from '../shell/logo.tsx'
import { text } from '../text.ts'

/** What is in the middle of the page when somebody has to sign in. */
export function SignInCard({ children, below }: { children: ReactNode; below?: ReactNode }) {
  return (
    <Center bg="var(--console-canvas)" mih="100dvh" p="md">
      <Stack maw={440} w="100%">
        <Anchor c="inherit" fw={650} href="/" mx="auto" underline="never">
          <Group gap="xs">
            <Logo />
            {text.common.product}
          </Group>
        </Anchor>
        <Paper p="xl" withBorder>
          {children}
        </Paper>
        {below}
      </Stack>
    </Center>
  )
}
