import { ActionIcon, Alert, Anchor, Button, DataList, Group, List, Menu, Spoiler, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { CircleSlashIcon, KebabHorizontalIcon, KeyIcon, TrashIcon } from '@primer/octicons-react'
import { type ReactNode, useState } from 'react'
import { Link, useParams } from 'react-router'
import { useQuery } from 'urql'
import { Copy } from '../parts/copy.tsx'
import { Fact } from '../parts/fact.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { NewSecret } from '../parts/new-secret.tsx'
import { NothingHere } from '../parts/nothing-here.tsx'
import { Page } from '../parts/page.tsx'
import { Sentence } from '../parts/sentence.tsx'
import { Distance, Moment } from '../parts/time.tsx'
import { useMay } from '../shell/viewer.tsx'
import { text } from '../text.ts'
import { ChangeWebhook } from './change-webhook.tsx'
import { DeliveriesOf } from './deliveries.tsx'
import { EnableWebhook } from './enable-webhook.tsx'
import { kindName } from './event-kinds.ts'
import { RotateSecret } from './rotate-secret.tsx'
import { useTest } from './send-test.tsx'
import { StandingOf, wasGivenUp } from './standing.tsx'
import { useDeleting, useDisabling } from './stopping.tsx'
import { useKeptFresh } from './use-kept-fresh.ts'
import { type WebhookOfPage, WebhookQuery } from './webhooks.ts'

const words = text.webhooks

/** A webhook: whether its messages arrive, what it sends, and what can be done with it. */
export function WebhookScreen() {
  const { webhookId = '' } = useParams()
  const variables = { id: webhookId, mayManage: useMay('ADMIN') }
  const result = useQuery({ query: WebhookQuery, variables, requestPolicy: 'cache-and-network' })
  useKeptFresh(WebhookQuery, variables)
  // Not in the page, which goes while it cannot be read.
  const [secret, setSecret] = useState<string>()
  return (
    <>
      <Loaded of={result}>
        {({ webhook }) =>
          webhook === null ? (
            <NothingHere>{words.notFound}</NothingHere>
          ) : (
            <WebhookPage key={webhook.id} showSecret={setSecret} webhook={webhook} />
          )
        }
      </Loaded>
      {secret !== undefined && (
        <NewSecret forget={() => setSecret(undefined)} secret={secret} words={words.secret} />
      )}
    </>
  )
}

interface WebhookPageProps {
  webhook: WebhookOfPage
  showSecret: (secret: string) => void
}

function WebhookPage({ webhook, showSecret }: WebhookPageProps) {
  const mayManage = useMay('ADMIN')
  const test = useTest(webhook.id)
  return (
    <Page
      actions={mayManage && <Actions showSecret={showSecret} test={test.button} webhook={webhook} />}
      lead={webhook.url !== undefined && <Address url={webhook.url} />}
      title={webhook.host}
    >
      {test.outcome}
      <Trouble webhook={webhook} />
      <Facts webhook={webhook} />
      {mayManage && <DeliveriesOf webhookId={webhook.id} />}
    </Page>
  )
}

/** Long ones are cut, so that what is to be known of the webhook is in view. */
function Address({ url }: { url: string }) {
  return (
    <Group align="flex-start" gap={4} wrap="nowrap">
      <Spoiler hideLabel={text.common.less} maxHeight={78} showLabel={text.common.more}>
        {url}
      </Spoiler>
      <Copy value={url} what={words.copyAddress} />
    </Group>
  )
}

function Actions({ webhook, showSecret, test }: WebhookPageProps & { test: ReactNode }) {
  const [isChanging, changing] = useDisclosure()
  const [isRotating, rotating] = useDisclosure()
  const askToDisable = useDisabling(webhook)
  const askToDelete = useDeleting(webhook)
  return (
    <>
      {test}
      <Button onClick={changing.open} variant="default">
        {words.change.action}
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon aria-label={words.more(webhook.host)} color="gray" size="lg" variant="subtle">
            <KebabHorizontalIcon />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<KeyIcon />} onClick={rotating.open}>
            {words.rotate.action}
          </Menu.Item>
          {webhook.status !== 'DISABLED' && (
            <Menu.Item leftSection={<CircleSlashIcon />} onClick={askToDisable}>
              {words.disable.action}
            </Menu.Item>
          )}
          <Menu.Item leftSection={<TrashIcon />} onClick={askToDelete}>
            {words.remove.action}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ChangeWebhook close={changing.close} isOpen={isChanging} webhook={webhook} />
      <RotateSecret close={rotating.close} isOpen={isRotating} show={showSecret} webhookId={webhook.id} />
    </>
  )
}

