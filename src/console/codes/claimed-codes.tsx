import { Button, Group, Menu, Stack, Text } from '@mantine/core'
import { ChevronDownIcon } from '@primer/octicons-react'
import { useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { Empty } from '../parts/empty.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Pager, usePaging } from '../parts/paging.tsx'
import { usePoolOfPage } from '../pools/pool-of-page.ts'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { useAskToVoid } from './ask-to-void.tsx'
import { ChangeDialog } from './change-dialog.tsx'
import { ListedCode } from './code-fields.ts'
import { CodeTable } from './code-table.tsx'
import { useFreshWithPool } from './use-fresh.ts'

const ClaimedCodesQuery = graphql(
  `
    query ClaimedCodes($poolId: ID!, $after: String) {
      pool(id: $poolId) {
        id
        codes(status: CLAIMED, first: 25, after: $after) {
          edges {
            node {
              ...ListedCode
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  `,
  [ListedCode],
)

/** The codes that somebody has, newest first, with what became of each. Some can be chosen and voided. */
export function ClaimedCodes() {
  const pool = usePoolOfPage()
  const mayManage = useMay('MANAGE')
  const paging = usePaging(pool.id)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const result = useQuery({
    query: ClaimedCodesQuery,
    variables: { poolId: pool.id, after: paging.after },
    requestPolicy: 'cache-and-network',
  })
  useFreshWithPool(result[1])
  return (
    <Loaded of={result}>
      {({ pool: read }) => {
        const codes = read?.codes
        if (codes == null) return null
        if (codes.edges.length === 0 && paging.isFirst)
          return <Empty title={text.codes.noClaimsTitle}>{text.codes.noClaims}</Empty>
        return (
          <Stack gap="sm">
            {mayManage && <Actions chosen={chosen} onDone={() => setChosen(new Set())} />}
            <CodeTable
              codes={codes.edges.map(({ node }) => node)}
              columns={['validity', 'recipient', 'claimedAt', 'expiresAt']}
              label={text.codes.views.claimed}
              {...(mayManage && { selection: { ids: chosen, change: setChosen } })}
            />
            <Pager pageInfo={codes.pageInfo} paging={paging} />
          </Stack>
        )
      }}
    </Loaded>
  )
}

/** What can be done with chosen codes, or with those of a task. */
function Actions({ chosen, onDone }: { chosen: ReadonlySet<string>; onDone: () => void }) {
  const [change, setChange] = useState<'void' | 'unvoid'>()
  const { askToVoid, askToUnvoid } = useAskToVoid(onDone)
  const codeIds = [...chosen]
  const what = text.common.codes(codeIds.length.toString())
  return (
    <Group justify="space-between" mih={36}>
      {chosen.size === 0 ? (
        <Text c="dimmed" size="sm">
          {text.codes.chooseHint}
        </Text>
      ) : (
        <Group gap="xs">
          <Text aria-live="polite" fw={600} size="sm">
            {text.codes.chosen(what)}
          </Text>
          <Button color="red.9" onClick={() => askToVoid({ codeIds }, what)} size="xs">
            {text.codes.voiding.void}
          </Button>
          <Button onClick={() => askToUnvoid({ codeIds }, what)} size="xs" variant="default">
            {text.codes.voiding.unvoid}
          </Button>
        </Group>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <Button rightSection={<ChevronDownIcon />} size="xs" variant="default">
            {text.codes.voidMany}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setChange('void')}>{text.codes.changes.void.menu}</Menu.Item>
          <Menu.Item onClick={() => setChange('unvoid')}>{text.codes.changes.unvoid.menu}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {change !== undefined && <ChangeDialog change={change} isOpen onClose={() => setChange(undefined)} />}
    </Group>
  )
}
