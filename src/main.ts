import { pino } from 'pino'
import { readConfig } from './config.ts'
import { startEmbeddedServer } from './database/embedded/server.ts'
import { generateIfChanged } from './generate.ts'
import { ClosingError, Lifecycle } from './lifecycle.ts'
import { OperatorError } from './operator-error.ts'
import type { Service } from './service.ts'

/** Starts the service and runs until a signal ends it: then everything is closed in order. */
async function main(lifecycle: Lifecycle): Promise<void> {
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2))
  const config = readConfig(process.env)
  const embedded = config.databaseUrl === undefined
  // The code is loaded while PostgreSQL starts: each takes about as long as the other.
  const [{ startService }, databaseUrl] = await Promise.all([
    generateIfChanged().then(() => import('./service.ts')),
    config.databaseUrl ?? openEmbeddedServer(lifecycle, config.dataDir, log),
  ])
  const service = await startService(lifecycle, { ...config, databaseUrl, embedded, log })
  process.stdout.write(greeting(service, config.dataDir, embedded))
}

async function openEmbeddedServer(
  lifecycle: Lifecycle,
  dataDir: string,
  log: Parameters<typeof startEmbeddedServer>[0]['log'],
): Promise<string> {
  const server = await lifecycle.open(
    'embedded PostgreSQL',
    () => startEmbeddedServer({ dataDir, log }),
    (opened) => opened.close(),
  )
  return server.url
}

/** What whoever started the service should know, and do next. */
function greeting(
  { graphiqlUrl, firstKey, graphiqlHasKey }: Service,
  dataDir: string,
  embedded: boolean,
): string {
  const key =
    firstKey === undefined
      ? 'API keys are made and replaced with: npm run account'
      : `Your first API key, with all scopes. It is shown this once:\n\n    ${firstKey}\n`
  const next = graphiqlHasKey
    ? 'Open it: a key is filled in, and its tabs lead from a format to a claimed code.'
    : 'Open it and put your key into the headers: its tabs lead from a format to a claimed code.'
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

const lifecycle = new Lifecycle()

async function end(code: number): Promise<void> {
  process.exitCode = code
  try {
    await lifecycle.close()
  } catch (error) {
    process.exitCode = 1
    console.error(error)
  }
  process.exit()
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0))

try {
  await main(lifecycle)
} catch (error) {
  if (error instanceof ClosingError) await lifecycle.close()
  else {
    if (error instanceof OperatorError) console.error(error.message)
    else console.error(error)
    await end(1)
  }
}
