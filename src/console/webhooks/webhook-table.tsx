import { Anchor, Group, Table, Text } from '@mantine/core'
import { CheckIcon, XIcon } from '@primer/octicons-react'
import { Link } from 'react-router'
import classes from '../parts/stacked-table.module.css'
import { Distance } from '../parts/time.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { kindName } from './event-kinds.ts'
import { StandingOf } from './standing.tsx'
import type { WebhookInList } from './webhooks.ts'

const { columns } = text.webhooks

/** Webhooks as rows that lead to their pages; as a list where that is too narrow. */
export function WebhookTable({ webhooks }: { webhooks: readonly WebhookInList[] }) {
  const mayManage = useMay('ADMIN')
  return (
    <Table aria-label={text.shell.webhooks} className={classes.stacked} layout="fixed" verticalSpacing="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{columns.address}</Table.Th>
          <Table.Th w={230}>{columns.status}</Table.Th>
          <Table.Th>{columns.sends}</Table.Th>
          <Table.Th w={150}>{columns.behind}</Table.Th>
          {mayManage && <Table.Th w={170}>{columns.last}</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {webhooks.map((webhook) => (
          <WebhookRow key={webhook.id} of={webhook} />
        ))}
      </Table.Tbody>
    </Table>
  )
}

function WebhookRow({ of: webhook }: { of: WebhookInList }) {
  const { id, host, url, kinds, pool, eventsBehind, deliveries } = webhook
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor
          component={Link}
          fw={600}
          lineClamp={2}
          size="sm"
          style={{ overflowWrap: 'anywhere' }}
          title={url ?? host}
          to={`/webhooks/${id}`}
        >
          {url ?? host}
        </Anchor>
      </Table.Td>
      <Table.Td>
        <StandingOf of={webhook} />
      </Table.Td>
      <Table.Td data-label={columns.sends}>
        {kindsInShort(kinds)}
        {pool !== null && (
          <Text c="dimmed" component="span" display="block" size="sm" style={{ overflowWrap: 'anywhere' }}>
            {text.webhooks.onlyOf} <bdi>{pool.name}</bdi>
          </Text>
        )}
      </Table.Td>
      <Table.Td data-label={columns.behind}>
        {eventsBehind === '0' ? text.webhooks.nothingBehind : text.webhooks.behind(eventsBehind)}
      </Table.Td>
      {deliveries !== undefined && (
        <Table.Td data-label={columns.last}>
          <LastDelivery of={deliveries.edges[0]?.node} />
        </Table.Td>
      )}
    </Table.Tr>
  )
}

function kindsInShort(kinds: WebhookInList['kinds']): string {
  const [only] = kinds
  if (only === undefined) return text.webhooks.allEvents
  return kinds.length === 1 ? kindName(only) : text.webhooks.someEvents(kinds.length)
}

function LastDelivery({ of: delivery }: { of: { at: string; succeeded: boolean } | undefined }) {
  if (delivery === undefined) return text.webhooks.noDelivery
  const { at, succeeded } = delivery
  const words = text.webhooks.deliveries
  return (
    <Group component="span" display="inline-flex" gap={6} wrap="nowrap">
      {succeeded ? (
        <CheckIcon aria-label={words.accepted} fill="var(--mantine-color-green-6)" />
      ) : (
        <XIcon aria-label={words.refused} fill="var(--mantine-color-red-6)" />
      )}
      <Distance at={at} />
    </Group>
  )
}
