import { ActionIcon, Menu } from '@mantine/core'
import { KebabHorizontalIcon } from '@primer/octicons-react'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { useAskToVoid } from './ask-to-void.tsx'
import { changesOf, type ListedClaimOf } from './claims-query.ts'

/** What can be done with the codes of a claim. */
export function ClaimMenu({ claim, onChange }: { claim: ListedClaimOf; onChange?: () => void }) {
  const { id, count, recipient, codesUrl } = claim
  const mayManage = useMay('MANAGE')
  const { askToVoid, askToUnvoid } = useAskToVoid(onChange)
  const what = text.codes.ofClaim(count, recipient)
  const { canVoid, canUnvoid } = changesOf([claim])
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon aria-label={text.codes.claimActions(what)} color="gray" variant="subtle">
          <KebabHorizontalIcon />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component="a" download href={`${codesUrl}&bom=true`}>
          {text.codes.downloadClaim}
        </Menu.Item>
        {mayManage && canVoid && (
          <Menu.Item onClick={() => askToVoid({ claimId: id }, what)}>{text.codes.voiding.void}</Menu.Item>
        )}
        {mayManage && canUnvoid && (
          <Menu.Item onClick={() => askToUnvoid({ claimId: id }, what)}>
            {text.codes.voiding.unvoid}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
