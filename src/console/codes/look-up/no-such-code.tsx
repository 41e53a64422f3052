import { Button, Paper, Text } from '@mantine/core'
import { useQuery } from 'urql'
import { graphql } from '../../api/graphql.ts'
import { list } from '../../intl.ts'
import { text } from '../../text.ts'

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

/** Says that a code was not found, and what else could be meant: the part of it that differs, or a customer. */
export function NoSuchCode({
  typed,
  searchCustomer,
}: {
  typed: string
  searchCustomer: (recipient: string) => void
}) {
  const recipient = typed.trim()
  const [{ data }] = useQuery({ query: HintsQuery, variables: { recipient } })
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
      {data !== undefined && data.claims.edges.length > 0 && (
        <Button mt="sm" onClick={() => searchCustomer(recipient)} size="xs" variant="default">
          {words.isCustomer(recipient)}
        </Button>
      )}
    </Paper>
  )
}

/** What all codes of a format begin with. */
function prefixOf(pattern: string): string {
  const [prefix = ''] = /^(?:\\.|[^#\\])*/u.exec(pattern) ?? []
  return prefix.replace(/\\(.)/gu, '$1')
}
