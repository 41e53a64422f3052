import { stdTimeFunctions } from 'pino'
import { readConfig } from './config.ts'
import { startEmbeddedServer } from './database/embedded/server.ts'
import { generateIfChanged } from './generate.ts'
import { ClosingError, Lifecycle } from './lifecycle.ts'
import { openLog } from './log.ts'
import { OperatorError } from './operator-error.ts'
import type { Service } from './service.ts'

/** Starts the service and runs until a signal ends it: then everything is closed in order. */
async function main(): Promise<void> {
  const config = readConfig(process.env)
  const embedded = config.databaseUrl === undefined
  // The code is loaded while PostgreSQL starts: each takes about as long as the other.
  const [{ startService }, databaseUrl] = await Promise.all([
    generateIfChanged().then(() => import('./service.ts')),
    config.databaseUrl ?? openEmbeddedServer(config.dataDir),
  ])
  const service = await startService(lifecycle, { ...config, databaseUrl, embedded, log })
  const isGiven = config.bootstrapApiKey !== undefined
  process.stdout.write(greeting(service, { dataDir: config.dataDir, embedded, isGiven }))
}

async function openEmbeddedServer(dataDir: string): Promise<string> {
  const server = await lifecycle.open(
    'embedded PostgreSQL',
    () => startEmbeddedServer({ dataDir, log }),
    (opened) => opened.close(),
  )
  return server.url
}

/**
 * What whoever started the service should know, and do next. A key that was given is not repeated: it would be in
 * every log of what a process prints.
 */
function greeting(
  { graphiqlUrl, firstKey, graphiqlHasKey }: Service,
  { dataDir, embedded, isGiven }: { dataDir: string; embedded: boolean; isGiven: boolean },
): string {
  const key =
    firstKey === undefined
      ? 'API keys are made and replaced with: npm run account'
      : isGiven
        ? 'Your first API key, with all scopes, is the one in BOOTSTRAP_API_KEY.'
        : `Your first API key, with all scopes. It is shown this once:\n\n    ${firstKey}\n`
  const next = graphiqlHasKey
    ? 'Open it: a key is filled in, and its tabs lead from the list of pools to codes handed out.'
    : 'Open it and put your key into the headers: its tabs lead from the list of pools to codes handed out.'
  return [
    '',
    `Promo codes is ready.   GraphiQL: ${graphiqlUrl}`,
    '',
    next,
    key,
    embedded ? `Data: ${dataDir}   Stop: Ctrl-C` : 'Stop: Ctrl-C',
    '',
    '',
  ].join('\n')
}

const log = openLog({ base: null, timestamp: stdTimeFunctions.isoTime })
const lifecycle = new Lifecycle()

async function end(code: number): Promise<void> {
  process.exitCode = code
  try {
    await lifecycle.close()
  } catch (error) {
    process.exitCode = 1
    log.error({ err: error }, 'the service could not be closed in order')
  }
  process.exit()
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0))

// As Node.js does, which would print all that hangs on the error.
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'the service has failed')
  process.exit(1)
})

try {
  await main()
} catch (error) {
  if (error instanceof ClosingError) await lifecycle.close()
  else {
    if (error instanceof OperatorError) console.error(error.message)
    else log.fatal({ err: error }, 'the service could not be started')
    await end(1)
  }
}
