import { Button, Tabs } from '@mantine/core'
import { useDisclosure, useMediaQuery } from '@mantine/hooks'
import { PlusIcon } from '@primer/octicons-react'
import { useService } from '../../api/service.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { usePoolOfPage } from '../../pools/pool-of-page.ts'
import { text } from '../../text.ts'
import { ClaimFile } from './claim-file.tsx'
import { ClaimForRecipients } from './claim-for-recipients.tsx'
import { ClaimSome } from './claim-some.tsx'

const tabs = ['some', 'list', 'file'] as const

/** Claims codes by hand: some for one recipient, one for each of a list, or a file of them. */
export function ClaimButton() {
  const pool = usePoolOfPage()
  const [isOpen, { open, close }] = useDisclosure()
  const isNarrow = useMediaQuery('(max-width: 48em)')
  const { unanswered } = useService()
  // Where the answer to a claim was lost, that is what there is to go on with.
  const first = tabs.find((tab) => unanswered.of(`claim-${tab} ${pool.id}`) !== undefined) ?? 'some'
  return (
    <>
      {pool.archivedAt === null && (
        <Button leftSection={<PlusIcon />} onClick={open}>
          {text.codes.claim.button}
        </Button>
      )}
      <Dialog
        fullScreen={isNarrow}
        onClose={close}
        opened={isOpen}
        size="xl"
        title={text.codes.claim.title(pool.name)}
      >
        <Tabs defaultValue={first} variant={isNarrow ? 'pills' : 'default'}>
          <Tabs.List mb="md">
            <Tabs.Tab value="some">{text.codes.claim.some}</Tabs.Tab>
            <Tabs.Tab value="list">{text.codes.claim.list}</Tabs.Tab>
            <Tabs.Tab value="file">{text.codes.claim.file}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="some">
            <ClaimSome pool={pool} />
          </Tabs.Panel>
          <Tabs.Panel value="list">
            <ClaimForRecipients pool={pool} />
          </Tabs.Panel>
          <Tabs.Panel value="file">
            <ClaimFile pool={pool} />
          </Tabs.Panel>
        </Tabs>
      </Dialog>
    </>
  )
}
