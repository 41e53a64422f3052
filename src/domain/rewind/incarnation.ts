import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { v7 as newId } from 'uuid'
import { sqlState } from '../../database/errors.ts'
import { type Transaction, transaction } from '../../database/transaction.ts'
import { OperatorError } from '../../operator-error.ts'

/*
 * A rewind is the loss of commits: a backup was restored, or a standby took over that had not received all of them. Then the
 * counters are those of an earlier time, and codes would be handed out twice, until `followUpRewind` has been run.
 *
 * The database cannot tell by itself that commits are missing. But each of these makes it another *incarnation*: a
 * promotion and a recovery from an archive begin a new timeline; a dump is restored into another database, or at least into
 * other tables. The service remembers the incarnations in which no code can be handed out twice. A copy of the data folder
 * or of the machine's disk is the one case in which nothing differs.
 */

/** Why no code can be handed out twice in an incarnation. */
export type Cause =
  /** The service has recorded no incarnation before. */
  | 'START'
  /** Somebody has said that no commit was lost. */
  | 'NOTHING_LOST'
  /** A rewind has been followed up. */
  | 'REWOUND'

export type IncarnationState =
  /** No code can be handed out twice. */
  | { kind: 'KNOWN'; identity: string; cause: Cause; since: Date }
  /**
   * It is another one than before: somebody has to say whether commits were lost. `before`: since when the last one was
   * known.
   */
  | { kind: 'CHANGED'; identity: string; before: Date }
  /** A rewind is being followed up, or that was interrupted. */
  | { kind: 'UNFINISHED'; identity: string; followUp: FollowUp }
  /** None has been recorded yet. */
  | { kind: 'NEW'; identity: string }
  /** It was the first to be recorded when there were accounts already: nobody has said whether commits were lost before. */
  | { kind: 'ADOPTED'; identity: string; since: Date }

/** A follow-up of a rewind, from its beginning until it is complete. */
export interface FollowUp {
  incarnationId: string
  /** How many codes of each format to give up; undefined: see `defaultMargin`. */
  margin: bigint | undefined
  begunAt: Date
}

interface IncarnationRow {
  id: string
  identity: string
  cause: Cause
  margin: string | null
  begun_at: Date
  ended_at: Date | null
}

/** The incarnation of the database, and what is known of it. */
export async function readIncarnation(connections: Pool): Promise<IncarnationState> {
  const identity = await readIdentity(connections)
  return await transaction(connections, (tx) => readState(tx, identity))
}

/** Whether codes may be handed out twice until somebody has run `npm run restored`. */
export function isRewound({ kind }: IncarnationState): boolean {
  return kind === 'CHANGED' || kind === 'UNFINISHED'
}

async function readState(tx: Transaction, identity: string): Promise<IncarnationState> {
  const rows = await tx.rows<IncarnationRow>({
    text: 'SELECT id, identity, cause, margin, begun_at, ended_at FROM incarnation ORDER BY id DESC',
  })
  const own = rows.find((row) => row.identity === identity)
  if (own === undefined) {
    const [last] = rows
    return last === undefined
      ? { kind: 'NEW', identity }
      : { kind: 'CHANGED', identity, before: last.begun_at }
  }
  if (own.ended_at !== null) {
    const since = own.ended_at
    // Processes that start together record it twice: only the first one was there before an account.
    const first = rows.findLast((row) => row.identity === identity) ?? own
    if (own.cause === 'START' && (await hasAccounts(tx, first.id)))
      return { kind: 'ADOPTED', identity, since }
    return { kind: 'KNOWN', identity, cause: own.cause, since }
  }
  const margin = own.margin === null ? undefined : BigInt(own.margin)
  return { kind: 'UNFINISHED', identity, followUp: { incarnationId: own.id, margin, begunAt: own.begun_at } }
}

/** Whether there is an account; `before`: one that was created before this id. */
async function hasAccounts(tx: Transaction, before?: string): Promise<boolean> {
  const rows = await tx.rows({
    text: 'SELECT FROM account WHERE $1::uuid IS NULL OR id < $1 LIMIT 1',
    values: [before ?? null],
  })
  return rows.length > 0
}

