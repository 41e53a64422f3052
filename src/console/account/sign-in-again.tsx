import { Box, Title } from '@mantine/core'
import { useCallback, useEffect } from 'react'
import { useService } from '../api/service.tsx'
import { type SessionNews, signInByPage } from '../api/session.ts'
import { ViewerQuery } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { SignInCard } from './sign-in-card.tsx'
import { SignInForm } from './sign-in-form.tsx'

/**
 * Asks for the key again when the session has ended, over a page that is kept as it was, and its open dialogs. With another key, the page is loaded
 * anew: what is in its memory may be of another account.
 */
export function SignInAgain({ keyId, isNeeded }: { keyId: string; isNeeded: boolean }) {
  const goOn = useGoOn(keyId)
  useSessionNews(goOn)
  useEffect(() => {
    if (isNeeded) void signInByPage().then(goOn)
  }, [isNeeded, goOn])
  if (!isNeeded) return null
  return (
    <Box
      bg="var(--mantine-color-body)"
      component="main"
      inset={0}
      pos="fixed"
      style={{ overflow: 'auto', zIndex: 1_000 }}
    >
      <SignInCard>
        <Title mb="md" order={1} size="h3">
          {text.account.sessionEnded}
        </Title>
        <SignInForm lead={text.account.sessionEndedLead} onSignedIn={goOn} />
      </SignInCard>
    </Box>
  )
}

/** Goes on with the page if the browser's session is one of the same key. */
function useGoOn(keyId: string): () => Promise<void> {
  const { client, sessionEnded, reread } = useService()
  return useCallback(async () => {
    const { data } = await client.query(ViewerQuery, {}, { requestPolicy: 'network-only' })
    if (data === undefined) return
    if (data.apiKey.id !== keyId) return location.reload()
    if (!sessionEnded.get()) return
    sessionEnded.set(false)
    reread()
  }, [client, keyId, sessionEnded, reread])
}

/** Follows what other pages of this browser do with the session that they share with this one. */
function useSessionNews(onBegun: () => Promise<void>): void {
  const { otherPages } = useService()
  useEffect(() => {
    const hear = ({ data }: MessageEvent<SessionNews>) => {
      // Loaded anew, so that nothing of the account stays in memory.
      if (data === 'ended') location.assign('/sign-in')
      else void onBegun()
    }
    otherPages.addEventListener('message', hear)
    return () => otherPages.removeEventListener('message', hear)
  }, [otherPages, onBegun])
}
