import { Problems } from '../../api/problems.tsx'
import { FoundCode } from './found-code.tsx'
import { NoSuchCode } from './no-such-code.tsx'
import type { LookUpState } from './use-look-up.ts'
import { WaitForLimit } from './wait-for-limit.tsx'

/** What came of looking a code up. */
export function Answer({
  state,
  typed,
  again,
  searchCustomer,
  searchOrder,
}: {
  state: LookUpState
  typed: string
  again: () => void
  searchCustomer: (recipient: string) => void
  searchOrder: (reference: string) => void
}) {
  switch (state.name) {
    case 'found':
      return <FoundCode again={again} code={state.code} key={state.code.id} />
    case 'none':
      return <NoSuchCode searchCustomer={searchCustomer} searchOrder={searchOrder} typed={typed} />
    case 'limited':
      return <WaitForLimit key={state.retryAfterMs} onTime={again} retryAfterMs={state.retryAfterMs} />
    case 'failed':
      return <Problems of={state.messages.map((message) => ({ code: '', message, path: '' }))} />
    default:
      return null
  }
}
