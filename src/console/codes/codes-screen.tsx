import { Group, Stack, Tabs } from '@mantine/core'
import { useState } from 'react'
import { useSearchParams } from 'react-router'
import { count } from '../intl.ts'
import { usePoolOfPage } from '../pools/pool-of-page.ts'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { ClaimedCodes } from './claimed-codes.tsx'
import { ClaimButton } from './claiming/claim-button.tsx'
import { Claims } from './claims.tsx'
import { Downloads } from './downloads.tsx'
import { Stock } from './stock.tsx'

const views = ['claimed', 'claims', 'available', 'withdrawn'] as const
type View = (typeof views)[number]

const isView = (name: string | null): name is View => views.some((view) => view === name)

/** The section Codes of a pool: who has which codes, those that nobody has, and what can be done with them. */
export function CodesScreen() {
  const pool = usePoolOfPage()
  const mayManage = useMay('MANAGE')
  const mayClaim = useMay('CLAIM')
  const [search, setSearch] = useSearchParams()
  const shown = views.filter((view) => mayManage || view === 'claimed' || view === 'claims')
  const asked = search.get('show')
  // It stays when the first code is claimed: somebody may be at work there.
  const [first] = useState<View>(mayManage && pool.claimedCount === '0' ? 'available' : 'claimed')
  const view = isView(asked) && shown.includes(asked) ? asked : first
  const counts = {
    claimed: pool.claimedCount,
    claims: undefined,
    available: pool.availableCount,
    withdrawn: pool.withdrawnCount,
  }
  const label = (name: View) => {
    const n = counts[name]
    return n === undefined ? text.codes.views[name] : `${text.codes.views[name]} (${count(n)})`
  }
  return (
    <Tabs
      keepMounted={false}
      onChange={(show) => {
        // The tab that is shown can be pressed, too: what was searched for on it stays.
        if (show !== null && show !== view) setSearch({ show }, { replace: true })
      }}
      value={view}
      variant="pills"
    >
      <Stack>
        <Group justify="space-between">
          <Tabs.List aria-label={text.codes.show}>
            {shown.map((name) => (
              <Tabs.Tab key={name} value={name}>
                {label(name)}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Group gap="sm">
            <Downloads />
            {mayClaim && <ClaimButton />}
          </Group>
        </Group>
        <Tabs.Panel value="claimed">
          <ClaimedCodes />
        </Tabs.Panel>
        <Tabs.Panel value="claims">
          <Claims />
        </Tabs.Panel>
        <Tabs.Panel value="available">
          <Stock status="AVAILABLE" />
        </Tabs.Panel>
        <Tabs.Panel value="withdrawn">
          <Stock status="WITHDRAWN" />
        </Tabs.Panel>
      </Stack>
    </Tabs>
  )
}
