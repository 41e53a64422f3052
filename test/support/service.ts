import { randomBytes } from 'node:crypto'
import { type Logger, pino } from 'pino'
import { afterAll } from 'vitest'
import type { Role } from '../../src/config.ts'
import { Keyring } from '../../src/keys/keyring.ts'
import { Lifecycle } from '../../src/lifecycle.ts'
import { Networks } from '../../src/outgoing/networks.ts'
import { startService as start } from '../../src/service.ts'
import { Client } from './client.ts'
import { testDatabase } from './database.ts'
import { shared } from './shared.ts'

/** A service with its own database and port. */
export interface TestService {
  /** "http://127.0.0.1:54321" */
  url: string
  /** Where its metrics are, if it has any. */
  metricsUrl: string | undefined
  /** The secret of an API key of the first account, with all scopes. */
  key: string
  databaseUrl: string
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface TestServiceOptions {
  role?: Role
  /** The secret of the first key; by default a new one. */
  key?: string
  /** Its master keys; none by default. */
  keyring?: Keyring
  /** An existing database, for several processes on one. Its first key is that of the process that created it. */
  databaseUrl?: string
  /** Whether it treats the database as embedded, and so adds the sample, and a key to GraphiQL. */
  embedded?: boolean
  keepAliveSeconds?: number
  /** How many look-ups of an API key may find nothing in a minute; 100 by default. */
  failedLookUpsPerMinute?: number
  maxRedemptionAgeDays?: number
  maxUploadBytes?: number
  /** Networks to which webhooks may lead although they are not public; none by default. */
  webhookAllowedNetworks?: Networks
  /** Its log; none by default. */
  log?: Logger
  /** The port of its metrics; none by default, 0 for any free one. */
  metricsPort?: number
  /** Where its metrics are served; 127.0.0.1 by default. */
  metricsHost?: string
  overviewEveryMs?: number
  /** The port of a service that was closed, to replace it; by default any free port. */
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
  const key = options.key ?? randomBytes(24).toString('hex')
  const service = await start(lifecycle, {
    databaseUrl,
    embedded: options.embedded ?? false,
    port: options.port ?? 0,
    host: '127.0.0.1',
    metricsHost: options.metricsHost ?? '127.0.0.1',
    metricsPort: options.metricsPort,
    ...(options.overviewEveryMs !== undefined && { overviewEveryMs: options.overviewEveryMs }),
    keepAliveSeconds: options.keepAliveSeconds ?? 75,
    role: options.role ?? 'all',
    bootstrapApiKey: key,
    keyring: options.keyring ?? new Keyring(),
    eventRetentionDays: 30,
    rejectedRowsRetentionDays: 30,
    failedLookUpsPerMinute: options.failedLookUpsPerMinute ?? 100,
    maxRedemptionAgeDays: options.maxRedemptionAgeDays ?? 7,
    maxUploadBytes: options.maxUploadBytes ?? 2 ** 30,
    webhookAllowedNetworks: options.webhookAllowedNetworks ?? Networks.none,
    log: options.log ?? pino({ level: process.env['LOG'] ?? 'silent' }),
  })
  const close = () => lifecycle.close()
  const { url, metricsUrl } = service
  return { url, metricsUrl, key, databaseUrl, close, [Symbol.asyncDispose]: close }
}

/** A service for the tests of a file or suite, started before them and closed after them: see `shared`. */
export function useService(options?: TestServiceOptions): TestService {
  return shared(() => startService(options))
}

/** A client with the key of a service, disposed of after the tests. */
export function useClient(service: TestService): Client {
  const client = new Client(service)
  afterAll(() => client[Symbol.asyncDispose]())
  return client
}
