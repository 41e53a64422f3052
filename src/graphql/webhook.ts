import { InvalidInputError, NotFoundError } from '../domain/books/errors.ts'
import type { EventKind as EventKindName, WebhookEvent } from '../domain/books/event-log.ts'
import { InputCheck } from '../domain/books/input.ts'
import {
  deliveriesOf,
  readDeliveries,
  type WebhookDelivery as WebhookDeliveryValue,
} from '../domain/webhook/deliveries.ts'
import { createWebhook, deleteWebhook, updateWebhook } from '../domain/webhook/manage.ts'
import { messageTypes } from '../domain/webhook/message.ts'
import { maxOverlapHours, maxSecrets, rotateSecret, secretText } from '../domain/webhook/secrets.ts'
import { maxAnswerLength } from '../domain/webhook/send.ts'
import { sendTest } from '../domain/webhook/test-delivery.ts'
import { maxUrlLength } from '../domain/webhook/url.ts'
import {
  listWebhooks,
  maxDeliveries,
  maxWebhooks,
  type WebhookStatus as WebhookStatusName,
  type Webhook as WebhookValue,
  webhookStatus,
} from '../domain/webhook/webhook.ts'
import type { WebhookDisabledReason as DisabledReasonName } from '../generated/prisma/client.ts'
import { grouped } from '../grouped.ts'
import { Account, ApiKey } from './account.ts'
import { builder } from './builder.ts'
import { loadedReads, rowReads } from './field-rules.ts'
import { inputId, uuidOf } from './ids.ts'
import { maxCursorBytes, maxMessageBytes } from './max-sizes.ts'
import { existing } from './nodes.ts'
import { checkPage, connectionType, newestFirst, pageArguments, pageWeight } from './pagination.ts'
import { Pool } from './pool.ts'

// ASCII; quotation marks and backslashes are escaped.
const maxUrlBytes = 2 * maxUrlLength + 2
const usualUrlBytes = 100
const maxHostBytes = 300
const maxSecretBytes = 60
const maxTypeBytes = 40
const maxMessageIdBytes = maxCursorBytes + 10
// Without control characters; a code unit takes up to three bytes.
const maxAnswerBytes = 3 * maxAnswerLength + 2
const maxErrorBytes = 1_000
const usualWebhooks = 20

const aboutKinds: Record<EventKindName, string> = {
  POOL_CREATED: 'A pool was created.',
  POOL_CHANGED:
    'The name, the description, the external id, the settings or the terms of a pool changed, or it was archived or unarchived.',
  TASK_STATUS_CHANGED: 'A task was created, started or finished, or an upload was undone.',
  POOL_REFILLED: 'A task added codes to a pool.',
  POOL_REFILL_FAILED: 'An automatic refill failed or was incomplete.',
  POOL_LOW: 'The number of available codes of a pool fell to its refill threshold or below.',
  POOL_EMPTY: 'A pool ran out of codes and was not refilled.',
  CODES_WITHDRAWN: 'Available codes were withdrawn from the stock of a pool.',
  CODES_RESTORED: 'Withdrawn codes were restored.',
  CODES_VOIDED: 'Claimed codes were voided.',
  CODES_UNVOIDED: 'Void codes were unvoided.',
  WEBHOOK_DISABLED: 'A webhook was disabled. It is of no pool.',
}

const EventKind = builder.enumType('EventKind', {
  description: 'A kind of event, as a webhook can ask for it.',
  values: Object.fromEntries(
    Object.entries(aboutKinds).map(([kind, about]) => [
      kind,
      { description: `${about} The type of its messages is "${messageTypes[kind as EventKindName]}".` },
    ]),
  ) as Record<EventKindName, { description: string }>,
})

