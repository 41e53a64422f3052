import { Loader, SegmentedControl, Stack, TextInput } from '@mantine/core'
import { PackageIcon, PersonIcon, SearchIcon } from '@primer/octicons-react'
import type { FormEvent } from 'react'
import { useEntryState } from '../../parts/entry-state.ts'
import { Page } from '../../parts/page.tsx'
import { useTyped } from '../../parts/use-typed.ts'
import { text } from '../../text.ts'
import { Answer } from './answer.tsx'
import { CustomerClaims } from './customer-claims.tsx'
import { OrderRedemptions } from './order-redemptions.tsx'
import { kindOf, type Sought } from './sought.ts'
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

const allKinds = Object.keys(kinds) as readonly (keyof typeof kinds)[]

/**
 * Finds a code, everything that a customer has, or what was redeemed for an order, while its field is typed in. The
 * browser's history keeps what was looked for. Links from lists bring their code with them.
 */
export function LookUpForm() {
  const [entry, keep] = useEntryState<Sought>()
  const kept: Sought = { typed: '', ...entry }
  const field = useTyped(kept, keep)
  const sought = field.typed
  const { typed } = sought
  const kind = kindOf(sought)
  const isCode = kind === 'code'
  const lookUp = useLookUp(sought)
  const type = (sought: Sought) => {
    field.type(sought)
    lookUp.type(sought)
  }
  const search = (sought: Sought) => {
    field.put(sought)
    lookUp.type(sought)
  }
  const searchCustomer = (recipient: string) => search({ kind: 'customer', typed: recipient })
  const searchOrder = (reference: string) => search({ kind: 'order', typed: reference })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    field.keepNow()
    if (isCode) lookUp.askNow()
  }
  // What customers and orders are looked up by: not every beginning of it.
  const settled = kindOf(kept) === kind ? kept.typed : ''
  const { label, hint, icon, maxLength } = kinds[kind]
  return (
    <Page lead={words.lead} title={words.title}>
      <Stack maw={isCode ? 720 : 960}>
        <search>
          <form onSubmit={submit}>
            <Stack align="flex-start" gap="sm">
              <SegmentedControl
                aria-label={words.kind}
                data={allKinds.map((value) => ({ value, label: kinds[value].label }))}
                onChange={(kind) => search({ kind, typed })}
                value={kind}
              />
              <TextInput
                autoCapitalize="none"
                autoComplete="off"
                autoFocus
                data-autofocus
                description={hint}
                label={label}
                leftSection={icon}
                maxLength={maxLength}
                onChange={({ currentTarget }) => type({ kind: sought.kind, typed: currentTarget.value })}
                rightSection={isCode && lookUp.state.name === 'looking' && <Loader size="xs" />}
                size="md"
                spellCheck={false}
                styles={{ input: { ...(isCode && { fontFamily: 'var(--mantine-font-family-monospace)' }) } }}
                value={typed}
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
              typed={typed}
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
