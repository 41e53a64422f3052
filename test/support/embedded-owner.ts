import { pino } from 'pino'
import { startEmbeddedServer } from '../../src/database/embedded/server.ts'

// Owns an embedded server in the given folder: a process of its own, so that a test can kill it.

const [, , dataDir = ''] = process.argv
try {
  const server = await startEmbeddedServer({ dataDir, log: pino({ level: 'silent' }) })
  process.once('SIGTERM', () => server.close().then(() => process.exit()))
  process.stdin.resume()
  console.log(server.url)
} catch (error) {
  console.log(String(error))
  process.exit(1)
}