const WebhookStatus = builder.enumType('WebhookStatus', {
  description: 'Whether the messages of a webhook arrive.',
  values: {
    ACTIVE: { description: 'Nothing has failed: events are sent as they happen.' },
    FAILING: {
      description:
        'The receiver has not accepted the next message. It is sent again until it has: see nextAttemptAt. Later ones wait.',
    },
    DISABLED: { description: 'Nothing is sent: see disabledReason.' },
  } satisfies Record<WebhookStatusName, { description: string }>,
})

const WebhookDisabledReason = builder.enumType('WebhookDisabledReason', {
  description: 'Why a webhook is disabled.',
  values: {
    FAILED: { description: 'Its receiver has accepted no message for three days.' },
    GONE: { description: 'Its receiver has answered with the status 410: it wants no more messages.' },
    REQUESTED: { description: 'updateWebhook has disabled it.' },
  } satisfies Record<DisabledReasonName, { description: string }>,
})

const WebhookDelivery = builder.objectRef<WebhookDeliveryValue>('WebhookDelivery').implement({
  description: 'An attempt to deliver a message, and what the receiver answered.',
  fields: (t) => ({
    messageId: t.exposeString('messageId', {
      weight: { bytes: maxMessageIdBytes },
      description:
        'The id of the message, which the receiver gets as webhook-id, the same in all attempts. Of the message about an event, ' +
        'it is the cursor of the event.',
    }),
    type: t.exposeString('type', {
      weight: { bytes: maxTypeBytes },
      description: 'The type of the message, such as "pool.empty", or "webhook.test" for a test delivery.',
    }),
    attempt: t.exposeInt('attempt', { description: 'Which attempt to deliver this message it was, from 1.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When the attempt began.' }),
    durationMs: t.exposeInt('durationMs', { description: 'How long it took, in milliseconds.' }),
    succeeded: t.boolean({
      description:
        'Whether the receiver has accepted the message: it answered with a status from 200 to 299.',
      resolve: ({ error }) => error === undefined,
    }),
    status: t.exposeInt('status', {
      nullable: true,
      description: 'The HTTP status of the answer. Null if there was no answer.',
    }),
    answer: t.exposeString('answer', {
      nullable: true,
      weight: { bytes: maxAnswerBytes, usualBytes: 100 },
      description: `The beginning of the answer, as text: at most ${maxAnswerLength} characters. Null if there was no answer.`,
    }),
    error: t.exposeString('error', {
      nullable: true,
      weight: { bytes: maxErrorBytes, usualBytes: 100 },
      description: 'Why it failed, for people. Null if it succeeded.',
    }),
  }),
})

const WebhookDeliveryConnection = connectionType(WebhookDelivery, 'deliveries')

export const Webhook = builder.objectRef<WebhookValue>('Webhook')

