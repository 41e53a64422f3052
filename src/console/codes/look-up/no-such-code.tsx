import { Button, Group, Paper, Text } from '@mantine/core'
import { useQuery } from 'urql'
import { graphql } from '../../api/graphql.ts'
import { list } from '../../intl.ts'
import { text } from '../../text.ts'
import { OrderQuery } from './order-query.ts'

const words = text.codes.lookUp

const HintsQuery = graphql(`
  query LookUpHints($recipient: String!) {
    claims(recipient: $recipient, first: 1) {
      edges {
        node {
          id
        }
      }
    }
    formats(first: 100) {
      edges {
        node {
          id
          pattern
        }
      }
    }
  }
`)

const maxShownPrefixes = 3

/** Says that a code was not found, and what else could be meant: the part of it that differs, a customer or an order. */
export function NoSuchCode({
  typed,
  searchCustomer,
  searchOrder,
}: {
  typed: string
  searchCustomer: (recipient: string) => void
  searchOrder: (reference: string) => void
}) {
  const meant = typed.trim()
  const [{ data }] = useQuery({ query: HintsQuery, variables: { recipient: meant } })
  const [{ data: order }] = useQuery({ query: OrderQuery, variables: { reference: meant, after: null } })
  const prefixes = new Set(data?.formats.edges.map(({ node }) => prefixOf(node.pattern)))
  prefixes.delete('')
  const shown = [...prefixes].slice(0, maxShownPrefixes).map((prefix) => `“${prefix}”`)
  return (
    <Paper p="lg" withBorder>
      <Text fw={600}>{words.none}</Text>
      <Text c="dimmed" mt={4} size="sm">
        {shown.length > 0 && `${words.wholeCode(list(shown))} `}
        {words.noneHint}
      </Text>
      <Group gap="sm">
        {data !== undefined && data.claims.edges.length > 0 && (
          <Button mt="sm" onClick={() => searchCustomer(meant)} size="xs" variant="default">
            {words.isCustomer(meant)}
          </Button>
        )}
        {order !== undefined && order.redemptions.edges.length > 0 && (
          <Button mt="sm" onClick={() => searchOrder(meant)} size="xs" variant="default">
            {words.isOrder(meant)}
          </Button>
        )}
      </Group>
    </Paper>
  )
}

/** What all codes of a format begin with. */
function prefixOf(pattern: string): string {
  const [prefix = ''] = /^(?:\\.|[^#\\])*/u.exec(pattern) ?? []
  return prefix.replace(/\\(.)/gu, '$1')
}
