import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg'
import { retry } from '../async/retry.ts'
import { beginWait, inDatabaseSpan, inSpan, isTraced } from '../telemetry/spans.ts'
import {
  CommitUnansweredError,
  canRunAgain,
  DatabaseUnavailableError,
  isUnavailable,
  sqlState,
} from './errors.ts'

/** A statement with its parameters. With a name, it is prepared once per connection. */
export interface Statement {
  name?: string
  text: string
  values?: unknown[]
  /** After how many milliseconds without an answer the connection is given up; by default the limit of `openConnections`. */
  query_timeout?: number
}

/** What a statement is called in traces: by its name, or else by what it does, and to which table. */
export function spanNameOf({ name, text }: Statement): string {
  if (name !== undefined) return name
  const [, verb = 'statement'] = /^\s*([A-Z]+)/.exec(text) ?? []
  const [, table] = /\b(?:FROM|INTO|UPDATE) (\w+)/.exec(text) ?? []
  return table === undefined ? verb : `${verb} ${table}`
}

/** The row of a T as the driver returns it: a bigint as text, and null for undefined. */
export type RowOf<T> = { [Name in keyof T]: Column<T[Name]> }
type Column<Value> = Value extends bigint ? string : Value extends undefined ? null : Value

/** Runs statements: in a transaction, or each on any connection. */
export interface Queryable {
  rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]>
}

/** Statements that are sent without awaiting each other share a round trip, and run in order. */
export class Transaction implements Queryable {
  readonly #client: PoolClient
  #failure: { error: unknown } | undefined
  /** Resolves when the statement that was sent last has been answered. Only for traces. */
  #answered: Promise<unknown> = Promise.resolve()

  constructor(client: PoolClient) {
    this.#client = client
  }

  async rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]> {
    return (await this.#query<Row>(statement)).rows
  }

  /** The number of rows that a statement wrote. */
  async execute(statement: Statement): Promise<number> {
    return (await this.#query(statement)).rowCount ?? 0
  }

  /**
   * Why the transaction failed, given the error that its work ended with. Statements after the one that failed say only
   * that the transaction is aborted, and one of these errors may be the first to surface.
   */
  reason(error: unknown): unknown {
    return sqlState(error) === abortedState && this.#failure !== undefined ? this.#failure.error : error
  }

  async #query<Row extends QueryResultRow>(statement: Statement): Promise<QueryResult<Row>> {
    try {
      sendTogether(this.#client)
      const answer = this.#client.query<Row>(statement)
      return await (isTraced() ? this.#traced(statement, answer) : answer)
    } catch (error) {
      this.#failure ??= { error }
      throw error
    }
  }

  /** Statements that were sent together are answered one after the other: each has its span from when it is its turn. */
  async #traced<T>(statement: Statement, answer: Promise<T>): Promise<T> {
    const before = this.#answered
    this.#answered = Promise.allSettled([answer])
    await before
    return await inDatabaseSpan(spanNameOf(statement), () => answer)
  }
}

/**
 * Has all statements that are sent in this iteration of the event loop written with one system call: each call costs as
 * much as a statement.
 */
function sendTogether({ connection: { stream } }: PoolClient): void {
  if (stream.writableCorked > 0) return
  stream.cork()
  process.nextTick(() => stream.uncork())
}

const abortedState = '25P02'

// A transaction that fails this often is starving, which the caller should know.
const maxAttempts = 5

/**
 * Runs `work` in a READ COMMITTED transaction: commits when it resolves, rolls back when it rejects. After a deadlock, a
 * serialization failure, a lock timeout or a RunAgainError, `work` is run again, up to five times in all, so it must not
 * change anything outside the database.
 *
 * Rejects with a DatabaseUnavailableError when there is no connection or it is lost, more precisely a
 * CommitUnansweredError when COMMIT had already been sent; otherwise with whatever `work` rejects with.
 */
export function transaction<T>(connections: Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return retry(
    maxAttempts,
    (attempt) => inSpan('transaction', { 'promo_codes.attempt': attempt }, () => runOnce(connections, work)),
    canRunAgain,
  )
}

async function runOnce<T>(connections: Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const client = await connect(connections)
  const tx = new Transaction(client)
  let broken: Error | undefined
  let committing = false
  // Without a listener, the loss of a connection between two statements would end the process.
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  try {
    sendTogether(client)
    // In one round trip with the first statement of `work`. It fails only if the connection does, and then so does `work`.
    const begun = client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
    const [result] = await Promise.all([work(tx), begun])
    committing = true
    await inDatabaseSpan('commit', () => client.query('COMMIT'))
    return result
  } catch (caught) {
    const error = tx.reason(caught)
    if (isUnavailable(error)) {
      broken = error instanceof Error ? error : new Error(String(error))
      throw committing ? new CommitUnansweredError(error) : new DatabaseUnavailableError(error)
    }
    broken = await rollback(client)
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

async function connect(connections: Pool): Promise<PoolClient> {
  const endWait = beginWait('wait for a connection')
  try {
    return await connections.connect()
  } catch (error) {
    throw isUnavailable(error) ? new DatabaseUnavailableError(error) : error
  } finally {
    endWait()
  }
}

/** Rolls back. Resolves to the error when that fails, after which the connection must not be used any more. */
async function rollback(client: PoolClient): Promise<Error | undefined> {
  try {
    await inDatabaseSpan('rollback', () => client.query('ROLLBACK'))
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Runs each statement in a transaction of its own. */
export function eachInTransaction(connections: Pool): Queryable {
  return { rows: (statement) => transaction(connections, (tx) => tx.rows(statement)) }
}
