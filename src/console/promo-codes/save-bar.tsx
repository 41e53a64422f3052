import { Button, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { text } from '../text.ts'

interface SaveBarProps {
  hasChanges: boolean
  isSaving: boolean
  save: () => Promise<void>
  discard: () => void
  /** What is said where there is nothing to save. */
  note?: string | undefined
  /** The button that comes first. */
  children?: ReactNode
}

/** What can be done with changes that have not been saved. */
export function SaveBar({ hasChanges, isSaving, save, discard, note = '', children }: SaveBarProps) {
  return (
    <Group gap="sm">
      {children}
      {hasChanges && (
        <Button loading={isSaving} onClick={save} variant="default">
          {text.common.save}
        </Button>
      )}
      <Text c="dimmed" role="status" size="sm">
        {hasChanges ? text.promoCodes.unsaved : note}
      </Text>
      {hasChanges && (
        <Button onClick={discard} variant="subtle">
          {text.promoCodes.discard}
        </Button>
      )}
    </Group>
  )
}
