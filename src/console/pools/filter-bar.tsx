import { CloseButton, Group, SegmentedControl, TextInput } from '@mantine/core'
import { SearchIcon } from '@primer/octicons-react'
import { useTyped } from '../parts/use-typed.ts'
import { text } from '../text.ts'
import { type PoolListFilter, shows } from './filter.ts'

/** Searches as one types, and filters by status. */
export function FilterBar({
  filter,
  change,
}: {
  filter: PoolListFilter
  change: (changes: Partial<PoolListFilter>) => void
}) {
  const { typed, type, put } = useTyped(filter.search, (search) => change({ search }))
  return (
    <Group gap="sm">
      <TextInput
        aria-label={text.pools.search}
        flex="1 1 220px"
        leftSection={<SearchIcon />}
        maw={360}
        onChange={({ currentTarget }) => type(currentTarget.value)}
        placeholder={text.pools.search}
        rightSection={
          typed !== '' && <CloseButton aria-label={text.pools.clearSearch} onClick={() => put('')} />
        }
        type="search"
        value={typed}
      />
      <SegmentedControl
        aria-label={text.pools.show}
        data={shows.map((show) => ({ value: show, label: text.pools.filters[show] }))}
        onChange={(show) => change({ show })}
        value={filter.show}
      />
    </Group>
  )
}