builder.node(Webhook, {
  description:
    'Sends events of the account to a URL, as they happen: at least once, and in order. A message that is not accepted is sent ' +
    'again, at growing intervals, for three days; then the webhook is disabled. Messages are signed as Standard Webhooks ' +
    'specifies (https://www.standardwebhooks.com): a receiver verifies the signature, answers with a status from 200 to 299 ' +
    'within 15 seconds, and passes over messages whose webhook-id it has handled already.',
  id: { resolve: (webhook) => webhook.id },
  fields: (t) => ({
    url: t.exposeString('url', {
      authScopes: { scope: 'ADMIN' },
      weight: { bytes: maxUrlBytes, usualBytes: usualUrlBytes },
      description:
        'Where messages are sent. Needs ADMIN, as the URL of a receiver is often secret; host does not.',
    }),
    host: t.string({
      weight: { bytes: maxHostBytes, usualBytes: usualUrlBytes },
      description: 'The host of the URL, with its port if that is given.',
      resolve: ({ url }) => new URL(url).host,
    }),
    kinds: t.field({
      type: [EventKind],
      weight: { items: Object.keys(aboutKinds).length },
      description:
        'The kinds of events that it sends. Empty if it sends all, also those that are added to the API later.',
      resolve: ({ kinds }) => [...kinds],
    }),
    pool: t.field({
      type: Pool,
      nullable: true,
      description:
        'The pool whose events it sends. Null if it sends those of all pools, and those that are of no pool.',
      weight: { reads: loadedReads },
      resolve: ({ poolId }, _args, { nodes }) => (poolId === undefined ? null : existing(nodes.pool, poolId)),
    }),
    status: t.field({
      type: WebhookStatus,
      description: 'Whether its messages arrive.',
      resolve: webhookStatus,
    }),
    failingSince: t.expose('failingSince', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when the receiver has accepted nothing. Null if the last delivery succeeded.',
    }),
    nextAttemptAt: t.expose('nextAttemptAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the next message is sent again. Null unless the status is FAILING.',
    }),
    disabledAt: t.expose('disabledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was disabled. Null unless the status is DISABLED.',
    }),
    disabledReason: t.expose('disabledReason', {
      type: WebhookDisabledReason,
      nullable: true,
      description: 'Why it was disabled. Null unless the status is DISABLED.',
    }),
    eventsBehind: t.field({
      type: 'BigInt',
      description:
        'How many events of the account it has not come to, including those that it passes over. 0 if it is up to date.',
      weight: { reads: loadedReads },
      resolve: async ({ id }, _args, { nodes }) => (await nodes.webhookBacklog.load(id))?.count ?? 0n,
    }),
    behindSince: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Since when it is behind: when the first of the events in eventsBehind happened. Null if it is up to date.',
      weight: { reads: loadedReads },
      resolve: async ({ id }, _args, { nodes }) => (await nodes.webhookBacklog.load(id))?.since ?? null,
    }),
    overlapUntil: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Until when a secret that was replaced signs, too (rotateWebhookSecret). Null if none does.',
      weight: { reads: loadedReads },
      resolve: ({ id }, _args, { nodes }) => nodes.webhookOverlap.load(id),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    createdBy: t.field({
      type: ApiKey,
      nullable: true,
      description: 'The API key that created it, in its current state. Null if the key no longer exists.',
      weight: { reads: loadedReads },
      resolve: ({ actorId }, _args, { nodes }) => (actorId === undefined ? null : nodes.apiKey.load(actorId)),
    }),
    deliveries: t.field({
      type: WebhookDeliveryConnection,
      description: `Its last deliveries, at most ${maxDeliveries}, newest first. Needs ADMIN.`,
      authScopes: { scope: 'ADMIN' },
      weight: pageWeight,
      checkArgs: (args) => checkPage(args, 'WebhookDelivery'),
      args: pageArguments(),
      resolve: async ({ id }, page, context) => {
        const kept = await readDeliveries(context.books, context.accountId, id)
        const load = async (deliveryId: string) => kept.find((each) => each.id === deliveryId) ?? null
        return await newestFirst(
          page,
          { type: 'WebhookDelivery', nodes: { load }, filter: deliveriesOf(id) },
          context,
        )
      },
    }),
  }),
})

builder.objectField(Account, 'webhooks', (t) =>
  t.field({
    type: [Webhook],
    description: `The webhooks of the account, newest first: at most ${maxWebhooks}. Needs READ or ADMIN.`,
    authScopes: { anyScope: ['READ', 'ADMIN'] },
    weight: { items: usualWebhooks, reads: 2 * rowReads },
    resolve: async (_account, _args, { books, accountId, nodes }) => {
      const found = await nodes.webhook.loadMany(await listWebhooks(books, accountId))
      return found.flatMap((each) => {
        if (each instanceof Error) throw each
        return each === null ? [] : [each]
      })
    },
  }),
)

builder.queryField('webhook', (t) =>
  t.field({
    type: Webhook,
    nullable: true,
    description: 'The webhook with this id. Null if your account has none. Needs READ or ADMIN.',
    authScopes: { anyScope: ['READ', 'ADMIN'] },
    args: { id: t.arg.id({ required: true, description: 'The id of a webhook.' }) },
    resolve: (_root, { id }, { nodes }) => nodes.webhook.load(uuidOf('Webhook', id)),
  }),
)