/**
 * Records the first incarnation, and logs an error if the database has changed into another one, until somebody has run
 * `npm run restored`. The service starts all the same: after a planned switch-over, nothing is lost.
 */
export async function checkIncarnation(connections: Pool, log: Logger): Promise<void> {
  const state = await readIncarnation(connections)
  if (state.kind === 'NEW') {
    if (await transaction(connections, (tx) => hasAccounts(tx)))
      log.warn(
        'this version is the first that notices when a backup is restored: if this database was restored from one, stop the service and run npm run restored, or codes are handed out twice; if not, nothing is to do',
      )
    await recordIncarnation(connections, 'START')
  }
  if (state.kind === 'CHANGED')
    log.error(
      { knownSince: state.before },
      'the database was restored from a backup, or another server has taken over: if commits may be lost, stop the service and run npm run restored, or codes are handed out twice; if not, run npm run restored -- --nothing-lost',
    )
  if (state.kind === 'UNFINISHED')
    log.error(
      { begunAt: state.followUp.begunAt },
      'the database was restored from a backup, and npm run restored has not finished: run it again, or codes are handed out twice',
    )
}

/** Records that no code can be handed out twice in the present incarnation. */
export async function recordIncarnation(connections: Pool, cause: 'START' | 'NOTHING_LOST'): Promise<void> {
  const identity = await readIdentity(connections)
  const now = new Date()
  await connections.query(
    'INSERT INTO incarnation (id, identity, cause, begun_at, ended_at) VALUES ($1, $2, $3, $4, $4)',
    [newId(), identity, cause, now],
  )
}

// Held while a follow-up begins, so that two that begin together are one.
const beginLock = 7_291_003

/**
 * Begins to follow up a rewind of the present incarnation, or continues one that was interrupted or is under way, which
 * keeps its margin. Rejects with an OperatorError if another process has completed one since `seen` was read.
 */
export async function beginFollowUp(
  connections: Pool,
  seen: IncarnationState,
  margin: bigint | undefined,
): Promise<FollowUp> {
  const identity = await readIdentity(connections)
  return await transaction(connections, async (tx) => {
    await tx.execute({ text: 'SELECT pg_advisory_xact_lock($1)', values: [beginLock] })
    const state = await readState(tx, identity)
    if (state.kind === 'UNFINISHED') return state.followUp
    if (state.kind === 'KNOWN' && state.since.getTime() !== (seen.kind === 'KNOWN' && seen.since.getTime()))
      throw new OperatorError('Another process has just done this, so nothing was changed.')
    const followUp = { incarnationId: newId(), margin, begunAt: new Date() }
    await tx.execute({
      text: `INSERT INTO incarnation (id, identity, cause, margin, begun_at) VALUES ($1, $2, 'REWOUND', $3, $4)`,
      values: [followUp.incarnationId, identity, margin ?? null, followUp.begunAt],
    })
    return followUp
  })
}

/** Records that a rewind has been followed up completely. */
export async function endFollowUp(connections: Pool, { incarnationId }: FollowUp): Promise<void> {
  await connections.query('UPDATE incarnation SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL', [
    incarnationId,
    new Date(),
  ])
}

/**
 * What tells incarnations apart: the server and its timeline, the database, and the table of migrations (no other one keeps
 * its number when the tables are distributed). A server that does not tell the first two, as some hosted ones do not, is
 * told apart by the others alone.
 */
async function readIdentity(connections: Pool): Promise<string> {
  const server = await readServer(connections)
  const { rows } = await connections.query<{ place: string }>(
    `SELECT (SELECT oid FROM pg_database WHERE datname = current_database()) || '/' || '_prisma_migrations'::regclass::oid AS place`,
  )
  return `${server}/${rows[0]?.place}`
}

// The function is not for this user, does not exist, or does not work on this server.
const untold = ['42501', '42883', '0A000', '55000']

async function readServer(connections: Pool): Promise<string> {
  try {
    const { rows } = await connections.query<{ server: string }>(
      `SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) AS server
       FROM pg_control_system()`,
    )
    return rows[0]?.server ?? 'unknown'
  } catch (error) {
    if (untold.includes(sqlState(error) ?? '')) return 'unknown'
    throw error
  }
}
