import { Box, Title } from '@mantine/core'
import { useCallback, useEffect, useState } from 'react'
import { useService } from '../api/service.tsx'
import { localKeyId, type SessionNews, signInHere } from '../api/session.ts'
import { ViewerQuery } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { ContinueHere } from './continue-here.tsx'
import { SignInCard } from './sign-in-card.tsx'
import { SignInForm } from './sign-in-form.tsx'

/**
 * Signs in again when the session has ended, over a page that is kept as it was, and its open dialogs. It asks for the key, but
 * not where none was needed to begin with: on the service's own machine. With another key, the page is loaded anew: what is in
 * its memory may be of another account.
 */
export function SignInAgain({ keyId, isNeeded }: { keyId: string; isNeeded: boolean }) {
  const goOn = useGoOn(keyId)
  const isLocal = keyId === localKeyId
  useSessionNews(goOn)
  const isTrying = useTrying(isNeeded, isLocal, goOn)
  if (!isNeeded || isTrying) return null
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
        {isLocal && <ContinueHere onSignedIn={goOn} />}
      </SignInCard>
    </Box>
  )
}

/** Whether it is still being tried to sign in without asking. */
function useTrying(isNeeded: boolean, isLocal: boolean, goOn: () => Promise<void>): boolean {
  const { isLeaving, sessionEnded } = useService()
  const [hasTried, setTried] = useState(false)
  useEffect(() => {
    if (!isNeeded) return
    const attempt = async () => {
      // Another page of this browser may have signed in already.
      await goOn()
      if (!isLocal || !sessionEnded.get() || isLeaving.get()) return
      const refusal = await signInHere()
      if (refusal === undefined) await goOn()
    }
    void attempt().finally(() => setTried(true))
    return () => setTried(false)
  }, [isNeeded, isLocal, goOn, sessionEnded, isLeaving])
  return isLocal && !hasTried
}

/** Goes on with the page if the browser's session is one of the same key. */
function useGoOn(keyId: string): () => Promise<void> {
  const { client, sessionEnded, reread } = useService()
  return useCallback(async () => {
    const { data, error } = await client.query(ViewerQuery, {}, { requestPolicy: 'network-only' })
    if (data === undefined || error !== undefined) return
    if (data.apiKey.id !== keyId) return location.reload()
    if (!sessionEnded.get()) return
    sessionEnded.set(false)
    reread()
  }, [client, keyId, sessionEnded, reread])
}

/** Follows what other pages of this browser do with the session that they share with this one. */
function useSessionNews(onBegun: () => Promise<void>): void {
  const { isLeaving, otherPages } = useService()
  useEffect(() => {
    const hear = ({ data }: MessageEvent<SessionNews>) => {
      isLeaving.set(data !== 'began')
      // Loaded anew, so that nothing of the account stays in memory.
      if (data === 'ended') location.assign('/sign-in')
      if (data === 'began') void onBegun()
    }
    otherPages.addEventListener('message', hear)
    return () => otherPages.removeEventListener('message', hear)
  }, [isLeaving, otherPages, onBegun])
}
