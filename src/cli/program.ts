import { resolve } from 'node:path'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { readConfig } from '../config.ts'
import { openCluster } from '../database/embedded/cluster.ts'
import { findEmbeddedServer, startEmbeddedServer } from '../database/embedded/server.ts'
import { DatabaseUnavailableError } from '../database/errors.ts'
import { applyMigrations } from '../database/migrations.ts'
import { checkDatabase, openConnections } from '../database/open.ts'
import { Reach } from '../database/reach.ts'
import { UserError } from '../domain/books/errors.ts'
import type { Keyring } from '../keys/keyring.ts'
import { describeError, openLog } from '../log.ts'
import { OperatorError } from '../operator-error.ts'

interface DatabaseOptions {
  /** How long a statement may take. */
  readonly statementTimeoutMs?: number
  /** Whether to bring the tables up to date, as a service does when it starts. */
  readonly migrates?: boolean
}

interface OpenedDatabase {
  readonly url: string
  readonly connections: Pool
  readonly reach: Reach
  readonly keyring: Keyring
  readonly log: Logger
}

/**
 * Opens the database of the service, which the environment names, until `work` is done. If it is the service's own
 * PostgreSQL, and no service runs, it is started meanwhile. Rejects with an OperatorError when there is none, it has no
 * tables of the service, or it cannot be used.
 */
export async function withDatabase<T>(
  work: (database: OpenedDatabase) => Promise<T>,
  options: DatabaseOptions = {},
): Promise<T> {
  const { databaseUrl, dataDir, keyring } = readConfig(process.env)
  const log = openLog({ level: 'warn' })
  const running = databaseUrl ?? (await findEmbeddedServer({ dataDir }))
  if (running !== undefined) return await withConnections(running, { keyring, log }, work, options)
  // Starting it would create an empty one.
  if ((await openCluster(resolve(dataDir))) === undefined)
    throw new OperatorError(
      `There is no database in ${dataDir}. Set DATA_DIR or DATABASE_URL as for the service; npm start creates one.`,
    )
  const starting = startEmbeddedServer({ dataDir, log })
  const close = async () => (await starting).close()
  // PostgreSQL would outlive this process.
  const stop = () => void close().finally(() => process.exit(interrupted))
  for (const signal of signals) process.once(signal, stop)
  try {
    const { url } = await starting
    return await withConnections(url, { keyring, log }, work, options)
  } finally {
    await close()
    for (const signal of signals) process.off(signal, stop)
  }
}

const signals = ['SIGINT', 'SIGTERM'] as const
const interrupted = 130

async function withConnections<T>(
  url: string,
  { keyring, log }: { keyring: Keyring; log: Logger },
  work: (database: OpenedDatabase) => Promise<T>,
  { statementTimeoutMs, migrates = false }: DatabaseOptions,
): Promise<T> {
  const { schema } = await checkDatabase(url)
  const connections = openConnections(url, {
    max: 2,
    log,
    schema,
    ...(statementTimeoutMs !== undefined && { statementTimeoutMs }),
  })
  try {
    const { rows } = await connections.query("SELECT to_regclass('account') IS NOT NULL AS exist")
    if (rows[0]?.exist !== true)
      throw new OperatorError('The database has no tables yet: start the service once.')
    if (migrates) await applyMigrations(url, log)
    return await work({
      url,
      connections,
      reach: new Reach({ connections, log }),
      keyring,
      log,
    })
  } finally {
    await connections.end()
  }
}

/** A command was given something else than its usage says. The message is the reason. */
export class UsageError extends OperatorError {
  override readonly name = 'UsageError'
}

/** Reads arguments with `parse`. Throws a UsageError instead of the error of `parseArgs`. */
export function readArguments<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // What follows is advice for other programs.
    const [reason = ''] = error.message.split(/\.\s|\n/)
    throw new UsageError(`${reason.replace(/\.$/, '')}.`)
  }
}

/**
 * Runs a program. Its exit code is what `main` resolves to, or `failure` when it rejects, or 2 after wrong arguments; with
 * --help, it prints its usage, and the exit code is 0. The error is printed on standard error, with a stack trace only if
 * it is a defect of the program.
 */
export async function run(
  main: () => Promise<number>,
  { failure, usage }: { failure: number; usage: string },
): Promise<void> {
  if (process.argv.slice(2).some((argument) => ['--help', '-h'].includes(argument))) {
    process.stdout.write(usage)
    return
  }
  try {
    process.exitCode = await main()
  } catch (error) {
    if (error instanceof UsageError) {
      process.exitCode = 2
      console.error(`${error.message}\n\n${usage}`)
      return
    }
    process.exitCode = failure
    const isExpected =
      error instanceof OperatorError ||
      error instanceof UserError ||
      error instanceof DatabaseUnavailableError
    console.error(isExpected ? error.message : describeError(error))
  }
}