export const WebhookDisabledEvent = builder.objectRef<WebhookEvent>('WebhookDisabledEvent').implement({
  description: 'A webhook was disabled: nothing is sent to its receiver any more.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      weight: { bytes: maxCursorBytes },
      description: 'The position in the event log: pass it as `after` to continue after this event.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When the event happened.' }),
    actor: t.field({
      type: ApiKey,
      nullable: true,
      description:
        'The API key whose request disabled it, in its current state. Null for what the service did by itself, and if the key no ' +
        'longer exists.',
      weight: { reads: loadedReads },
      resolve: ({ actorId }, _args, { nodes }) => (actorId === undefined ? null : nodes.apiKey.load(actorId)),
    }),
    reason: t.field({
      type: WebhookDisabledReason,
      description: 'Why it was disabled.',
      resolve: ({ payload }) => payload.reason,
    }),
    message: t.string({
      weight: { bytes: maxMessageBytes },
      description: 'The reason and what to do about it, for people.',
      resolve: ({ payload }) => payload.message,
    }),
    webhook: t.field({
      type: Webhook,
      nullable: true,
      description: 'The webhook in its current state. Null if it was deleted.',
      weight: { reads: loadedReads },
      resolve: ({ payload }, _args, { nodes }) => nodes.webhook.load(payload.webhookId),
    }),
  }),
})

interface WebhookPayload {
  webhookId: string
}

function webhookPayload<Payload extends WebhookPayload>(name: string, description: string) {
  return builder.objectRef<Payload>(name).implement({
    description,
    fields: (t) => ({
      webhook: t.field({
        type: Webhook,
        description: 'The webhook in its current state.',
        weight: { reads: loadedReads },
        resolve: ({ webhookId }, _args, { nodes }) => existing(nodes.webhook, webhookId),
      }),
    }),
  })
}

interface SecretPayload extends WebhookPayload {
  secret: Uint8Array
}

const CreateWebhookPayload = webhookPayload<SecretPayload>('CreateWebhookPayload', 'The webhook was created.')
const RotateWebhookSecretPayload = webhookPayload<SecretPayload>(
  'RotateWebhookSecretPayload',
  'The webhook has a new secret.',
)
for (const payload of [CreateWebhookPayload, RotateWebhookSecretPayload])
  builder.objectField(payload, 'secret', (t) =>
    t.string({
      weight: { bytes: maxSecretBytes },
      description:
        'The secret, by which the receiver verifies that a message is from this service: "whsec_…". It is shown only here.',
      resolve: ({ secret }) => secretText(secret),
    }),
  )

const UpdateWebhookPayload = webhookPayload(
  'UpdateWebhookPayload',
  'The webhook has the values that were given.',
)

const SendTestDeliveryPayload = webhookPayload<WebhookPayload & { delivery: WebhookDeliveryValue }>(
  'SendTestDeliveryPayload',
  'A test message was sent, whether the receiver has accepted it or not.',
)
builder.objectField(SendTestDeliveryPayload, 'delivery', (t) =>
  t.expose('delivery', { type: WebhookDelivery, description: 'What came of it.' }),
)

const DeleteWebhookPayload = builder.objectRef<WebhookPayload>('DeleteWebhookPayload').implement({
  description: 'The webhook is deleted, with its secrets and its deliveries.',
  fields: (t) => ({
    webhookId: t.globalID({
      description: 'The id that the webhook had.',
      resolve: ({ webhookId }) => ({ type: Webhook, id: webhookId }),
    }),
  }),
})

const aboutUrl =
  `Where to send messages: a URL that begins with https, of at most ${grouped(maxUrlLength)} characters, without user ` +
  'name, password and fragment. Its host must be on the public Internet, unless the operator of this service has allowed its ' +
  'network; then the URL can begin with http, too.'
