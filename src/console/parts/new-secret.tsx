import { Alert, Button, Code, Group, Modal, Stack, Text } from '@mantine/core'
import { useClipboard, useWindowEvent } from '@mantine/hooks'
import { CheckIcon, CopyIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { text } from '../text.ts'

/** As long as a timer can wait: the secret stays copied. */
const maxTimeoutMs = 2 ** 31 - 1

/** What is said of a secret, as it is shown once. */
interface SecretWords {
  title: string
  lead: string
  copy: string
  cannotCopy: string
  notCopied: string
  closeAnyway: string
}

/** Shows a new secret, such as that of a key. Whoever closes it without having copied it is asked first. */
export function NewSecret({
  secret,
  words,
  forget,
}: {
  secret: string
  words: SecretWords
  forget: () => void
}) {
  const clipboard = useClipboard({ timeout: maxTimeoutMs })
  const [isByHand, setByHand] = useState(false)
  const [isLeaving, setLeaving] = useState(false)
  const isCopied = clipboard.copied || isByHand
  const close = () => (isCopied ? forget() : setLeaving(true))
  useWindowEvent('beforeunload', (event) => {
    if (!isCopied) event.preventDefault()
  })
  return (
    <Modal onClose={close} opened title={words.title}>
      <Stack>
        <Text size="sm">{words.lead}</Text>
        <Code
          block
          onCopy={() => setByHand(true)}
          style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap', userSelect: 'all' }}
        >
          {secret}
        </Code>
        {clipboard.error !== null && (
          <Alert color="yellow" role="alert" variant="light">
            <Stack align="flex-start" gap="sm">
              {words.cannotCopy}
              {!isCopied && (
                <Button onClick={() => setByHand(true)} size="xs" variant="default">
                  {text.common.copiedByHand}
                </Button>
              )}
            </Stack>
          </Alert>
        )}
        {isLeaving && !isCopied && (
          <Alert color="red" role="alert" variant="light">
            {words.notCopied}
          </Alert>
        )}
        <Group justify="flex-end">
          {isLeaving && !isCopied && (
            <Button onClick={forget} variant="default">
              {words.closeAnyway}
            </Button>
          )}
          {isCopied && (
            <Button onClick={forget} variant="default">
              {text.common.done}
            </Button>
          )}
          <Button
            data-autofocus
            leftSection={clipboard.copied ? <CheckIcon /> : <CopyIcon />}
            onClick={() => clipboard.copy(secret)}
          >
            {clipboard.copied ? text.common.copied : words.copy}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
