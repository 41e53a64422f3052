import { Badge, Code, DataList, Paper, Stack, Table, Text, UnstyledButton } from '@mantine/core'
import { useId, useState } from 'react'
import { useQuery } from 'urql'
import { duration, moment } from '../intl.ts'
import { Fact } from '../parts/fact.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Section } from '../parts/page.tsx'
import { Pager, usePaging } from '../parts/paging.tsx'
import classes from '../parts/stacked-table.module.css'
import { Moment } from '../parts/time.tsx'
import { text } from '../text.ts'
import { messageName } from './event-kinds.ts'
import { useKeptFresh } from './use-kept-fresh.ts'
import { type Deliveries, DeliveriesQuery, type Delivery } from './webhooks.ts'

const words = text.webhooks.deliveries

/** What a webhook has sent of late, and what its receiver answered. */
export function DeliveriesOf({ webhookId }: { webhookId: string }) {
  const paging = usePaging(webhookId)
  const variables = { id: webhookId, after: paging.after }
  const result = useQuery({ query: DeliveriesQuery, variables, requestPolicy: 'cache-and-network' })
  useKeptFresh(DeliveriesQuery, variables)
  return (
    <Section lead={words.lead} title={words.title}>
      <Loaded of={result}>
        {({ webhook }) => {
          if (webhook === null) return null
          const { edges, pageInfo } = webhook.deliveries
          if (edges.length === 0 && paging.isFirst) return <Text c="dimmed">{words.none}</Text>
          return (
            <Stack gap="sm">
              <DeliveryTable edges={edges} />
              <Pager pageInfo={pageInfo} paging={paging} />
            </Stack>
          )
        }}
      </Loaded>
    </Section>
  )
}

function DeliveryTable({ edges }: { edges: Deliveries['edges'] }) {
  return (
    <Paper withBorder>
      <Table aria-label={words.title} className={classes.stacked} layout="fixed" verticalSpacing="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={190}>{words.columns.at}</Table.Th>
            <Table.Th>{words.columns.what}</Table.Th>
            <Table.Th>{words.columns.result}</Table.Th>
            <Table.Td w={100} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {edges.map(({ node }) => (
            <DeliveryRow delivery={node} key={`${node.messageId} ${node.at}`} />
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  )
}

function DeliveryRow({ delivery }: { delivery: Delivery }) {
  const { type, at, attempt, succeeded, error } = delivery
  const [isOpen, setOpen] = useState(false)
  const id = useId()
  const what = messageName(type)
  return (
    <>
      <Table.Tr>
        <Table.Td>
          <Moment at={at} />
        </Table.Td>
        <Table.Td>{what}</Table.Td>
        <Table.Td>
          <Badge autoContrast color={succeeded ? 'green' : 'red'} miw="max-content" tt="none" variant="dot">
            {succeeded ? words.accepted : words.refused}
          </Badge>
          {attempt > 1 && (
            <Text c="dimmed" component="span" ml={6} size="sm">
              {words.attempt(attempt)}
            </Text>
          )}
          {error !== null && (
            <Text mt={4} size="sm" style={{ overflowWrap: 'anywhere' }}>
              {error}
            </Text>
          )}
        </Table.Td>
        <Table.Td ta="right">
          <UnstyledButton
            aria-controls={id}
            aria-expanded={isOpen}
            aria-label={words.detailsOf(what, moment(at))}
            fz="sm"
            onClick={() => setOpen(!isOpen)}
            td="underline dotted"
          >
            {words.details}
          </UnstyledButton>
        </Table.Td>
      </Table.Tr>
      {isOpen && (
        <Table.Tr id={id}>
          <Table.Td colSpan={4}>
            <Details of={delivery} />
          </Table.Td>
        </Table.Tr>
      )}
    </>
  )
}

/** For whoever looks for a message in what the receiver has logged. */
function Details({ of: { type, messageId, durationMs, status, answer } }: { of: Delivery }) {
  return (
    <DataList labelWidth={90}>
      <Fact label={words.type}>
        <Code>{type}</Code>
      </Fact>
      <Fact label={words.id}>
        <Code style={{ overflowWrap: 'anywhere' }}>{messageId}</Code>
      </Fact>
      <Fact label={words.took}>{duration(durationMs)}</Fact>
      <Fact label={words.status}>
        {status ?? words.noAnswer}
        {answer !== null && answer !== '' && (
          <Code block mt={4} style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
            {answer}
          </Code>
        )}
      </Fact>
    </DataList>
  )
}
