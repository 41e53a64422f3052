import { ActionIcon, CopyButton, Tooltip } from '@mantine/core'
import { CheckIcon, CopyIcon } from '@primer/octicons-react'
import { text } from '../text.ts'

/** A button that copies a text, such as a code. `what` is for screen readers: "the code". */
export function Copy({ value, what }: { value: string; what?: string }) {
  return (
    <CopyButton timeout={2_000} value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? text.common.copied : text.common.copy}>
          <ActionIcon
            aria-label={`${copied ? text.common.copied : text.common.copy}${what === undefined ? '' : ` ${what}`}`}
            color={copied ? 'teal' : 'gray'}
            onClick={copy}
            variant="subtle"
          >
            {copied ? <CheckIcon /> : <CopyIcon />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}
