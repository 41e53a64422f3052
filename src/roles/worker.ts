import type { ServiceOptions } from '../config.ts'
import { connectionConfig } from '../database/open.ts'
import type { Books } from '../domain/books/books.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { OutgoingClient } from '../outgoing/client.ts'
import { GenerationWorker } from '../worker/generations.ts'
import { dayMs, Housekeeping } from '../worker/housekeeping.ts'
import { UploadWorker } from '../worker/uploads/upload-worker.ts'
import { WebhookWorker } from '../worker/webhooks/webhook-worker.ts'

/** Opens the workers of tasks and webhooks, and housekeeping. */
export async function openWorker(lifecycle: Lifecycle, books: Books, options: ServiceOptions): Promise<void> {
  const { databaseUrl, maxUploadBytes: maxBytes, log } = options
  const eventsAreKeptMs = options.eventRetentionDays * dayMs
  const rejectedRowsAreKeptMs = options.rejectedRowsRetentionDays * dayMs
  await lifecycle.openCloseable('generations', () => new GenerationWorker(books, log))
  await lifecycle.openCloseable(
    'uploads',
    () => new UploadWorker({ books, connection: connectionConfig(databaseUrl), maxBytes, log }),
  )
  const outgoing = new OutgoingClient({ allowed: options.webhookAllowedNetworks })
  await lifecycle.openCloseable('webhooks', () => new WebhookWorker({ books, outgoing, log }))
  await lifecycle.openCloseable(
    'housekeeping',
    () => new Housekeeping(books, log, { eventsAreKeptMs, rejectedRowsAreKeptMs }),
  )
}
