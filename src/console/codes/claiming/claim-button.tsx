import { Button, Modal, Tabs } from '@mantine/core'
import { useDisclosure, useMediaQuery } from '@mantine/hooks'
import { PlusIcon } from '@primer/octicons-react'
import { usePoolOfPage } from '../../pools/pool-of-page.ts'
import { text } from '../../text.ts'
import { ClaimFile } from './claim-file.tsx'
import { ClaimForRecipients } from './claim-for-recipients.tsx'
import { ClaimSome } from './claim-some.tsx'

/** Claims codes by hand: some for one recipient, one for each of a list, or a file of them. */
export function ClaimButton() {
  const pool = usePoolOfPage()
  const [isOpen, { open, close }] = useDisclosure()
  const isNarrow = useMediaQuery('(max-width: 48em)')
  if (pool.archivedAt !== null) return null
  return (
    <>
      <Button leftSection={<PlusIcon />} onClick={open}>
        {text.codes.claim.button}
      </Button>
      <Modal
        fullScreen={isNarrow}
        onClose={close}
        opened={isOpen}
        size="xl"
        title={text.codes.claim.title(pool.name)}
      >
        <Tabs defaultValue="some" keepMounted={false} variant={isNarrow ? 'pills' : 'default'}>
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
      </Modal>
    </>
  )
}
