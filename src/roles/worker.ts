import type { Logger } from 'pino'
import { connectionConfig } from '../database/open.ts'
import type { Books } from '../domain/books/books.ts'
import type { Lifecycle } from '../lifecycle.ts'
import { GenerationWorker } from '../worker/generations.ts'
import { dayMs, Housekeeping } from '../worker/housekeeping.ts'
import { UploadWorker } from '../worker/uploads/upload-worker.ts'

export interface WorkerOptions {
  databaseUrl: string
  eventRetentionDays: number
  rejectedRowsRetentionDays: number
  maxUploadBytes: number
  log: Logger
}

/** Opens the workers of tasks, and housekeeping. */
export async function openWorker(lifecycle: Lifecycle, books: Books, options: WorkerOptions): Promise<void> {
  const { databaseUrl, maxUploadBytes: maxBytes, log } = options
  const eventsAreKeptMs = options.eventRetentionDays * dayMs
  const rejectedRowsAreKeptMs = options.rejectedRowsRetentionDays * dayMs
  await lifecycle.open(
    'generations',
    () => new GenerationWorker(books, log),
    (opened) => opened.close(),
  )
  await lifecycle.open(
    'uploads',
    () => new UploadWorker({ books, connection: connectionConfig(databaseUrl), maxBytes, log }),
    (opened) => opened.close(),
  )
  await lifecycle.open(
    'housekeeping',
    () => new Housekeeping(books, log, { eventsAreKeptMs, rejectedRowsAreKeptMs }),
    (opened) => opened.close(),
  )
}
