import type { OutgoingClient } from '../../outgoing/client.ts'
import type { Books } from '../books/books.ts'
import { keepDelivery } from './deliver.ts'
import { testMessage } from './message.ts'
import { readSecrets } from './secrets.ts'
import { send } from './send.ts'
import { lockWebhook, type Webhook } from './webhook.ts'

/**
 * Sends a test message to a webhook, once and whatever its state, which stays as it is. It takes up to some fifteen seconds.
 * Resolves to the id of the delivery; to undefined if the webhook was deleted meanwhile. Rejects with the reason of `signal`
 * if that is aborted.
 */
export async function sendTest(
  books: Books,
  outgoing: OutgoingClient,
  webhook: Webhook,
  signal: AbortSignal = new AbortController().signal,
): Promise<string | undefined> {
  const at = books.now()
  const secrets = await readSecrets(books, webhook, at)
  const message = testMessage(webhook.id, at)
  using connection = outgoing.open()
  const attempt = await send(connection, { url: webhook.url, secrets, message, at, signal })
  return await books.write(webhook.accountId, async (tx) => {
    if ((await lockWebhook(tx, webhook.id)) === undefined) return undefined
    return await keepDelivery(tx, webhook.id, { message, attempt }, 1)
  })
}
