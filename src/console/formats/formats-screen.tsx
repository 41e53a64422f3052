import { Button, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { PlusIcon, SearchIcon } from '@primer/octicons-react'
import { useNavigate, useSearchParams } from 'react-router'
import { Empty } from '../parts/empty.tsx'
import { useChangeAddress, useEntryKey } from '../parts/entry-state.ts'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { More } from '../parts/paging.tsx'
import { useTyped } from '../parts/use-typed.ts'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { CreateFormat } from './create-format.tsx'
import { FormatTable } from './format-table.tsx'
import { useFormats } from './formats.ts'

/** The formats of the account: what each looks like, and how many codes it has left. */
export function FormatsScreen() {
  return <Formats key={useEntryKey()} />
}

function Formats() {
  const mayManage = useMay('MANAGE')
  const navigate = useNavigate()
  const [params] = useSearchParams()
  const changeAddress = useChangeAddress()
  // In the address, so that it is there again after going back or signing in again.
  const { typed: search, type } = useTyped(params.get('search') ?? '', (search) =>
    changeAddress(search === '' ? {} : { search }),
  )
  const [isCreating, { open, close }] = useDisclosure()
  const { result, formats, isSearching, more } = useFormats(search)
  const create = mayManage && (
    <Button leftSection={<PlusIcon />} onClick={open}>
      {text.formats.createTitle}
    </Button>
  )
  const hasNone = formats.length === 0 && search.trim() === '' && !isSearching
  return (
    <Page actions={!hasNone && create} lead={text.formats.lead} title={text.shell.formats}>
      {!hasNone && (
        <TextInput
          aria-label={text.formats.search}
          leftSection={<SearchIcon />}
          maw={420}
          maxLength={200}
          onChange={({ currentTarget }) => type(currentTarget.value)}
          placeholder={text.formats.search}
          type="search"
          value={search}
        />
      )}
      <Loaded of={result}>
        {() =>
          hasNone ? (
            <Empty action={create} title={text.formats.noneTitle}>
              {text.formats.none}
            </Empty>
          ) : formats.length === 0 ? (
            <Text c="dimmed" role="status">
              {isSearching ? text.common.loading : text.formats.notFound(search.trim())}
            </Text>
          ) : (
            <Stack>
              <FormatTable formats={formats} />
              {more !== undefined && <More isReading={result[0].fetching} read={more} />}
            </Stack>
          )
        }
      </Loaded>
      <CreateFormat
        close={close}
        isOpen={isCreating}
        onCreate={({ id }) => {
          close()
          void navigate(`/formats/${id}`)
        }}
      />
    </Page>
  )
}
