import { Loader, Paper, Stack, Text, TextInput } from '@mantine/core'
import { SearchIcon } from '@primer/octicons-react'
import { useLocation } from 'react-router'
import { Problems } from '../../api/problems.tsx'
import { Page } from '../../parts/page.tsx'
import { text } from '../../text.ts'
import { FoundCode } from './found-code.tsx'
import { type LookUpState, useLookUp } from './use-look-up.ts'
import { WaitForLimit } from './wait-for-limit.tsx'

const words = text.codes.lookUp

/** Finds a code while it is typed. Links from lists bring theirs with them. */
export function LookUpForm() {
  const { code = '' } = (useLocation().state ?? {}) as { code?: string }
  const lookUp = useLookUp(code)
  return (
    <Page lead={words.lead} title={words.title}>
      <Stack maw={720}>
        <search>
          <form
            onSubmit={(event) => {
              event.preventDefault()
              lookUp.askNow()
            }}
          >
            <TextInput
              autoCapitalize="none"
              autoComplete="off"
              data-autofocus
              description={words.hint}
              label={words.code}
              leftSection={<SearchIcon />}
              maxLength={255}
              onChange={(event) => lookUp.type(event.currentTarget.value)}
              rightSection={lookUp.state.name === 'looking' && <Loader size="xs" />}
              size="md"
              spellCheck={false}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              value={lookUp.typed}
            />
          </form>
        </search>
        <div aria-live="polite">
          <Answer again={lookUp.again} state={lookUp.state} />
        </div>
      </Stack>
    </Page>
  )
}

function Answer({ state, again }: { state: LookUpState; again: () => void }) {
  switch (state.name) {
    case 'found':
      return <FoundCode again={again} code={state.code} key={state.code.id} />
    case 'none':
      return (
        <Paper p="lg" withBorder>
          <Text fw={600}>{words.none}</Text>
          <Text c="dimmed" mt={4} size="sm">
            {words.noneHint}
          </Text>
        </Paper>
      )
    case 'limited':
      return <WaitForLimit key={state.retryAfterMs} onTime={again} retryAfterMs={state.retryAfterMs} />
    case 'failed':
      return <Problems of={state.messages.map((message) => ({ code: '', message, path: '' }))} />
    default:
      return null
  }
}
