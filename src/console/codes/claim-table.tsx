import { ScrollArea, Table, VisuallyHidden } from '@mantine/core'
import { text } from '../text.ts'
import { ClaimRow } from './claim-row.tsx'
import type { ListedClaimOf } from './claims-query.ts'
import { useIsNarrow } from './use-is-narrow.ts'

const words = text.codes.columns

/** A page of claims, those for the same recipient together, with their codes and what became of each. */
export function ClaimTable({
  claims,
  showsPool = false,
  onRecipient,
  onChange,
}: {
  claims: readonly ListedClaimOf[]
  showsPool?: boolean
  /** Called with a recipient that is pressed. */
  onRecipient?: (recipient: string) => void
  /** Called after some of the codes were changed. */
  onChange?: () => void
}) {
  const isNarrow = useIsNarrow()
  const names = [
    words.recipient,
    words.codes,
    words.claimedAt,
    words.expiresAt,
    ...(showsPool ? [words.pool] : []),
  ]
  return (
    <ScrollArea type="auto" viewportProps={{ tabIndex: 0, 'aria-label': text.codes.views.claims }}>
      <Table verticalSpacing="xs" {...(!isNarrow && { miw: 720 })}>
        <Table.Thead>
          <Table.Tr>
            {(isNarrow ? [words.recipient] : names).map((name) => (
              <Table.Th key={name}>{name}</Table.Th>
            ))}
            <Table.Th w={48}>
              <VisuallyHidden>{words.actions}</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {byRecipient(claims).map(({ claim, isFirst }) => (
            <ClaimRow
              claim={claim}
              columnCount={isNarrow ? 2 : names.length + 1}
              isFirst={isFirst}
              isNarrow={isNarrow}
              key={claim.id}
              showsPool={showsPool}
              {...(onRecipient && { onRecipient })}
              {...(onChange && { onChange })}
            />
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  )
}

/** The claims with those of a recipient after its newest one. `isFirst`: the claim before it is for somebody else. */
function byRecipient(claims: readonly ListedClaimOf[]): { claim: ListedClaimOf; isFirst: boolean }[] {
  const groups = Map.groupBy(claims, ({ id, recipient }) =>
    recipient === null ? `nobody ${id}` : `for ${recipient}`,
  )
  return [...groups.values()].flatMap((group) => group.map((claim, i) => ({ claim, isFirst: i === 0 })))
}
