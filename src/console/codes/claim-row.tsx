import { Anchor, Group, Stack, Table, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { ChevronDownIcon, ChevronRightIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { Distance, Moment } from '../parts/time.tsx'
import { text } from '../text.ts'
import { ClaimCodes } from './claim-codes.tsx'
import { ClaimMenu } from './claim-menu.tsx'
import { areAllListed, type ListedClaimOf } from './claims-query.ts'
import { Recipient } from './code-table.tsx'
import { CodeText } from './code-text.tsx'
import { ValidityBadge } from './validity.tsx'

const words = text.codes.columns

interface ClaimRowProps {
  claim: ListedClaimOf
  /** Whether the row above is for somebody else. */
  isFirst: boolean
  isNarrow: boolean
  showsPool: boolean
  columnCount: number
  onRecipient?: (recipient: string) => void
  onChange?: () => void
}

/** A claim with its codes; many of them only once it is opened. On a phone, everything is in one cell. */
export function ClaimRow({
  claim,
  isFirst,
  isNarrow,
  showsPool,
  columnCount,
  onRecipient,
  onChange,
}: ClaimRowProps) {
  const [isOpen, setOpen] = useState(false)
  const { id, at, expiresAt, pool } = claim
  const recipient = <ClaimRecipient claim={claim} isFirst={isFirst} {...(onRecipient && { onRecipient })} />
  const codes = <CodesOf claim={claim} isOpen={isOpen} toggle={() => setOpen(!isOpen)} />
  const claimed = <Distance at={at} />
  const expires = expiresAt === null ? text.codes.never : <Moment at={expiresAt} />
  const ofPool = (
    <Anchor component={Link} inherit underline="always" to={`/pools/${pool.id}/all-codes`}>
      {pool.name}
    </Anchor>
  )
  return (
    <>
      <Table.Tr>
        {isNarrow ? (
          <Table.Td>
            <Stack gap={6}>
              {recipient}
              {codes}
              <Text c="dimmed" component="div" size="sm">
                {words.claimedAt}: {claimed} · {words.expiresAt}: {expires}
                {showsPool && (
                  <>
                    {' '}
                    · {words.pool}: {ofPool}
                  </>
                )}
              </Text>
            </Stack>
          </Table.Td>
        ) : (
          <>
            <Table.Td>{recipient}</Table.Td>
            <Table.Td>{codes}</Table.Td>
            <Table.Td>{claimed}</Table.Td>
            <Table.Td>{expires}</Table.Td>
            {showsPool && (
              <Table.Td maw={200} style={{ overflowWrap: 'anywhere' }}>
                {ofPool}
              </Table.Td>
            )}
          </>
        )}
        <Table.Td style={{ verticalAlign: 'top' }}>
          <ClaimMenu claim={claim} {...(onChange && { onChange })} />
        </Table.Td>
      </Table.Tr>
      {isOpen && (
        <Table.Tr>
          <Table.Td bg="var(--mantine-color-default-hover)" colSpan={columnCount}>
            <ClaimCodes claimId={id} />
          </Table.Td>
        </Table.Tr>
      )}
    </>
  )
}

/** Named once for all its claims that follow. It leads to everything that it has. */
function ClaimRecipient({
  claim: { recipient },
  isFirst,
  onRecipient,
}: Pick<ClaimRowProps, 'claim' | 'isFirst' | 'onRecipient'>) {
  if (recipient === null) return <Recipient recipient={null} />
  if (!isFirst) return <VisuallyHidden>{recipient}</VisuallyHidden>
  if (onRecipient === undefined) return <Recipient recipient={recipient} />
  return (
    <UnstyledButton onClick={() => onRecipient(recipient)} td="underline dotted">
      <Recipient recipient={recipient} />
    </UnstyledButton>
  )
}

function CodesOf({ claim, isOpen, toggle }: { claim: ListedClaimOf; isOpen: boolean; toggle: () => void }) {
  if (!areAllListed(claim))
    return (
      <UnstyledButton aria-expanded={isOpen} fz="sm" onClick={toggle}>
        {isOpen ? <ChevronDownIcon /> : <ChevronRightIcon />} {text.common.codes(claim.count)}
      </UnstyledButton>
    )
  return (
    <Stack gap={4}>
      {claim.codes.edges.map(({ node: { id, code, validity } }) => (
        <Group gap="xs" key={id}>
          <CodeText code={code} />
          <ValidityBadge validity={validity} />
        </Group>
      ))}
    </Stack>
  )
}
