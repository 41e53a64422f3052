import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { readConfig } from '../config.ts'
import { healthPath } from '../routes.ts'

// The health check of a container, which may have no other program to make a request with: exits with 0 if the service of this
// container answers that it runs, and otherwise with 1 and the reason.

const maxWaitMs = 4_000

/** The address at which a service that listens on `host` is reached from the same machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

async function check(): Promise<void> {
  const { PORT, HOST } = process.env
  // Nothing else: secrets may have been replaced since the start.
  const { port, host } = readConfig({ PORT, HOST })
  const asked = get({
    host: reachable(host),
    port,
    path: healthPath,
    agent: false,
    signal: AbortSignal.timeout(maxWaitMs),
  })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  if (answer.statusCode !== 200) throw new Error(`The service answers ${answer.statusCode}.`)
}

try {
  await check()
} catch (error) {
  process.exitCode = 1
  console.error(error instanceof Error ? error.message : error)
}
