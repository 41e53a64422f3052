import { Alert, Button, Divider, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useService } from '../api/service.tsx'
import { type SessionNews, signInHere } from '../api/session.ts'
import { ViewerQuery } from '../shell/viewer.tsx'
import { text } from '../text.ts'

const words = text.account.here

/** Offers a browser on the service's own machine to go on without a key. */
export function ContinueHere({ onSignedIn }: { onSignedIn: () => void | Promise<void> }) {
  const { client, otherPages } = useService()
  const [isWaiting, setWaiting] = useState(false)
  const [problem, setProblem] = useState<string>()
  const proceed = async () => {
    setWaiting(true)
    try {
      const refusal = await signInHere()
      if (refusal !== undefined) return setProblem(refusal)
      const { error } = await client.query(ViewerQuery, {}, { requestPolicy: 'network-only' })
      if (error !== undefined) return setProblem(words.refused)
      otherPages.postMessage('began' satisfies SessionNews)
      await onSignedIn()
    } finally {
      setWaiting(false)
    }
  }
  return (
    <Stack gap="sm" mt="md">
      <Divider label={words.or} />
      <Text c="dimmed" size="sm">
        {words.lead}
      </Text>
      {problem !== undefined && (
        <Alert color="red" role="alert" variant="light">
          {problem}
        </Alert>
      )}
      <Button loading={isWaiting} onClick={proceed} variant="default">
        {words.proceed}
      </Button>
    </Stack>
  )
}
