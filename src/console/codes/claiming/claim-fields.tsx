import { Button, Group, TextInput, type TextInputProps } from '@mantine/core'
import type { ComponentProps } from 'react'
import { count, readWhole } from '../../intl.ts'
import { CountInput } from '../../parts/count-input.tsx'
import { text } from '../../text.ts'

const words = text.codes.claim

/** How many codes to claim. */
export function ClaimCount(props: ComponentProps<typeof CountInput>) {
  return <CountInput label={words.count} maw={280} {...props} />
}

/** What is wrong with a number of codes as it was typed. */
export function countProblem(typed: string, max?: bigint): string | null {
  const n = readWhole(typed)
  if (n === undefined) return words.notWhole
  if (n < 1n) return words.tooFew
  return max !== undefined && n > max ? words.tooMany(count(max)) : null
}

/** Who the codes are for. */
export function RecipientField(props: TextInputProps) {
  return <TextInput description={words.recipientHint} label={words.recipient} {...props} />
}

/** The button that claims, where dialogs have theirs. */
export function ClaimSubmit({
  isSubmitting,
  isDisabled = false,
  children = words.submit,
}: {
  isSubmitting: boolean
  isDisabled?: boolean
  children?: string
}) {
  return (
    <Group justify="flex-end">
      <Button disabled={isDisabled} loading={isSubmitting} type="submit">
        {children}
      </Button>
    </Group>
  )
}
