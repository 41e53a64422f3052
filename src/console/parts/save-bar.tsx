import { Button, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { text } from '../text.ts'

interface SaveBarProps {
  hasChanges: boolean
  isSaving: boolean
  discard: () => void
  /** Saves the changes. Without it, saving is what the form around it does when it is submitted. */
  save?: () => Promise<void>
  /** What is said where there is nothing to save. */
  note?: string | undefined
  /** The button that comes first, where saving is not the first thing to do. */
  children?: ReactNode
}

/** The end of every form for something that exists: what to do with changes, if there are any. */
export function SaveBar({ hasChanges, isSaving, save, discard, note = '', children }: SaveBarProps) {
  if (!hasChanges && note === '' && children === undefined) return null
  const saving = save === undefined ? { type: 'submit' as const } : { onClick: save }
  return (
    <Group gap="sm">
      {children}
      {hasChanges && (
        <>
          <Button {...saving} loading={isSaving} variant={children === undefined ? 'filled' : 'default'}>
            {text.common.save}
          </Button>
          <Button disabled={isSaving} onClick={discard} variant="default">
            {text.common.discard}
          </Button>
        </>
      )}
      <Text c="dimmed" role="status" size="sm">
        {hasChanges ? text.common.unsaved : note}
      </Text>
    </Group>
  )
}
