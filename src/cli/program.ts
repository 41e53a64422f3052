import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { readConfig } from '../config.ts'
import { findEmbeddedServer } from '../database/embedded/server.ts'
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

/**
 * Opens the database of the running service, which the environment names, until `work` is done. Rejects with an OperatorError when there is none, it
 * has no tables of the service, or it cannot be used.
 */
export async function withDatabase<T>(
  work: (database: {
    url: string
    connections: Pool
    reach: Reach
    keyring: Keyring
    log: Logger
  }) => Promise<T>,
  { statementTimeoutMs, migrates = false }: DatabaseOptions = {},
): Promise<T> {
  const config = readConfig(process.env)
  const url = config.databaseUrl ?? (await findEmbeddedServer({ dataDir: config.dataDir }))
  if (url === undefined)
    throw new OperatorError(
      `No service runs on ${config.dataDir}. Start it with npm start, or set DATA_DIR or DATABASE_URL as for the service.`,
    )
  const { schema } = await checkDatabase(url)
  const log = openLog({ level: 'warn' })
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
      keyring: config.keyring,
      log,
    })
  } finally {
    await connections.end()
  }
}

/**
 * Runs a program. Its exit code is what `main` resolves to, or `failure` when it rejects. The error is printed on standard
 * error, with a stack trace only if it is a defect of the program.
 */
export async function run(main: () => Promise<number>, failure: number): Promise<void> {
  try {
    process.exitCode = await main()
  } catch (error) {
    process.exitCode = failure
    const isExpected =
      error instanceof OperatorError ||
      error instanceof UserError ||
      error instanceof DatabaseUnavailableError
    console.error(isExpected ? error.message : describeError(error))
  }
}
