import { ActionIcon, Menu } from '@mantine/core'
import { ArchiveIcon, GearIcon, KebabHorizontalIcon } from '@primer/octicons-react'
import { Link } from 'react-router'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { useArchiving } from './archiving.tsx'
import type { PoolInList } from './pool-in-list.ts'
import classes from './pools.module.css'

/** What can be done with a pool in the list. Nothing for a key that may only look. */
export function PoolMenu({ of: pool }: { of: PoolInList }) {
  const mayManage = useMay('MANAGE')
  const askToArchive = useArchiving(pool)
  if (!mayManage) return null
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon
          aria-label={text.pools.actions(pool.name)}
          className={classes.above}
          color="gray"
          variant="subtle"
        >
          <KebabHorizontalIcon />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} leftSection={<GearIcon />} to={`/pools/${pool.id}/settings`}>
          {text.pools.sections.settings}
        </Menu.Item>
        <Menu.Item leftSection={<ArchiveIcon />} onClick={askToArchive}>
          {pool.archivedAt === null ? text.pools.archive : text.pools.unarchive}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
