import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { startEmbeddedServer } from '../src/database/embedded/server.ts'
import type { Lifecycle } from '../src/lifecycle.ts'
import { startService } from '../src/service.ts'

/** A service on a PostgreSQL of its own, on disk: what `npm start` gives, in this process. */
export async function startBenchService(
  lifecycle: Lifecycle,
): Promise<{ url: string; key: string; databaseUrl: string }> {
  const log = pino({ level: 'warn' }, pino.destination(2))
  const dataDir = await lifecycle.open(
    'data',
    () => mkdtemp(join(tmpdir(), 'promo-codes-bench-')),
    (folder) => rm(folder, { recursive: true, force: true }),
  )
  const database = await lifecycle.open(
    'PostgreSQL',
    () => startEmbeddedServer({ dataDir, log }),
    (server) => server.close(),
  )
  const key = randomBytes(24).toString('hex')
  const { url } = await startService(lifecycle, {
    databaseUrl: database.url,
    embedded: false,
    port: 0,
    host: '127.0.0.1',
    role: 'all',
    bootstrapApiKey: key,
    log,
  })
  return { url, key, databaseUrl: database.url }
}

export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
  if (middle === undefined) throw new Error('There is no median of nothing.')
  return middle
}
