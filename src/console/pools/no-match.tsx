import { Button, Group } from '@mantine/core'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { Empty } from '../parts/empty.tsx'
import { text } from '../text.ts'
import type { PoolListFilter, Show } from './filter.ts'

const MatchesQuery = graphql(`
  query Matches($search: String) {
    active: pools(first: 1, search: $search, archived: false) {
      totalCount
    }
    archived: pools(first: 1, search: $search, archived: true) {
      totalCount
    }
  }
`)

/** Says that no pool passes the filter, and leads to those that have the name that is searched for but do not pass it. */
export function NoMatch({
  filter: { search, show },
  change,
  clear,
}: {
  filter: PoolListFilter
  change: (changes: Partial<PoolListFilter>) => void
  clear: () => void
}) {
  const [{ data }] = useQuery({
    query: MatchesQuery,
    variables: { search },
    requestPolicy: 'cache-and-network',
    pause: search === '',
  })
  const all: readonly { show: Show; n: string; what: string }[] =
    search === '' || data === undefined
      ? []
      : [
          { show: 'all', n: data.active.totalCount, what: text.pools.activeCount(data.active.totalCount) },
          {
            show: 'archived',
            n: data.archived.totalCount,
            what: text.pools.archivedCount(data.archived.totalCount),
          },
        ]
  const elsewhere = all.filter((place) => place.show !== show && place.n !== '0')
  const isOne = elsewhere.length === 1 && elsewhere[0]?.n === '1'
  return (
    <Empty
      action={
        <Group justify="center">
          {elsewhere.map(({ show, what }) => (
            <Button key={show} onClick={() => change({ show })}>
              {text.pools.see(what)}
            </Button>
          ))}
          <Button onClick={clear} variant="default">
            {text.pools.clear}
          </Button>
        </Group>
      }
      title={titles[show] ?? text.pools.noMatch}
    >
      {elsewhere.length === 0
        ? text.pools.noMatchHint
        : text.pools.matchElsewhere(
            elsewhere.map(({ what }) => what),
            isOne,
          )}
    </Empty>
  )
}

const titles: Partial<Record<Show, string>> = {
  all: text.pools.noActiveMatch,
  archived: text.pools.noArchivedMatch,
}
