import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { readConfig } from '../config.ts'
import { findEmbeddedServer } from '../database/embedded/server.ts'
import { DatabaseUnavailableError } from '../database/errors.ts'
import { checkDatabase, createPool } from '../database/open.ts'
import { UserError } from '../domain/books/errors.ts'
import { describeError, openLog } from '../log.ts'
import { OperatorError } from '../operator-error.ts'

/** The database of the running service, as a program beside it opens it. */
export interface ServiceDatabase {
  url: string
  pool: Pool
  log: Logger
}

/**
 * Opens the database that the environment names, which a service has made its tables in, for as long as `work` takes.
 * Rejects with an OperatorError when there is none, or it cannot be used.
 */
export async function withDatabase<T>(work: (database: ServiceDatabase) => Promise<T>): Promise<T> {
  const config = readConfig(process.env)
  const url = config.databaseUrl ?? (await findEmbeddedServer({ dataDir: config.dataDir }))
  if (url === undefined)
    throw new OperatorError(
      `No service runs on ${config.dataDir}. Start it with npm start, or set DATA_DIR or DATABASE_URL as it has them.`,
    )
  const { schema } = await checkDatabase(url)
  const log = openLog({ level: 'warn' })
  const pool = createPool(url, { max: 2, log, schema })
  try {
    const { rows } = await pool.query("SELECT to_regclass('account') IS NOT NULL AS exist")
    if (rows[0]?.exist !== true)
      throw new OperatorError('The database has no tables yet: start the service once.')
    return await work({ url, pool, log })
  } finally {
    await pool.end()
  }
}

/**
 * Runs a program to its exit code: the one that `main` resolves to, or `failed` when it rejects. What went wrong is
 * told on standard error, with a stack only where that is a defect of the program.
 */
export async function run(main: () => Promise<number>, failed: number): Promise<void> {
  try {
    process.exitCode = await main()
  } catch (error) {
    process.exitCode = failed
    const told =
      error instanceof OperatorError ||
      error instanceof UserError ||
      error instanceof DatabaseUnavailableError
    console.error(told ? error.message : describeError(error))
  }
}
