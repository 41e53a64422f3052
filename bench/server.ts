/** The server of a benchmark, in a process of its own, which ends with the benchmark. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pino } from 'pino'
import type { LogLevel, Role } from '../src/config.ts'
import { Keyring } from '../src/keys/keyring.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { Networks } from '../src/outgoing/networks.ts'
import { startService } from '../src/service.ts'
import { addPeers } from './peers.ts'
import { openCodeRows } from './usual/code-rows.ts'

export interface ServerOptions {
  databaseUrl: string
  /** All by default. */
  role?: Role
  /** Whether it also claims from a table of codes. */
  codeRows?: boolean
  failedLookUpsPerMinute?: number
  /** Whether it has metrics, and from which level on it logs, to nowhere. By default no metrics, and only warnings are logged. */
  telemetry?: LogLevel
}

const options = JSON.parse(process.argv[2] ?? '{}') as ServerOptions
const { databaseUrl, role = 'all', failedLookUpsPerMinute = 100, telemetry } = options
const lifecycle = new Lifecycle()
process.once('disconnect', () => void lifecycle.close())

const codeRows = options.codeRows ? await openCodeRows(lifecycle, databaseUrl) : undefined
// Before the service builds its schema.
addPeers(codeRows)
const service = await startService(lifecycle, {
  databaseUrl,
  embedded: false,
  port: 0,
  host: '127.0.0.1',
  metricsHost: '127.0.0.1',
  keepAliveSeconds: 75,
  role,
  bootstrapApiKey: undefined,
  keyring: new Keyring(),
  eventRetentionDays: 30,
  rejectedRowsRetentionDays: 30,
  failedLookUpsPerMinute,
  maxRedemptionAgeDays: 7,
  maxUploadBytes: 2 ** 30,
  metricsPort: telemetry === undefined ? undefined : 0,
  webhookAllowedNetworks: Networks.none,
  log: pino({ level: telemetry ?? 'warn' }, pino.destination(telemetry === undefined ? 2 : '/dev/null')),
})
const delays = monitorEventLoopDelay({ resolution: 1 })
let watching = false
let maxCpuMs = 0

/** Measures the processor time of each iteration of the event loop until it is told to end. */
function watchIterations(): void {
  const before = process.threadCpuUsage()
  setImmediate(() => {
    const { user, system } = process.threadCpuUsage(before)
    maxCpuMs = Math.max(maxCpuMs, (user + system) / 1e3)
    if (watching) watchIterations()
  })
}

process.on('message', (asked) => {
  if (asked === 'memory') {
    // Without garbage.
    globalThis.gc?.()
    process.send?.(process.memoryUsage().rss)
  } else if (asked === 'kept') {
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    process.send?.(heapUsed + external)
  } else if (asked === 'cpu') {
    const { user, system } = process.cpuUsage()
    process.send?.((user + system) / 1e3)
  } else if (asked === 'watch') {
    watching = true
    maxCpuMs = 0
    delays.reset()
    delays.enable()
    watchIterations()
    process.send?.('watching')
  } else {
    watching = false
    delays.disable()
    process.send?.({ maxMs: delays.max / 1e6, maxCpuMs })
  }
})
process.send?.({ url: service.url, metricsUrl: service.metricsUrl })
