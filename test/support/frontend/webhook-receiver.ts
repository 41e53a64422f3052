import { createServer, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'

/** A server that hands on the messages of a webhook, after it has verified their signatures. */
export function receiveWebhook(
  secret: string,
  handle: (id: string, message: unknown) => Promise<void>,
): Server {
  const webhook = new Webhook(secret)
  return createServer(async (request, response) => {
    const id = String(request.headers['webhook-id'])
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(request.headers['webhook-timestamp']),
      'webhook-signature': String(request.headers['webhook-signature']),
    }
    try {
      await handle(id, webhook.verify(await text(request), headers))
      response.writeHead(204).end()
    } catch (error) {
      // With any other status than 2xx, the message comes again.
      console.error(error)
      response.writeHead(error instanceof WebhookVerificationError ? 401 : 500).end()
    }
  })
}
