import { Text, TextInput } from '@mantine/core'
import { AlertIcon } from '@primer/octicons-react'
import type { ComponentProps } from 'react'

/** A date and time of the browser's time zone, to the minute or finer, in the years that the API knows. */
export function TimeInput({
  hint,
  warning,
  ...props
}: ComponentProps<typeof TextInput> & { hint: string; warning?: string }) {
  return (
    <TextInput
      description={
        warning === undefined ? (
          hint
        ) : (
          <Text c="var(--console-warning)" component="span" size="xs">
            <AlertIcon size={12} /> {warning}
          </Text>
        )
      }
      max="9999-12-31T00:00"
      min="1970-01-02T00:00"
      step="any"
      type="datetime-local"
      {...props}
    />
  )
}
