import { Paper, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { list } from '../intl.ts'
import { Moment } from '../parts/time.tsx'
import { text } from '../text.ts'
import { lengthOf } from './duration.ts'
import type { PoolTerms } from './terms.ts'

/** The terms in words, for a key that may not change them. */
export function TermsSummary({ of: terms }: { of: PoolTerms }) {
  const { issueFrom, issueUntil, validFor, validUntil, onePerRecipient, renewAfter } = terms
  const isAlways = issueFrom === null && issueUntil === null
  return (
    <Paper p="lg" withBorder>
      <Stack component="dl" gap="sm" m={0}>
        <Term name={text.settings.issuing}>
          {isAlways && text.settings.always}
          {issueFrom !== null && <Limit at={issueFrom} of={text.settings.issueFrom} />}
          {issueUntil !== null && <Limit at={issueUntil} of={text.settings.issueUntil} />}
        </Term>
        <Term name={text.settings.expiry}>
          {validFor === null && validUntil === null && text.settings.unlimited}
          {validFor !== null && <div>{text.settings.good(lengthInWords(validFor))}</div>}
          {validUntil !== null && <Limit at={validUntil} of={text.settings.validUntil} />}
        </Term>
        <Term name={text.settings.recipients}>
          {onePerRecipient ? text.settings.one : text.settings.many}
          {onePerRecipient && renewAfter.length > 0 && (
            <div>
              {text.settings.renewAfter} {list(renewAfter.map((reason) => text.settings.renew[reason]))}.
            </div>
          )}
        </Term>
      </Stack>
    </Paper>
  )
}

function Term({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text c="dimmed" component="dt" size="sm">
        {name}
      </Text>
      <Text component="dd" m={0}>
        {children}
      </Text>
    </div>
  )
}

function Limit({ of: name, at }: { of: string; at: string }) {
  return (
    <div>
      {name} <Moment at={at} />
    </div>
  )
}

function lengthInWords(duration: string): string {
  const { amount, unit } = lengthOf(duration)
  return `${amount} ${text.settings.units[unit]}`
}
