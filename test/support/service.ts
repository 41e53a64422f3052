import { randomBytes } from 'node:crypto'
import { type Logger, pino } from 'pino'
import type { Role } from '../../src/config.ts'
import { Lifecycle } from '../../src/lifecycle.ts'
import { startService as start } from '../../src/service.ts'
import { testDatabase } from './database.ts'

/** A service of a test's own, on a database of its own, listening on a port of its own. */
export interface TestService {
  /** "http://127.0.0.1:54321" */
  url: string
  /** The secret of a key of the first account, with all scopes. */
  key: string
  databaseUrl: string
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestServiceOptions {
  role?: Role
  /** Another database than a new one: for several processes on one. Its first key is then that of whoever made it. */
  databaseUrl?: string
  /** Whether it treats the database as its own, and so has the sample and a key in GraphiQL. */
  embedded?: boolean
  /** How many look-ups of a key may find nothing in a minute: 100 unless it is said. */
  failedLookUpsPerMinute?: number
  maxUploadBytes?: number
  /** Where its log goes: nowhere unless it is said. */
  log?: Logger
  /** That of a service which was closed, to come back in its place. The system's choice unless it is said. */
  port?: number
}

export async function startService(options: TestServiceOptions = {}): Promise<TestService> {
  const lifecycle = new Lifecycle()
  const databaseUrl =
    options.databaseUrl ??
    (
      await lifecycle.open(
        'test database',
        () => testDatabase(),
        (database) => database.close(),
      )
    ).url
  const key = randomBytes(24).toString('hex')
  const service = await start(lifecycle, {
    databaseUrl,
    embedded: options.embedded ?? false,
    port: options.port ?? 0,
    host: '127.0.0.1',
    role: options.role ?? 'all',
    bootstrapApiKey: key,
    eventRetentionDays: 30,
    rejectedRowsRetentionDays: 30,
    failedLookUpsPerMinute: options.failedLookUpsPerMinute ?? 100,
    maxUploadBytes: options.maxUploadBytes ?? 2 ** 30,
    log: options.log ?? pino({ level: process.env['LOG'] ?? 'silent' }),
  })
  const close = () => lifecycle.close()
  return { url: service.url, key, databaseUrl, close, [Symbol.asyncDispose]: close }
}
