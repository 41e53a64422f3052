/** The server of a benchmark: a process of its own, which ends when the benchmark does. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
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
  maxUploadBytes: 2 ** 30,
  log: pino({ level: 'warn' }, pino.destination(2)),
})
const delays = monitorEventLoopDelay({ resolution: 1 })
let watching = false
let maxStretchMs = 0

/** Measures for how long the thread has had a processor in each turn of the event loop, until it is told to end. */
function watchTurns(): void {
  const before = process.threadCpuUsage()
  setImmediate(() => {
    const { user, system } = process.threadCpuUsage(before)
    maxStretchMs = Math.max(maxStretchMs, (user + system) / 1e3)
    if (watching) watchTurns()
  })
}

process.on('message', (asked) => {
  if (asked === 'memory') {
    // What it holds once it has thrown away what it no longer needs.
    globalThis.gc?.()
    process.send?.(process.memoryUsage().rss)
  } else if (asked === 'watch') {
    watching = true
    maxStretchMs = 0
    delays.reset()
    delays.enable()
    watchTurns()
    process.send?.('watching')
  } else {
    watching = false
    delays.disable()
    process.send?.({ maxDelayMs: delays.max / 1e6, maxStretchMs })
  }
})
process.send?.(service.url)