const aboutKindsGiven = 'The kinds of events to send. Empty: all.'

const CreateWebhookInput = builder.inputType('CreateWebhookInput', {
  description: 'The webhook to create.',
  fields: (t) => ({
    url: t.string({ required: true, description: aboutUrl }),
    kinds: t.field({ type: [EventKind], description: `${aboutKindsGiven} All if left out, too.` }),
    poolId: t.id({
      description:
        'The id of a pool: only its events. Left out: those of all pools, and those that are of no pool.',
    }),
    after: t.string({
      description:
        'An eventCursor, or the cursor of an event: the webhook begins with the event after it. Left out: with the next event ' +
        'that happens.',
    }),
  }),
})

const UpdateWebhookInput = builder.inputType('UpdateWebhookInput', {
  description: 'What to change of a webhook. What is left out stays as it is.',
  fields: (t) => ({
    webhookId: t.id({ required: true, description: 'The id of the webhook.' }),
    url: t.string({ description: `${aboutUrl} It cannot be null.` }),
    kinds: t.field({ type: [EventKind], description: `${aboutKindsGiven} It cannot be null.` }),
    poolId: t.id({
      description:
        'The id of a pool: only its events. null: those of all pools, and those that are of no pool.',
    }),
    enabled: t.boolean({
      description:
        'Whether it sends messages. If it was disabled, it continues with the first event that was not delivered, unless ' +
        'skipToNow is true. It cannot be null.',
    }),
    skipToNow: t.boolean({
      required: true,
      defaultValue: false,
      description:
        'Whether it passes over all events that have not been delivered, and begins with the next one that happens.',
    }),
  }),
})

const DeleteWebhookInput = builder.inputType('DeleteWebhookInput', {
  description: 'The webhook to delete.',
  fields: (t) => ({ webhookId: t.id({ required: true, description: 'The id of the webhook.' }) }),
})

const RotateWebhookSecretInput = builder.inputType('RotateWebhookSecretInput', {
  description: 'The webhook to give a new secret, and for how long the old one is valid.',
  fields: (t) => ({
    webhookId: t.id({ required: true, description: 'The id of the webhook.' }),
    overlapHours: t.int({
      required: true,
      defaultValue: 24,
      description:
        `For how many hours messages are signed with the secrets so far, too: 0 to ${maxOverlapHours}. A secret that would have ` +
        'ended earlier still does. 0 ends all of them at once, as is right if one has become known.',
    }),
  }),
})

const SendTestDeliveryInput = builder.inputType('SendTestDeliveryInput', {
  description: 'The webhook to test.',
  fields: (t) => ({ webhookId: t.id({ required: true, description: 'The id of the webhook.' }) }),
})

