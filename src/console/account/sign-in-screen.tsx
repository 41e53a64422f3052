import { Anchor, Code, Text, Title } from '@mantine/core'
import { useEffect } from 'react'
import { useLocation } from 'react-router'
import { useService } from '../api/service.tsx'
import { localKeyId, type SessionNews } from '../api/session.ts'
import { useTabTitle } from '../parts/page.tsx'
import { text } from '../text.ts'
import { ContinueHere } from './continue-here.tsx'
import { SignInCard } from './sign-in-card.tsx'
import { SignInForm } from './sign-in-form.tsx'

/** Signs in, then leads to where somebody wanted to go. */
export function SignInScreen() {
  const { from = '/' } = (useLocation().state ?? {}) as { from?: string }
  const { otherPages } = useService()
  useTabTitle(text.account.signIn)
  useEffect(() => {
    const hear = ({ data }: MessageEvent<SessionNews>) => {
      if (data === 'began') goTo(from)
    }
    otherPages.addEventListener('message', hear)
    return () => otherPages.removeEventListener('message', hear)
  }, [otherPages, from])
  return (
    <main>
      <SignInCard
        below={
          <Text c="dimmed" size="sm" ta="center">
            {text.account.noKey} <Code>npm run account</Code>
            <br />
            <Anchor href="/graphql" inherit>
              {text.account.forDevelopers}
            </Anchor>
          </Text>
        }
      >
        <Title mb="md" order={1} size="h3">
          {text.account.signIn}
        </Title>
        <SignInForm lead={text.account.signInLead} onSignedIn={() => goTo(from)} />
        {localKeyId !== undefined && <ContinueHere onSignedIn={() => goTo(from)} />}
      </SignInCard>
    </main>
  )
}

/** Loads the page anew, so that it begins without what an earlier session has read. The address is one of this service. */
function goTo(path: string): void {
  location.assign(location.origin + path)
}
