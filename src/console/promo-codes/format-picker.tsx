import { Box, Select, Text } from '@mantine/core'
import { useState } from 'react'
import type { FormatOfPage } from '../formats/format-details.ts'
import { useFormats } from '../formats/formats.ts'
import { text } from '../text.ts'

interface FormatPickerProps {
  selected: FormatOfPage | undefined
  onSelect: (format: FormatOfPage) => void
  error: React.ReactNode
}

/** Picks one of the account's formats, which are searched by name as somebody types. */
export function FormatPicker({ selected, onSelect, error }: FormatPickerProps) {
  const [typed, setTyped] = useState(selected?.name ?? '')
  // While nothing is searched for, the field shows the name of what is selected.
  const search = typed === selected?.name ? '' : typed
  const { formats: found, isSearching, more } = useFormats(search)
  const known = new Map(
    [...(selected === undefined ? [] : [selected]), ...found].map((format) => [format.id, format]),
  )
  const shown = search === '' ? [...known.keys()] : found.map(({ id }) => id)
  return (
    <Select
      allowDeselect={false}
      data={[...known.values()].map(({ id, name }) => ({ value: id, label: name }))}
      error={error}
      filter={({ options }) =>
        options.filter((option) => 'value' in option && shown.includes(String(option.value)))
      }
      label={text.promoCodes.pickFormat}
      maxDropdownHeight={320}
      maxLength={200}
      nothingFoundMessage={isSearching ? text.common.loading : text.formats.notFound(search)}
      onChange={(id) => {
        const format = id === null ? undefined : known.get(id)
        if (format !== undefined) onSelect(format)
      }}
      onSearchChange={setTyped}
      placeholder={text.promoCodes.searchFormats}
      required
      renderOption={({ option }) => <Option format={known.get(String(option.value))} />}
      scrollAreaProps={{ ...(more !== undefined && { onBottomReached: more }) }}
      searchable
      searchValue={typed}
      value={selected?.id ?? null}
    />
  )
}

function Option({ format }: { format: FormatOfPage | undefined }) {
  if (format === undefined) return null
  const { name, pattern, availableForGeneration } = format
  return (
    // Not a Group, which would be as wide as the longest name.
    <Box
      display="grid"
      flex={1}
      style={{ gridTemplateColumns: 'minmax(0, 1fr) auto', alignItems: 'center', gap: 12 }}
    >
      <div>
        <Text size="sm" truncate>
          {name}
        </Text>
        <Text c="dimmed" ff="monospace" size="xs" truncate>
          {pattern}
        </Text>
      </div>
      <Text c="dimmed" size="xs">
        {text.promoCodes.left(availableForGeneration)}
      </Text>
    </Box>
  )
}
