import { Button, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { PlusIcon } from '@primer/octicons-react'
import { useNavigate } from 'react-router'
import { useOtherScreensSoon } from '../load-other-screens.ts'
import { Empty } from '../parts/empty.tsx'
import { useEntryKey } from '../parts/entry-state.ts'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { CreatePool } from './create-pool.tsx'
import { useLast30Days } from './days.ts'
import { useFilter } from './filter.ts'
import { FilterBar } from './filter-bar.tsx'
import { NoMatch } from './no-match.tsx'
import { PoolList, usePoolPage } from './pool-list.tsx'
import { Welcome } from './welcome.tsx'

/** The pools of the account; for a key that may not see them, what it may do instead. */
export function PoolsScreen() {
  return useMay('READ') ? <Pools /> : <Welcome />
}

function Pools() {
  const mayManage = useMay('MANAGE')
  const [filter, change] = useFilter()
  const days = useLast30Days()
  const entry = useEntryKey()
  const navigate = useNavigate()
  const clear = () => void navigate('/', { replace: true })
  const isFiltered = filter.search !== '' || filter.show !== 'all'
  const first = usePoolPage({ filter, days })
  useOtherScreensSoon(first[0].data !== undefined)
  const isEmpty = first[0].data?.pools.edges.length === 0
  const [isCreating, { open, close }] = useDisclosure()
  const create = mayManage && (
    <Button leftSection={<PlusIcon />} onClick={open}>
      {text.pools.create}
    </Button>
  )
  return (
    <Page
      lead={text.pools.lead}
      title={text.shell.pools}
      {...(!(isEmpty && !isFiltered) && { actions: create })}
    >
      {!(isEmpty && !isFiltered) && <FilterBar change={change} filter={filter} key={entry} />}
      <Loaded of={first}>
        {(page) => {
          const { pools } = page
          if (pools.edges.length > 0)
            return (
              <Stack gap="xs">
                <Text aria-live="polite" c="dimmed" size="sm">
                  {text.pools.total(pools.totalCount)}
                </Text>
                <PoolList days={days} filter={filter} first={page} />
              </Stack>
            )
          if (!isFiltered)
            return (
              <Empty action={create} title={text.pools.noneTitle}>
                {mayManage ? text.pools.noneHint : text.pools.noneReadOnly}
              </Empty>
            )
          if (filter.show !== 'archived' || filter.search !== '')
            return <NoMatch change={change} clear={clear} filter={filter} />
          return (
            <Empty
              action={
                <Button onClick={clear} variant="default">
                  {text.pools.clear}
                </Button>
              }
              title={text.pools.noneArchived}
            >
              {text.pools.noneArchivedHint}
            </Empty>
          )
        }}
      </Loaded>
      <CreatePool close={close} isOpen={isCreating} />
    </Page>
  )
}
