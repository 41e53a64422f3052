import { Loader, SegmentedControl, Stack, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { PackageIcon, PersonIcon, SearchIcon } from '@primer/octicons-react'
import { type FormEvent, useState } from 'react'
import { useLocation } from 'react-router'
import { Page } from '../../parts/page.tsx'
import { text } from '../../text.ts'
import { Answer } from './answer.tsx'
import { CustomerClaims } from './customer-claims.tsx'
import { OrderRedemptions } from './order-redemptions.tsx'
import { useLookUp } from './use-look-up.ts'

const words = text.codes.lookUp

/** What can be looked for, and the field for it. */
const kinds = {
  code: { label: words.code, hint: words.hint, icon: <SearchIcon />, maxLength: 255 },
  customer: {
    label: words.customer,
    hint: words.customerHint,
    icon: <PersonIcon />,
    maxLength: 1_000,
  },
  order: { label: words.order, hint: words.orderHint, icon: <PackageIcon />, maxLength: 255 },
}

type Kind = keyof typeof kinds

const allKinds = Object.keys(kinds) as readonly Kind[]

const typingMs = 400

/**
 * Finds a code, everything that a customer has, or what was redeemed for an order, while its field is typed in. Links from
 * lists bring their code with them.
 */
export function LookUpForm() {
  const { code = '' } = (useLocation().state ?? {}) as { code?: string }
  const lookUp = useLookUp(code)
  const [chosen, setChosen] = useState<Kind | undefined>(code === '' ? undefined : 'code')
  const kindOf = (typed: string): Kind => chosen ?? (typed.includes('@') ? 'customer' : 'code')
  const kind = kindOf(lookUp.typed)
  const [settled] = useDebouncedValue(lookUp.typed, typingMs)
  const search = (kind: Kind, typed: string) => {
    setChosen(kind)
    lookUp.type(typed, kind === 'code')
  }
  const searchCustomer = (recipient: string) => search('customer', recipient)
  const searchOrder = (reference: string) => search('order', reference)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (kind === 'code') lookUp.askNow()
  }
  const isCode = kind === 'code'
  const field = kinds[kind]
  return (
    <Page lead={words.lead} title={words.title}>
      <Stack maw={isCode ? 720 : 960}>
        <search>
          <form onSubmit={submit}>
            <Stack align="flex-start" gap="sm">
              <SegmentedControl
                aria-label={words.kind}
                data={allKinds.map((value) => ({ value, label: kinds[value].label }))}
                onChange={(value) => search(value, lookUp.typed)}
                value={kind}
              />
              <TextInput
                autoCapitalize="none"
                autoComplete="off"
                autoFocus
                data-autofocus
                description={field.hint}
                label={field.label}
                leftSection={field.icon}
                maxLength={field.maxLength}
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
          {isCode && (
            <Answer
              again={lookUp.again}
              searchCustomer={searchCustomer}
              searchOrder={searchOrder}
              state={lookUp.state}
              typed={lookUp.typed}
            />
          )}
          {kind === 'customer' && settled.trim() !== '' && (
            <CustomerClaims key={settled} recipient={settled} search={searchCustomer} />
          )}
          {kind === 'order' && settled.trim() !== '' && (
            <OrderRedemptions key={settled} reference={settled} search={searchOrder} />
          )}
        </div>
      </Stack>
    </Page>
  )
}
