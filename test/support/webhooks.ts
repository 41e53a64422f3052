import { Webhook as Verifier } from 'standardwebhooks'
import { afterEach } from 'vitest'
import type { Books } from '../../src/domain/books/books.ts'
import { createWebhook, type NewWebhook } from '../../src/domain/webhook/manage.ts'
import { secretText } from '../../src/domain/webhook/secrets.ts'
import { readWebhooks, type Webhook } from '../../src/domain/webhook/webhook.ts'
import { OutgoingClient, type OutgoingOptions } from '../../src/outgoing/client.ts'
import { Networks } from '../../src/outgoing/networks.ts'
import { WebhookWorker } from '../../src/worker/webhooks/webhook-worker.ts'
import { type Place, silent } from './books.ts'
import type { Received, Receiver } from './receiver.ts'

/** A client that can send to receivers of tests. */
export function outgoingClient(options: Partial<OutgoingOptions> = {}): OutgoingClient {
  return new OutgoingClient({ allowed: Networks.parse('127.0.0.0/8'), ...options })
}

export interface MadeWebhook {
  webhookId: string
  /** As receivers configure it. */
  secret: string
}

/** A new webhook, for all events of the account unless it is said otherwise. */
export async function newWebhook(
  { books, accountId }: Place,
  url: string,
  settings: Partial<NewWebhook> = {},
): Promise<MadeWebhook> {
  const input = { url, kinds: [], poolId: undefined, after: undefined, ...settings }
  const { webhookId, secret } = await createWebhook({ books, outgoing: outgoingClient() }, accountId, input)
  return { webhookId, secret: secretText(secret) }
}

export async function webhookNow({ books, accountId }: Place, webhookId: string): Promise<Webhook> {
  const [webhook] = await readWebhooks(books, accountId, [webhookId])
  if (webhook === undefined) throw new Error('There is no such webhook.')
  return webhook
}

/** Records events of a pool that are told apart by their numbers: `available`. */
export async function happen(
  { books, accountId }: Place,
  poolId: string,
  numbers: readonly number[],
): Promise<void> {
  await books.write(accountId, async (tx) => {
    for (const number of numbers)
      tx.record({ kind: 'POOL_LOW', poolId, payload: { available: String(number) } })
  })
}

/** What a receiver reads from a request whose signature it has verified. */
export interface Verified {
  id: string
  type: string
  timestamp: string
  data: Record<string, unknown>
}

/** Verifies a request as a receiver does; throws if the signature is wrong. */
export function verified({ body, headers }: Received, secret: string): Verified {
  const payload: unknown = new Verifier(secret).verify(body, headers as Record<string, string>)
  return { id: String(headers['webhook-id']), ...(payload as Omit<Verified, 'id'>) }
}

/** The numbers of the events (see `happen`) that a receiver has got, in order. */
export function numbersOf({ received }: Receiver, secret: string): number[] {
  return received.map((request) => Number(verified(request, secret).data['availableCount']))
}

/** Starts workers on books, which are closed after the test. */
export function useWorkers(): (
  books: Books,
  options?: { log?: typeof silent; outgoing?: OutgoingClient },
) => WebhookWorker {
  const open: WebhookWorker[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((worker) => worker.close()))
  })
  return (books, { log = silent, outgoing = outgoingClient() } = {}) => {
    const worker = new WebhookWorker({ books, outgoing, log })
    open.push(worker)
    return worker
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
