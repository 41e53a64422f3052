import { CloseButton, Group, SegmentedControl, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { SearchIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { text } from '../text.ts'
import { type PoolListFilter, shows } from './filter.ts'

const untilTypedMs = 250

/** Searches as one types, and filters by status. */
export function FilterBar({
  filter,
  change,
}: {
  filter: PoolListFilter
  change: (changes: Partial<PoolListFilter>) => void
}) {
  const [typed, setTyped] = useState(filter.search)
  const search = useDebouncedCallback((search: string) => change({ search }), untilTypedMs)
  const type = (typed: string) => {
    setTyped(typed)
    search(typed)
  }
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
          typed !== '' && <CloseButton aria-label={text.pools.clearSearch} onClick={() => type('')} />
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
