import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg'
import { retry } from '../async/retry.ts'
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
      return await this.#client.query<Row>(statement)
    } catch (error) {
      this.#failure ??= { error }
      throw error
    }
  }
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
  return retry(maxAttempts, () => runOnce(connections, work), canRunAgain)
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
    // In one round trip with the first statement of `work`. It fails only if the connection does, and then so does `work`.
    const begun = client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
    const [result] = await Promise.all([work(tx), begun])
    committing = true
    await client.query('COMMIT')
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
  try {
    return await connections.connect()
  } catch (error) {
    throw isUnavailable(error) ? new DatabaseUnavailableError(error) : error
  }
}

/** Rolls back. Resolves to the error when that fails, after which the connection must not be used any more. */
async function rollback(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