builder.mutationFields((t) => ({
  createWebhook: t.field({
    type: CreateWebhookPayload,
    nullable: true,
    description: `Creates a webhook, of which an account can have ${maxWebhooks}. Needs ADMIN.`,
    authScopes: { scope: 'ADMIN' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'The new webhook with its secret, or why it was not created.' },
    },
    args: {
      input: t.arg({ type: CreateWebhookInput, required: true, description: 'The webhook to create.' }),
    },
    resolve: (_root, { input }, { books, outgoing, accountId }) =>
      createWebhook({ books, outgoing }, accountId, {
        url: input.url,
        kinds: input.kinds ?? [],
        poolId: input.poolId == null ? undefined : inputId('Pool', input.poolId, 'poolId'),
        after: input.after ?? undefined,
      }),
  }),
  updateWebhook: t.field({
    type: UpdateWebhookPayload,
    nullable: true,
    description:
      'Changes a webhook, disables or enables it. A message that waits for its next attempt is then sent at once; one that is being ' +
      'sent at that moment may be sent again. Needs ADMIN.',
    authScopes: { scope: 'ADMIN' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'The webhook, or why it was not changed.' },
    },
    args: { input: t.arg({ type: UpdateWebhookInput, required: true, description: 'The changes.' }) },
    resolve: async (_root, { input }, { books, outgoing, accountId }) => {
      const { url, kinds, poolId, enabled, skipToNow } = input
      const check = new InputCheck()
      for (const [name, value] of Object.entries({ url, kinds, enabled }))
        if (value === null) check.issue([name], `It cannot be null. Leave ${name} out to keep what it is.`)
      check.done()
      const webhookId = inputId('Webhook', input.webhookId, 'webhookId')
      await updateWebhook({ books, outgoing }, accountId, {
        webhookId,
        url: url ?? undefined,
        kinds: kinds ?? undefined,
        poolId: poolId == null ? poolId : inputId('Pool', poolId, 'poolId'),
        enabled: enabled ?? undefined,
        skipToNow,
      })
      return { webhookId }
    },
  }),
  deleteWebhook: t.field({
    type: DeleteWebhookPayload,
    nullable: true,
    description:
      'Deletes a webhook. A message that is being sent at that moment may still arrive. Needs ADMIN.',
    authScopes: { scope: 'ADMIN' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'The id of the webhook that was deleted, or why it was not.' },
    },
    args: {
      input: t.arg({ type: DeleteWebhookInput, required: true, description: 'The webhook to delete.' }),
    },
    resolve: async (_root, { input }, { books, accountId }) => {
      const webhookId = inputId('Webhook', input.webhookId, 'webhookId')
      await deleteWebhook(books, accountId, webhookId)
      return { webhookId }
    },
  }),
  rotateWebhookSecret: t.field({
    type: RotateWebhookSecretPayload,
    nullable: true,
    description:
      'Gives a webhook a new secret. During the overlap, messages have a signature of each secret, so receivers that have the old ' +
      `one or the new one accept them. To rotate again during an overlap keeps the earlier secrets, of which ${maxSecrets - 1} can ` +
      'be valid beside the new one. Needs ADMIN.',
    authScopes: { scope: 'ADMIN' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'The webhook with its new secret, or why it has none.' },
    },
    args: {
      input: t.arg({
        type: RotateWebhookSecretInput,
        required: true,
        description: 'The webhook and the overlap.',
      }),
    },
    resolve: async (_root, { input }, { books, accountId }) => {
      const webhookId = inputId('Webhook', input.webhookId, 'webhookId')
      const secret = await rotateSecret(books, accountId, { webhookId, overlapHours: input.overlapHours })
      return { webhookId, secret }
    },
  }),
  sendTestDelivery: t.field({
    type: SendTestDeliveryPayload,
    nullable: true,
    description:
      'Sends a message of the type "webhook.test" to the receiver of a webhook, whatever its status, and waits for the answer: up to ' +
      '15 seconds. It changes nothing for the messages about events. An account can do so 10 times a minute; beyond that, the answer ' +
      'is RATE_LIMITED. Needs ADMIN.',
    authScopes: { scope: 'ADMIN' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'What came of the test, or why none was made.' },
    },
    args: {
      input: t.arg({ type: SendTestDeliveryInput, required: true, description: 'The webhook to test.' }),
    },
    resolve: async (_root, { input }, { books, outgoing, webhookTests, accountId, nodes }) => {
      const webhookId = inputId('Webhook', input.webhookId, 'webhookId')
      const webhook = await nodes.webhook.clear(webhookId).load(webhookId)
      if (webhook === null) throw new NotFoundError('webhook', ['webhookId'])
      webhookTests.count(accountId)
      const id = await sendTest(books, outgoing, webhook)
      nodes.webhook.clear(webhookId)
      const delivery = (await readDeliveries(books, accountId, webhookId)).find((each) => each.id === id)
      if (delivery === undefined) throw new NotFoundError('webhook', ['webhookId'])
      return { webhookId, delivery }
    },
  }),
}))
