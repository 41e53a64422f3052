import { TextInput, type TextInputProps } from '@mantine/core'
import { currentTime } from '../../api/clock.ts'
import { text } from '../../text.ts'

/** An earlier expiry than the terms of the pool give, in the time of the browser. */
export function ExpiryField(props: TextInputProps) {
  return (
    <TextInput
      description={text.codes.claim.expiresAtHint}
      label={text.codes.claim.expiresAt}
      maw={280}
      type="datetime-local"
      {...props}
    />
  )
}

/** What is wrong with an expiry as it was chosen. */
export function expiryProblem(local: string): string | null {
  if (local === '') return null
  return Date.parse(local) > currentTime() ? null : text.codes.claim.pastExpiry
}

/** The moment in UTC, as the API takes it; nothing for an empty field. */
export function expiryInput(local: string): { expiresAt?: string } {
  return local === '' ? {} : { expiresAt: new Date(local).toISOString() }
}
