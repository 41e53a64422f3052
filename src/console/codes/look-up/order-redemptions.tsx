import { Anchor, Badge, Button, Paper, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'react-router'
import { useQuery } from 'urql'
import { Loaded } from '../../parts/loaded.tsx'
import { More } from '../../parts/paging.tsx'
import { Sentence } from '../../parts/sentence.tsx'
import classes from '../../parts/stacked-table.module.css'
import { Moment } from '../../parts/time.tsx'
import { useMay } from '../../shell/viewer.tsx'
import { text } from '../../text.ts'
import { CodeText } from '../code-text.tsx'
import { type ListedRedemptionOf, OrderQuery } from './order-query.ts'
import { useAskToRollBack } from './roll-back.ts'

const words = text.codes.lookUp

/** What was redeemed for an order, in all pools, newest first. Mounted anew for each reference. */
export function OrderRedemptions({
  reference,
  search,
}: {
  reference: string
  search: (reference: string) => void
}) {
  const [after, setAfter] = useState<string | null>(null)
  const result = useQuery({
    query: OrderQuery,
    variables: { reference, after },
    requestPolicy: 'cache-and-network',
  })
  return (
    <Loaded of={result}>
      {({ redemptions: { edges, pageInfo } }) =>
        edges.length === 0 ? (
          <NoSuchOrder reference={reference} search={search} />
        ) : (
          <Stack gap="sm">
            <Paper withBorder>
              <RedemptionTable redemptions={edges.map(({ node }) => node)} />
            </Paper>
            {pageInfo.hasNextPage && (
              <More isReading={result[0].fetching} read={() => setAfter(pageInfo.endCursor)} />
            )}
          </Stack>
        )
      }
    </Loaded>
  )
}

function RedemptionTable({ redemptions }: { redemptions: readonly ListedRedemptionOf[] }) {
  const { columns } = text.codes
  return (
    <Table aria-label={words.redemptions} className={classes.stacked} layout="fixed" verticalSpacing="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{columns.code}</Table.Th>
          <Table.Th>{columns.pool}</Table.Th>
          <Table.Th w={190}>{words.redeemed}</Table.Th>
          <Table.Th w={130}>{words.place}</Table.Th>
          <Table.Td w={150} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {redemptions.map((redemption) => (
          <RedemptionRow key={redemption.id} of={redemption} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

function RedemptionRow({ of: { id, at, place, rolledBackAt, code } }: { of: ListedRedemptionOf }) {
  const mayRedeem = useMay('REDEEM')
  // The answer changes what is shown.
  const askToRollBack = useAskToRollBack(() => {})
  return (
    <Table.Tr>
      <Table.Td>
        <CodeText code={code.code} />
      </Table.Td>
      <Table.Td data-label={text.codes.columns.pool} style={{ overflowWrap: 'anywhere' }}>
        <Anchor component={Link} size="sm" to={`/pools/${code.pool.id}`}>
          <bdi>{code.pool.name}</bdi>
        </Anchor>
      </Table.Td>
      <Table.Td data-label={words.redeemed}>
        <Moment at={at} />
      </Table.Td>
      <Table.Td data-label={words.place} style={{ overflowWrap: 'anywhere' }}>
        {place === null ? text.common.none : <bdi>{place}</bdi>}
      </Table.Td>
      <Table.Td ta="right">
        {rolledBackAt !== null ? (
          <>
            <Badge autoContrast color="gray" miw="max-content" tt="none" variant="dot">
              {words.rolledBack}
            </Badge>
            <Text c="dimmed" size="sm">
              <Sentence of={words.rolledBackAt} parts={{ time: <Moment at={rolledBackAt} /> }} />
            </Text>
          </>
        ) : (
          mayRedeem && (
            <Button onClick={() => askToRollBack(id, code.code)} size="xs" variant="default">
              {text.codes.rollBack.action}
            </Button>
          )
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function NoSuchOrder({ reference, search }: { reference: string; search: (reference: string) => void }) {
  const other = reference.trim()
  return (
    <Stack align="flex-start" gap="xs">
      <Text c="dimmed" role="status">
        {words.noSuchOrder}
      </Text>
      {other !== reference && (
        <Button onClick={() => search(other)} size="xs" variant="default">
          {text.codes.searchFor(other)}
        </Button>
      )}
    </Stack>
  )
}
