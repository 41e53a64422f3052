/** The server of a benchmark: a process of its own, which ends when the benchmark does. */

import { pino } from 'pino'
import type { Role } from '../src/config.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { startService } from '../src/service.ts'
import { addPeers } from './peers.ts'
import { openCodeRows } from './usual/code-rows.ts'

export interface ServerOptions {
  databaseUrl: string
  role: Role
  /** Whether it also claims from a table of codes. */
  codeRows: boolean
}

const options = JSON.parse(process.argv[2] ?? '{}') as ServerOptions
const lifecycle = new Lifecycle()
process.once('disconnect', () => void lifecycle.close())

const codeRows = options.codeRows ? await openCodeRows(lifecycle, options.databaseUrl) : undefined
// Before the service makes its schema.
addPeers(codeRows)
const service = await startService(lifecycle, {
  databaseUrl: options.databaseUrl,
  embedded: false,
  port: 0,
  host: '127.0.0.1',
  role: options.role,
  bootstrapApiKey: undefined,
  eventRetentionDays: 30,
  rejectedRowsRetentionDays: 30,
  failedLookUpsPerMinute: 100,
  maximumUploadBytes: 2 ** 30,
  log: pino({ level: 'warn' }, pino.destination(2)),
})
// What it holds once it has thrown away what it no longer needs.
process.on('message', () => {
  globalThis.gc?.()
  process.send?.(process.memoryUsage().rss)
})
process.send?.(service.url)
