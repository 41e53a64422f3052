import { Poll } from '../async/poll.ts'
import type { ServiceOptions } from '../config.ts'
import { connectionConfig } from '../database/open.ts'
import { dayMs, hourMs } from '../dates.ts'
import type { Books } from '../domain/books/books.ts'
import { checkIncarnation } from '../domain/rewind/incarnation.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { OutgoingClient } from '../outgoing/client.ts'
import { GenerationWorker } from '../worker/generations.ts'
import { Housekeeping } from '../worker/housekeeping.ts'
import { UploadWorker } from '../worker/uploads/upload-worker.ts'
import { WebhookWorker } from '../worker/webhooks/webhook-worker.ts'

/** Opens the workers of tasks and webhooks, housekeeping, and what notices that the database has lost commits. */
export async function openWorker(lifecycle: Lifecycle, books: Books, options: ServiceOptions): Promise<void> {
  const { databaseUrl, maxUploadBytes: maxBytes, log } = options
  const eventsAreKeptMs = options.eventRetentionDays * dayMs
  const rejectedRowsAreKeptMs = options.rejectedRowsRetentionDays * dayMs
  await lifecycle.openCloseable(
    'rewinds',
    () =>
      new Poll({
        purpose: 'look for a rewind',
        run: () => checkIncarnation(books.connections, log),
        // A server takes over while processes run, too.
        everyMs: hourMs,
        log,
      }),
  )
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
