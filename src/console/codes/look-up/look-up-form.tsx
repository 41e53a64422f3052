import { Loader, SegmentedControl, Stack, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { PersonIcon, SearchIcon } from '@primer/octicons-react'
import { type FormEvent, useState } from 'react'
import { useLocation } from 'react-router'
import { Page } from '../../parts/page.tsx'
import { text } from '../../text.ts'
import { Answer } from './answer.tsx'
import { CustomerClaims } from './customer-claims.tsx'
import { useLookUp } from './use-look-up.ts'

const words = text.codes.lookUp

type Kind = 'code' | 'customer'

const typingMs = 400

/** Finds a code, or everything that a customer has, while it is typed. Links from lists bring their code with them. */
export function LookUpForm() {
  const { code = '' } = (useLocation().state ?? {}) as { code?: string }
  const lookUp = useLookUp(code)
  const [chosen, setChosen] = useState<Kind | undefined>(code === '' ? undefined : 'code')
  const kindOf = (typed: string): Kind => chosen ?? (typed.includes('@') ? 'customer' : 'code')
  const kind = kindOf(lookUp.typed)
  const [customer] = useDebouncedValue(lookUp.typed, typingMs)
  const choose = (kind: Kind) => {
    setChosen(kind)
    lookUp.type(lookUp.typed, kind === 'code')
  }
  const searchCustomer = (recipient: string) => {
    setChosen('customer')
    lookUp.type(recipient, false)
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (kind === 'code') lookUp.askNow()
  }
  const isCode = kind === 'code'
  return (
    <Page lead={words.lead} title={words.title}>
      <Stack maw={kind === 'code' ? 720 : 960}>
        <search>
          <form onSubmit={submit}>
            <Stack align="flex-start" gap="sm">
              <SegmentedControl
                aria-label={words.kind}
                data={[
                  { value: 'code', label: words.code },
                  { value: 'customer', label: words.customer },
                ]}
                onChange={(value) => choose(value === 'customer' ? 'customer' : 'code')}
                value={kind}
              />
              <TextInput
                autoCapitalize="none"
                autoComplete="off"
                autoFocus
                data-autofocus
                description={isCode ? words.hint : words.customerHint}
                label={isCode ? words.code : words.customer}
                leftSection={isCode ? <SearchIcon /> : <PersonIcon />}
                maxLength={isCode ? 255 : 1_000}
                onChange={({ currentTarget: { value } }) => lookUp.type(value, kindOf(value) === 'code')}
                rightSection={isCode && lookUp.state.name === 'looking' && <Loader size="xs" />}
                size="md"
                spellCheck={false}
                styles={{ input: { ...(isCode && { fontFamily: 'var(--mantine-font-family-monospace)' }) } }}
                value={lookUp.typed}
                w="100%"
              />
            </Stack>
          </form>
        </search>
        <div aria-live="polite">
          {isCode ? (
            <Answer
              again={lookUp.again}
              searchCustomer={searchCustomer}
              state={lookUp.state}
              typed={lookUp.typed}
            />
          ) : (
            customer.trim() !== '' && (
              <CustomerClaims key={customer} recipient={customer} search={searchCustomer} />
            )
          )}
        </div>
      </Stack>
    </Page>
  )
}
