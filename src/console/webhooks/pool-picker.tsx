import { Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { type ReactNode, useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { text } from '../text.ts'

const words = text.webhooks.form

const PoolNamesQuery = graphql(`
  query PoolNames($search: String) {
    pools(first: 20, search: $search) {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`)

interface Pool {
  id: string
  name: string
}

interface PoolPickerProps {
  /** Null: all pools. */
  value?: Pool | null
  onChange?: (pool: Pool | null) => void
  error?: ReactNode
}

/** Stands for all pools, beside the ids of pools. */
const all = 'all'

/** Long enough that a word typed quickly is searched for once. */
const debounceMs = 200

/** Picks one of the pools that are not archived, which are searched by name as somebody types, or all of them. */
export function PoolPicker({ value = null, onChange, error }: PoolPickerProps) {
  const name = value?.name ?? text.webhooks.allPools
  const [typed, setTyped] = useState(name)
  // While nothing is searched for, the field shows what is selected.
  const search = typed === name ? '' : typed.trim()
  const [settled] = useDebouncedValue(search, debounceMs)
  const [{ data, fetching }] = useQuery({
    query: PoolNamesQuery,
    variables: { search: settled === '' ? null : settled },
    requestPolicy: 'cache-and-network',
  })
  const found = data?.pools.edges.map(({ node }) => node) ?? []
  const known = new Map([...(value === null ? [] : [value]), ...found].map((pool) => [pool.id, pool]))
  const shown = search === '' ? [all, ...known.keys()] : found.map(({ id }) => id)
  const isSearching = settled !== search || fetching
  return (
    <Select
      allowDeselect={false}
      data={[
        { value: all, label: text.webhooks.allPools },
        ...[...known.values()].map(({ id, name }) => ({ value: id, label: name })),
      ]}
      description={words.poolHint}
      error={error}
      filter={({ options }) =>
        options.filter((option) => 'value' in option && shown.includes(String(option.value)))
      }
      label={words.pool}
      maxDropdownHeight={240}
      maxLength={200}
      nothingFoundMessage={isSearching ? text.common.loading : words.noPool(search)}
      onChange={(id) => onChange?.(known.get(id ?? '') ?? null)}
      onSearchChange={setTyped}
      placeholder={words.searchPools}
      searchable
      searchValue={typed}
      value={value?.id ?? all}
    />
  )
}
