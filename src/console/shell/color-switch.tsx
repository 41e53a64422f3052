import { ActionIcon, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { MoonIcon, SunIcon } from '@primer/octicons-react'
import { text } from '../text.ts'

export function ColorSwitch() {
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme() === 'dark'
  const label = isDark ? text.shell.toLight : text.shell.toDark
  return (
    <Tooltip label={label}>
      <ActionIcon
        aria-label={label}
        color="gray"
        onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
        size="lg"
        variant="subtle"
      >
        {isDark ? <SunIcon /> : <MoonIcon />}
      </ActionIcon>
    </Tooltip>
  )
}
