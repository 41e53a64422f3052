import { Button, Paper } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { PlusIcon } from '@primer/octicons-react'
import { useQuery } from 'urql'
import { Empty } from '../parts/empty.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Page } from '../parts/page.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { CreateWebhook } from './create-webhook.tsx'
import { useKeptFresh } from './use-kept-fresh.ts'
import { WebhookTable } from './webhook-table.tsx'
import { WebhooksQuery } from './webhooks.ts'

/** The webhooks of the account, and whether their messages arrive. */
export function WebhooksScreen() {
  const mayManage = useMay('ADMIN')
  const variables = { mayManage }
  const result = useQuery({ query: WebhooksQuery, variables, requestPolicy: 'cache-and-network' })
  useKeptFresh(WebhooksQuery, variables)
  const isEmpty = result[0].data?.account.webhooks.length === 0
  const [isCreating, { open, close }] = useDisclosure()
  const create = mayManage && (
    <Button leftSection={<PlusIcon />} onClick={open}>
      {text.webhooks.create}
    </Button>
  )
  return (
    <Page actions={!isEmpty && create} lead={text.webhooks.lead} title={text.shell.webhooks}>
      <Loaded of={result}>
        {({ account: { webhooks } }) =>
          webhooks.length === 0 ? (
            <Empty action={create} title={text.webhooks.noneTitle}>
              {text.webhooks.none} {!mayManage && text.webhooks.noneReadOnly}
            </Empty>
          ) : (
            <Paper withBorder>
              <WebhookTable webhooks={webhooks} />
            </Paper>
          )
        }
      </Loaded>
      <CreateWebhook close={close} isOpen={isCreating} />
    </Page>
  )
}
