import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Logger } from 'pino'
import { adviceOn } from './advice.ts'
import { readDatabaseUrl } from './database-url.ts'
import { DatabaseError, sqlState } from './errors.ts'
import { migrate } from './migrations.ts'
import { checkNodes } from './nodes.ts'
import { findSchema } from './schema.ts'
import { locationOf, prepareSession, type SessionOptions, usualLockTimeoutMs } from './session.ts'
import type { Statement } from './transaction.ts'

export { DatabaseError } from './errors.ts'

export interface ConnectionOptions extends Omit<SessionOptions, 'idleInTransactionTimeoutMs'> {
  /** The maximum number of connections. */
  readonly max: number
  readonly log: Logger
}

const connectionTimeoutMs = 10_000
const idleInTransactionTimeoutMs = 10_000
const silenceMs = 5_000

/**
 * Makes a database ready to use: checks it, brings its tables up to date, and opens connections, which the caller must end.
 *
 * @throws {OperatorError} when the database cannot be reached, must not be used, or is newer than this version
 */
export async function openDatabase(url: string, options: ConnectionOptions): Promise<pg.Pool> {
  const { client, schema } = await connectChecked(url)
  try {
    await checkNodes(client, options.log)
    await migrate(client, options.log)
  } finally {
    await client.end()
  }
  return openConnections(url, { ...options, schema })
}

/** The configuration of a connection of its own. */
export function connectionConfig(url: string): pg.ClientConfig {
  return {
    application_name: 'promo-codes',
    connectionTimeoutMillis: connectionTimeoutMs,
    keepAlive: true,
    ...readDatabaseUrl(url),
  }
}

/**
 * Opens connections that have timeouts for the server, for locks and for this process, and whose commits are on disk
 * when they are answered, even where the server's default is weaker.
 *
 * Connections are made when they are needed, so this does not fail when the server is unavailable. The loss of an idle
 * connection is logged, but not while they are being closed.
 */
export function openConnections(url: string, options: ConnectionOptions): pg.Pool {
  const { max, log, lockTimeoutMs = usualLockTimeoutMs, statementTimeoutMs = 30_000, schema } = options
  const connections = new pg.Pool({
    ...connectionConfig(url),
    max,
    // Statements that do not need each other's answers are sent together: each round trip prolongs a transaction, and the
    // time for which it holds its locks.
    pipeline: true,
    // A server that no longer responds, as when its machine is gone, cannot time out a statement itself.
    query_timeout: statementTimeoutMs + silenceMs,
    onConnect: (client) =>
      prepareSession(client, { lockTimeoutMs, statementTimeoutMs, idleInTransactionTimeoutMs, schema }),
  })
  // While they are closed, a server that stops at the same time may be the first to close one: nothing is lost then.
  connections.on('error', (error) => {
    if (!connections.ending) log.warn({ err: error }, 'lost a connection to the database')
  })
  return connections
}

/**
 * Checks that a database can be reached, is durable, and gives each connection its own session. Resolves to the
 * schema of the service's tables, or the one to create them in.
 *
 * @param answerMs after how many milliseconds without an answer a connection counts as one without a session
 * @throws {DatabaseError} that says where the database is, what is wrong with it, and what to do
 */
export async function checkDatabase(
  url: string,
  answerMs = connectionTimeoutMs,
): Promise<{ schema: string }> {
  const { client, schema } = await connectChecked(url, answerMs)
  await client.end()
  return { schema }
}

/** As `checkDatabase`, but also resolves to a connection that was checked and finds the tables. The caller must end it. */
async function connectChecked(
  url: string,
  answerMs = connectionTimeoutMs,
): Promise<{ client: pg.Client; schema: string }> {
  const first = newClient(url)
  const second = newClient(url)
  const where = locationOf(first)
  try {
    await Promise.all([first.connect(), second.connect()])
    // Before any setting is changed: a pooler would leave it in the sessions of others.
    const error = await sessionError(first, second, answerMs)
    if (error !== undefined) throw new DatabaseError(`The database cannot be used: ${where} ${error}`)
    const schema = await findSchema(first)
    await prepareSession(first, { schema })
    await second.end()
    return { client: first, schema }
  } catch (error) {
    await Promise.all([first.end(), second.end()])
    if (error instanceof DatabaseError) throw error
    throw new DatabaseError(`The database cannot be used: ${where} ${failure(error, first)}`, {
      cause: error,
    })
  }
}

const pooled =
  'is a pooler that shares its sessions between clients, as PgBouncer does with pool_mode = transaction. The service ' +
  'needs sessions of its own: name the server itself, or a pooler with pool_mode = session that has room for 25 ' +
  'connections of each process. (At Supabase, use port 5432, not 6543; at Neon, the host without -pooler.)'

const silent = 'does not answer: check that it runs and is not overloaded.'

const tooSmall =
  'has room for only one connection: each process of the service needs 25. Raise the size of the pool, or the connection ' +
  'limit of the database or the user.'

// A pooler may hand out its most or least recently used session, or any. Whatever its rule, it does not hand out one that
// is in use, and within these rounds that shows.
const rounds = 5

/**
 * Why two connections do not have a session each; undefined when they do. Behind a pooler, what the first has set is gone
 * for it while the second holds that session with a transaction; and with no session left, there is no answer.
 */
async function sessionError(
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
    // A pooler that hands out the session released last may have given the second one another session before.
    if (round > 0 && !(await isItsOwn())) return pooled
  }
  return undefined
}

const unanswered = Symbol('unanswered')

// Lifts, for this transaction, the time limits that the role or the database may have.
const beginForLong = `BEGIN;
  SELECT set_config(name, '0', true)
    FROM unnest(ARRAY['idle_in_transaction_session_timeout', 'transaction_timeout']) name
   WHERE current_setting(name, true) IS NOT NULL`

function newClient(url: string): pg.Client {
  const client = new pg.Client(connectionConfig(url))
  // The query that fails reports the error; but without a listener it would also end the process.
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

/** An AggregateError of several addresses has no message itself. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}
