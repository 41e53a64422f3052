import { stdTimeFunctions } from 'pino'
import { buildIfChanged, type Product, project } from './build/build.ts'
import { databaseClient } from './build/database-client.ts'
import { type Config, type Role, readConfig } from './config.ts'
import { startEmbeddedServer } from './database/embedded/server.ts'
import { firstAccountName, firstKeyName } from './domain/account/names.ts'
import { ClosingError, Lifecycle } from './lifecycle.ts'
import { openLog } from './log.ts'
import { OperatorError } from './operator-error.ts'
import { consolePath, graphqlPath, healthPath } from './routes.ts'
import type { Service } from './service.ts'

/** Starts the service. It runs until a signal closes it. */
async function main(): Promise<void> {
  const config = readConfig(process.env)
  log.level = config.logLevel
  await openTraces(config)
  const embedded = config.databaseUrl === undefined
  // In parallel: each of them takes a while.
  const [{ startService }, databaseUrl] = await Promise.all([
    loadService(config.role),
    config.databaseUrl ?? openEmbeddedServer(config.dataDir),
    config.role === 'worker' ? undefined : buildPages(),
  ])
  const service = await startService(lifecycle, { ...config, databaseUrl, embedded, log })
  process.stdout.write(greeting(service, config))
}

/** Before everything else, so that they are closed last. */
async function openTraces({ tracing, role }: Config): Promise<void> {
  if (tracing === undefined) return
  const { startTracing } = await import('./telemetry/tracing.ts')
  await lifecycle.openCloseable('traces', () => startTracing(tracing, { role, log }))
}

async function loadService(role: Role) {
  await ensureBuilt(databaseClient)
  const service = await import('./service.ts')
  await service.loadRole(role)
  return service
}

async function buildPages(): Promise<void> {
  const { productsOfPages } = await import('./build/pages.ts')
  // In the lifecycle, so that a start that fails in the meantime waits for what is half done.
  await Promise.all(
    productsOfPages.map((page) =>
      lifecycle.open(
        page.name,
        () => ensureBuilt(page),
        () => {},
      ),
    ),
  )
}

/** Says so if it has to build something, as that takes a few seconds. */
async function ensureBuilt(product: Product): Promise<void> {
  await buildIfChanged(product, project, () => log.info(`building ${product.name}`))
}

async function openEmbeddedServer(dataDir: string): Promise<string> {
  const server = await lifecycle.openCloseable('embedded PostgreSQL', () =>
    startEmbeddedServer({ dataDir, log }),
  )
  return server.url
}

/** Says where the service is and what to do next. */
function greeting({ url, metricsUrl, firstKey, signsInLocally }: Service, config: Config): string {
  const where =
    config.role === 'worker'
      ? [`The worker is ready.   Health: ${url}${healthPath}`]
      : [
          'Promo codes is ready.',
          '',
          `    Console:    ${url}${consolePath}`,
          `    GraphiQL:   ${url}${graphqlPath}   (the API, for developers)`,
          '',
          signsInLocally
            ? 'Open the console in a browser on this machine: you are signed in already.'
            : 'Open the console, and sign in with your API key.',
        ]
  return [
    '',
    ...where,
    ...(metricsUrl === undefined ? [] : [`Metrics: ${metricsUrl}`]),
    keyLine(firstKey, config),
    config.databaseUrl === undefined ? `Data: ${config.dataDir}   Stop: Ctrl-C` : 'Stop: Ctrl-C',
    '',
    '',
  ].join('\n')
}

/** A key is not printed where output is kept, in the log of a container or the journal: only on a terminal, and for newcomers. */
function keyLine(firstKey: string | undefined, { bootstrapApiKey, databaseUrl }: Config): string {
  if (firstKey === undefined) return 'API keys are created and replaced with: npm run account'
  if (bootstrapApiKey !== undefined)
    return 'Your first API key, with all scopes, is the one in BOOTSTRAP_API_KEY.'
  if (databaseUrl !== undefined && !process.stdout.isTTY)
    return `${withheld}\n\n    npm run account -- replace-key "${firstAccountName}" "${firstKeyName}"\n`
  return `Your first API key, with all scopes. It is shown this once:\n\n    ${firstKey}\n`
}

const withheld =
  'Your first API key is not printed, as this output may be kept. Replace it by one that you see, with all scopes:'

const log = openLog({ base: null, timestamp: stdTimeFunctions.isoTime })
const lifecycle = new Lifecycle()

async function end(code: number): Promise<void> {
  process.exitCode = code
  try {
    await lifecycle.close()
  } catch (error) {
    process.exitCode = 1
    log.error({ err: error }, 'the service could not shut down cleanly')
  }
  process.exit()
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0))

// Like the default of Node.js, which would also print everything that is attached to the error.
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'uncaught exception')
  process.exit(1)
})

try {
  await main()
} catch (error) {
  if (error instanceof ClosingError) await lifecycle.close()
  else {
    if (error instanceof OperatorError) console.error(error.message)
    else log.fatal({ err: error }, 'the service could not start')
    await end(1)
  }
}