/** Why messages do not arrive, and what to do about it. */
function Trouble({ webhook }: { webhook: WebhookOfPage }) {
  const mayManage = useMay('ADMIN')
  const [isEnabling, enabling] = useDisclosure()
  const { status } = webhook
  return (
    <>
      {status !== 'ACTIVE' && (
        <Alert
          color={status === 'FAILING' || wasGivenUp(webhook) ? 'red' : 'gray'}
          title={status === 'FAILING' ? words.failing.title : words.disabled.title}
          variant="light"
        >
          <Text size="sm">
            {status === 'FAILING' ? <Failing webhook={webhook} /> : <Disabled webhook={webhook} />}
          </Text>
          {mayManage && (
            <Button mt="sm" onClick={enabling.open} size="xs" variant="default">
              {status === 'FAILING' ? words.enable.retry : words.enable.enable}
            </Button>
          )}
        </Alert>
      )}
      {mayManage && <EnableWebhook close={enabling.close} isOpen={isEnabling} webhook={webhook} />}
    </>
  )
}

function Failing({ webhook: { failingSince, nextAttemptAt } }: { webhook: WebhookOfPage }) {
  return (
    <>
      {failingSince !== null && (
        <Sentence of={words.failing.since} parts={{ time: <Moment at={failingSince} /> }} />
      )}{' '}
      {nextAttemptAt !== null && (
        <Sentence of={words.failing.next} parts={{ time: <Distance at={nextAttemptAt} /> }} />
      )}
    </>
  )
}

function Disabled({ webhook: { disabledAt, disabledReason } }: { webhook: WebhookOfPage }) {
  const { reasons, repairFirst } = words.disabled
  return (
    <>
      {disabledAt !== null && disabledReason !== null && (
        <Sentence of={reasons[disabledReason] ?? ''} parts={{ time: <Moment at={disabledAt} /> }} />
      )}{' '}
      {disabledReason !== 'REQUESTED' && repairFirst}
    </>
  )
}

function Facts({ webhook }: { webhook: WebhookOfPage }) {
  const maySeePools = useMay('READ')
  const { kinds, pool, eventsBehind, behindSince, overlapUntil, createdAt, createdBy } = webhook
  return (
    <DataList labelWidth="min(180px, 35vw)">
      <Fact label={words.columns.status}>
        <StandingOf of={webhook} />
      </Fact>
      <Fact label={words.columns.sends}>
        {kinds.length === 0 ? (
          words.allEvents
        ) : (
          <List size="sm" withPadding={false} listStyleType="none">
            {kinds.map((kind) => (
              <List.Item key={kind}>{kindName(kind)}</List.Item>
            ))}
          </List>
        )}
      </Fact>
      <Fact label={text.codes.columns.pool}>
        {pool === null ? (
          words.allPools
        ) : maySeePools ? (
          <Anchor component={Link} size="sm" to={`/pools/${pool.id}`}>
            <bdi>{pool.name}</bdi>
          </Anchor>
        ) : (
          <bdi>{pool.name}</bdi>
        )}
      </Fact>
      <Fact label={words.columns.behind}>
        {eventsBehind === '0' ? words.nothingBehind : words.behind(eventsBehind)}
        {behindSince !== null && (
          <Sentence of={words.behindSince} parts={{ time: <Moment at={behindSince} /> }} />
        )}
        {eventsBehind !== '0' && (
          <Text c="dimmed" size="sm">
            {words.behindHint}
          </Text>
        )}
      </Fact>
      {overlapUntil !== null && (
        <Fact label={words.overlap}>
          <Sentence of={words.overlapUntil} parts={{ time: <Moment at={overlapUntil} /> }} />
        </Fact>
      )}
      <Fact label={words.created}>
        {createdBy === null ? (
          <Moment at={createdAt} />
        ) : (
          <Sentence
            of={words.createdBy}
            parts={{ time: <Moment at={createdAt} />, who: <bdi>{createdBy.name}</bdi> }}
          />
        )}
      </Fact>
    </DataList>
  )
}
