import type { Pool, PoolClient, QueryResult, QueryResultRow } from 'pg'
import {
  CommitUnansweredError,
  canRunAgain,
  DatabaseUnavailableError,
  isUnavailable,
  sqlState,
} from './errors.ts'

/** A statement with its parameters. One with a name is prepared once for each connection. */
export interface Statement {
  name?: string
  text: string
  values?: unknown[]
  /** After how many milliseconds the connection is given up for silent; the pool's own limit when it is not said. */
  query_timeout?: number
}

/** Anything that runs statements: a transaction, or the pool for a single one. */
export interface Queryable {
  rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]>
}

/** Statements that are sent without waiting for each other's answers travel together, and run in their order. */
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
   * Why the transaction has failed, given the error that its work ended with: statements that were sent behind the
   * one that failed only say that the transaction is aborted, and theirs may be the first error to come out.
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

// One statement that loses to others this often is starving, and the caller should hear of it.
const attempts = 5

/**
 * Runs `work` in a READ COMMITTED transaction on a connection of its own: commits when it resolves, rolls back
 * when it rejects. A deadlock, a serialization failure, a lock timeout or a RunAgainError runs the whole of `work` again,
 * at most five times, so it must change nothing but the database.
 *
 * Rejects with a DatabaseUnavailableError when the connection cannot be had or is lost, which is a
 * CommitUnansweredError when COMMIT had been sent already; with whatever `work` rejects with otherwise.
 */
export async function transaction<T>(pool: Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(pool, work)
    } catch (error) {
      if (attempt === attempts || !canRunAgain(error)) throw error
    }
  }
}

async function runOnce<T>(pool: Pool, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const client = await connect(pool)
  const tx = new Transaction(client)
  let broken: Error | undefined
  let committing = false
  // A connection that is lost between two statements says so here, and ends the process if nobody listens.
  const onError = (error: Error) => {
    broken = error
  }
  client.on('error', onError)
  try {
    // In one flight with the first statement of `work`. It fails only with the connection, and so do all others.
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

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw isUnavailable(error) ? new DatabaseUnavailableError(error) : error
  }
}

/** Rolls back; the error that kept it from doing so, after which the connection is of no more use. */
async function rollback(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('ROLLBACK')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
