import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Logger } from 'pino'
import { adviceOn } from './advice.ts'
import { readDatabaseUrl } from './database-url.ts'
import { DatabaseError, sqlState } from './errors.ts'
import { applyMigrations } from './migrations.ts'
import { findSchema } from './schema.ts'
import { locationOf, prepareSession } from './session.ts'
import type { Statement } from './transaction.ts'

export { DatabaseError } from './errors.ts'

export interface PoolOptions {
  /** How many connections it holds at most. */
  readonly max: number
  readonly log: Logger
  /** How long, in milliseconds, a statement waits for a lock before it fails with 55P03. */
  readonly lockTimeoutMs?: number
  /** How long, in milliseconds, a statement runs before it fails with 57014. */
  readonly statementTimeoutMs?: number
  /** The schema of the service's tables; what the server would choose when it is not said. */
  readonly schema?: string | undefined
}

const connectionTimeoutMs = 10_000
const idleInTransactionTimeoutMs = 10_000
const silenceMs = 5_000

/**
 * Makes a database ready to use: checks it, brings its tables up to date, and opens a pool, which is the caller's
 * to end.
 *
 * @throws {OperatorError} when the database cannot be reached, must not be used, or was used by a newer version
 */
export async function openDatabase(url: string, options: PoolOptions): Promise<pg.Pool> {
  const { schema } = await checkDatabase(url)
  await applyMigrations(url, options.log)
  return createPool(url, { ...options, schema })
}

/** How to make a connection outside of the pool. */
export function connectionConfig(url: string): pg.ClientConfig {
  return {
    application_name: 'promo-codes',
    connectionTimeoutMillis: connectionTimeoutMs,
    keepAlive: true,
    ...readDatabaseUrl(url),
  }
}

/**
 * A pool whose connections give up waiting after a while, for the server, for a lock and for this process alike,
 * and whose commits are on the disk when they are answered, also where the server's default is less.
 *
 * Connections are made as they are needed: this does not fail when the server is away. A connection that is lost
 * while nobody uses it is logged, and replaced when needed.
 */
export function createPool(url: string, options: PoolOptions): pg.Pool {
  const { max, log, lockTimeoutMs = 5_000, statementTimeoutMs = 30_000, schema } = options
  const pool = new pg.Pool({
    ...connectionConfig(url),
    max,
    // A transaction sends statements that do not need each other's answers together: each flight to the server and
    // back lengthens the time that its locks are held.
    pipeline: true,
    // A server that has fallen silent, as when its machine is gone, ends no statement itself.
    query_timeout: statementTimeoutMs + silenceMs,
    // The pool waits for this before it hands the connection out.
    onConnect: (client) =>
      prepareSession(client, { lockTimeoutMs, statementTimeoutMs, idleInTransactionTimeoutMs, schema }),
  })
  pool.on('error', (error) => log.warn({ err: error }, 'a connection to the database was lost'))
  return pool
}

/**
 * Checks that a database can be reached, keeps what is committed to it, and keeps sessions apart. Resolves to the
 * schema that the service's tables are in, or belong into.
 *
 * @param answerMs after how many milliseconds a connection that does not answer is taken for one without a session
 * @throws {DatabaseError} that says where it is and what is wrong with it
 */
export async function checkDatabase(
  url: string,
  answerMs = connectionTimeoutMs,
): Promise<{ schema: string }> {
  const first = newClient(url)
  const second = newClient(url)
  const where = locationOf(first)
  try {
    await Promise.all([first.connect(), second.connect()])
    // Before anything is set: behind such a pooler that would be left in sessions of others.
    const problem = await problemOfSessions(first, second, answerMs)
    if (problem !== undefined) throw new DatabaseError(`The database cannot be used: ${where} ${problem}`)
    await prepareSession(first)
    return { schema: await findSchema(first) }
  } catch (error) {
    if (error instanceof DatabaseError) throw error
    throw new DatabaseError(`The database cannot be used: ${where} ${failure(error, first)}`, {
      cause: error,
    })
  } finally {
    await Promise.all([first.end(), second.end()])
  }
}

const pooled =
  'is a pooler that gives a session away between transactions, as PgBouncer does with pool_mode = transaction. ' +
  'The service needs sessions of its own: name the server itself, or a pool with pool_mode = session that has room for ' +
  '25 connections of each process. (At Supabase that is the port 5432 and not 6543, at Neon the host without -pooler.)'

const silent = 'does not answer.'

const tooSmall =
  'has room for one connection alone: each process of the service needs 25. Raise the size of the pool, or the limit of ' +
  'connections of the database or the user.'

// A pooler chooses which of its sessions it gives to whom: the one that was used last, the one that was not used for the
// longest time, any. Whatever its rule, one that is taken is given to nobody else, and sooner or later that shows.
const rounds = 5

/**
 * Why two connections do not have a session each; undefined when they do. What one connection has set is gone for it
 * when the other holds their only session with a transaction, and when there is no session left, nobody answers.
 */
async function problemOfSessions(
  first: pg.Client,
  second: pg.Client,
  answerMs: number,
): Promise<string | undefined> {
  const ask = async (client: pg.Client, text: string, values: unknown[] = []) => {
    try {
      const statement: Statement = { text, values, query_timeout: answerMs }
      const results: pg.QueryResult<{ mark?: string | null }>[] = [await client.query(statement)].flat()
      return results.at(-1)?.rows[0]?.mark
    } catch (error) {
      if ((error as Error).message === 'Query read timeout') return unanswered
      throw error
    }
  }
  const mark = randomUUID()
  if ((await ask(first, `SELECT set_config('promo_codes.session', $1, false) AS mark`, [mark])) !== mark)
    return silent
  const isItsOwn = async () =>
    (await ask(first, `SELECT current_setting('promo_codes.session', true) AS mark`)) === mark
  for (let round = 0; round < rounds; round++) {
    if ((await ask(second, beginForLong)) === unanswered) return tooSmall
    if (!(await isItsOwn())) return pooled
    await ask(second, 'ROLLBACK')
    // Where the session that was given back last is the next to be given away, it may not have been the one in question.
    if (round > 0 && !(await isItsOwn())) return pooled
  }
  return undefined
}

const unanswered = Symbol('unanswered')

// For this transaction alone, the limits that a role or a database may have for all.
const beginForLong = `BEGIN;
  SELECT set_config(name, '0', true)
    FROM unnest(ARRAY['idle_in_transaction_session_timeout', 'transaction_timeout']) name
   WHERE current_setting(name, true) IS NOT NULL`

function newClient(url: string): pg.Client {
  const client = new pg.Client(connectionConfig(url))
  // What matters is told by the query that fails; without a listener the same would end the process as well.
  client.on('error', () => {})
  return client
}

function failure(error: unknown, client: pg.Client): string {
  const reason = [reasonOf(error), adviceOn(error, client)].filter((part) => part !== undefined).join('. ')
  const state = sqlState(error)
  if (state === undefined) return `cannot be reached: ${reason}`
  if (state.startsWith('28')) return `does not let user ${client.user} in: ${reason}`
  return `answers: ${reason}`
}

/** An attempt on several addresses has a reason for each, and no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}
