import { OperatorError } from '../operator-error.ts'

/** The database cannot be reached, or must not be used. The message never contains the password. */
export class DatabaseError extends OperatorError {
  override name = 'DatabaseError'
}

/** The database cannot be reached, or closed the connection. The request itself may be valid. */
export class DatabaseUnavailableError extends Error {
  constructor(cause: unknown) {
    super('The database cannot be reached.', { cause })
    this.name = 'DatabaseUnavailableError'
  }
}

/** A COMMIT was not answered: only the database knows whether the transaction was committed. */
export class CommitUnansweredError extends DatabaseUnavailableError {
  constructor(cause: unknown) {
    super(cause)
    this.name = 'CommitUnansweredError'
    this.message = 'The connection to the database was lost during a commit.'
  }
}

/** The SQLSTATE of an error of the `pg` driver, or of a Prisma error around it. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const direct = property(error, 'code')
  if (typeof direct === 'string' && isSqlState(direct)) return direct
  const wrapped = property(property(property(error, 'meta'), 'driverAdapterError'), 'cause')
  const original = property(wrapped, 'originalCode')
  if (typeof original === 'string') return original
  return error.cause === undefined ? undefined : sqlState(error.cause)
}

/** Thrown by the work of a transaction to run it again, because another transaction was first. */
export class RunAgainError extends Error {
  override name = 'RunAgainError'
}

/**
 * Whether it was a deadlock, a serialization failure, a lock timeout or a RunAgainError: the transaction was rolled back and
 * can run again.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function canRunAgain(error: unknown): boolean {
  if (error instanceof RunAgainError) return true
  const state = sqlState(error)
  return state === '40P01' || state === '40001' || state === '55P03'
}

const unavailableStates = /^(08|57P)|^(53300|53100|25006|25P03)$/

const connectionErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

// Messages of `pg` and the driver adapter about a lost connection, which have no code.
const connectionMessages =
  /Connection terminated|Query read timeout|Client has encountered a connection error|timeout exceeded when trying to connect|timeout expired|Client was closed|Cannot use a pool after calling end|not queryable/

// A distributed database has no state of its own for a node that is lost in the middle of a statement or of a commit.
const internalState = 'XX000'
const lostNode = /terminating connection due to unexpected postmaster exit|^could not commit transaction/

/**
 * Whether an error says that the database is unreachable, starting, shutting down, out of connections or disk space, not
 * fit for use, or read-only, as the former primary is after a failover; that a node of it was lost; or that it has ended a
 * transaction because this process was silent for too long.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof DatabaseUnavailableError || error instanceof DatabaseError) return true
  const state = sqlState(error)
  if (state === internalState) return lostNode.test(error.message)
  if (state !== undefined) return unavailableStates.test(state)
  const code = property(error, 'code')
  if (typeof code === 'string' && (connectionErrors.has(code) || code === 'P1001' || code === 'P1017'))
    return true
  if (error instanceof AggregateError) return error.errors.some(isUnavailable)
  if (connectionMessages.test(error.message)) return true
  const kind = property(property(property(property(error, 'meta'), 'driverAdapterError'), 'cause'), 'kind')
  if (kind === 'DatabaseNotReachable' || kind === 'ConnectionClosed' || kind === 'SocketTimeout') return true
  return error.cause !== undefined && isUnavailable(error.cause)
}

/** Five digits or letters; neither a system error such as EPIPE, nor a Prisma error such as P2010. */
function isSqlState(code: string): boolean {
  return /^(?=.*\d)[0-9A-Z]{5}$/.test(code) && !/^P[1-9]/.test(code)
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
