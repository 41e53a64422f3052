import { pino } from 'pino'
import { startEmbeddedServer } from '../../src/database/embedded/server.ts'

// Run as a process of its own, that a test can kill: the owner of an embedded server in the folder it is given.

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
