import { mkdir, mkdtemp, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
import { Poll } from '../../async/poll.ts'
import { retry } from '../../async/retry.ts'
import { isUnavailable, sqlState } from '../errors.ts'
import { findBinaries } from './binaries.ts'
import {
  type Cluster,
  connectionUrl,
  createCluster,
  DataDirError,
  openCluster,
  removeUnfinished,
} from './cluster.ts'
import { errorCode } from './files.ts'
import {
  choosePort,
  findPostmaster,
  isStopping,
  PortTakenError,
  type Postmaster,
  type Settings,
  startPostmaster,
  stopPostmaster,
} from './postmaster.ts'
import { ended } from './processes.ts'
import { chooseSystemUser } from './system-user.ts'

/** The embedded PostgreSQL, which only one service uses. */
export interface EmbeddedServer {
  /** Its address with the password; stays the same while this process runs. */
  readonly url: string
  /**
   * Stops the server, which writes everything to its files. It cuts all connections, so close what uses them first.
   */
  close(): Promise<void>
}

// An advisory lock that the owner of the server holds in a separate session. PostgreSQL releases it when that process
// ends in any way. The number is arbitrary.
const ownershipLock = 7_291_001
// The session of a service that was just killed may not have ended yet.
const ownershipTimeoutMs = 1_000
// On a busy machine, or one that was suspended, a server may take long to answer.
const answerMs = 60_000
const portAttempts = 20
const pollMs = 20
const lookEveryMs = 1_000
const restartDelayMs = { first: 100, max: 10_000 }
const stableAfterMs = 60_000

interface Context {
  readonly cluster: Cluster
  readonly binaries: string
  readonly settings: Settings
  readonly maxShutdownMs: number
  readonly connectMs: number
  readonly log: Logger
}

/** A server that accepts connections, and the session that holds its ownership lock. */
interface Ownership {
  readonly postmaster: Postmaster
  readonly session: pg.Client
}

/**
 * Starts PostgreSQL in `dataDir`, after creating the folder and the database if there are none, and keeps it running: a
 * server that ends or is told to stop is restarted at the same address. A server that a killed process left behind is
 * adopted.
 *
 * @throws {OperatorError} when the folder cannot be used, is in use by another service, or PostgreSQL cannot run
 */
export async function startEmbeddedServer(options: {
  readonly dataDir: string
  readonly log: Logger
  readonly settings?: Settings
  /** How long to wait for a server that is shutting down. */
  readonly maxShutdownMs?: number
  /** How long to wait for a connection before trying again. */
  readonly connectMs?: number
}): Promise<EmbeddedServer> {
  const { log, settings = {}, maxShutdownMs = 60_000, connectMs = 10_000 } = options
  const dataDir = resolve(options.dataDir)
  await makeWritable(dataDir)
  const existing = await openCluster(dataDir)
  const user = existing?.user ?? (await chooseSystemUser())
  const binaries = await findBinaries(dataDir, user)
  const cluster = existing ?? (await newCluster(dataDir, binaries, user, log))
  await removeUnfinished(dataDir)
  const context = { cluster, binaries, settings, maxShutdownMs, connectMs, log }
  return keepRunning(await own(context), context)
}

/**
 * The address of the embedded server of `dataDir`, for a process other than the service; undefined when it does not run.
 *
 * @throws {DataDirError} when the folder cannot be read
 */
export async function findEmbeddedServer(options: { readonly dataDir: string }): Promise<string | undefined> {
  const cluster = await openCluster(resolve(options.dataDir))
  if (cluster === undefined) return undefined
  const postmaster = await findPostmaster(cluster)
  return postmaster?.ready ? connectionUrl(cluster, postmaster.port) : undefined
}

async function makeWritable(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir)
    await rmdir(await mkdtemp(join(dataDir, 'writable-')))
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    throw new DataDirError(dataDir, `cannot be written: ${(error as Error).message}`, { cause: error })
  }
}

/** mkdir with `recursive` never returns below folders in which nothing can be created, such as /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return
    if (errorCode(error) !== 'ENOENT') throw error
    await makeFolder(dirname(path))
    await mkdir(path)
  }
}

async function newCluster(
  dataDir: string,
  binaries: string,
  user: Cluster['user'],
  log: Logger,
): Promise<Cluster> {
  log.info({ dataDir }, 'creating the database')
  await createCluster(dataDir, binaries, user)
  const cluster = await openCluster(dataDir)
  if (cluster === undefined) throw new DataDirError(dataDir, 'was emptied by another program.')
  return cluster
}

/**
 * Becomes the owner of the running server, or starts one. Given a port, this process has owned the server before: it must
 * listen there, as others know the server by its port.
 */
async function own(context: Context, port?: number): Promise<Ownership> {
  const { cluster, log } = context
  for (;;) {
    const found = await findPostmaster(cluster)
    if (found?.stopping) {
      if (port === undefined) await awaitShutdown(found, context)
      // Told to by SIGTERM, it waits for the connections of this process.
      else await stopPostmaster(found)
      continue
    }
    if (found !== undefined) log.info({ pid: found.pid }, 'found a running PostgreSQL server for this data')
    const postmaster = found ?? (await start(context, port))
    if (postmaster === undefined) continue
    const session = await connect(context, postmaster)
    if (session === undefined) continue
    await acquireOwnership(session, cluster)
    if (port === undefined || postmaster.port === port) return { postmaster, session }
    await stopPostmaster(postmaster)
  }
}

/** @throws {DataDirError} when the server does not end in time: it may wait for connections, with no limit */
async function awaitShutdown({ pid }: Postmaster, { cluster, maxShutdownMs, log }: Context): Promise<void> {
  log.warn({ pid }, 'waiting for the PostgreSQL server of this data to shut down')
  if (await ended(pid, maxShutdownMs)) return
  throw new DataDirError(
    cluster.dataDir,
    `has a PostgreSQL server (process ${pid}) that is shutting down, and does not end while programs are connected to it. ` +
      `Stop these, or cut their connections with kill -INT ${pid}, which loses nothing; then start again.`,
  )
}

async function start(
  { cluster, binaries, settings }: Context,
  port?: number,
): Promise<Postmaster | undefined> {
  if (port !== undefined) return startPostmaster(cluster, binaries, port, settings)
  return retry(
    portAttempts,
    () => startPostmaster(cluster, binaries, choosePort(), settings),
    (error) => error instanceof PortTakenError,
  )
}

/** Connects as soon as the server accepts connections; resolves to undefined when it ends or is told to stop instead. */
async function connect(
  { cluster, connectMs, log }: Context,
  { pid, port }: Postmaster,
): Promise<pg.Client | undefined> {
  const deadline = performance.now() + answerMs
  for (;;) {
    const session = new pg.Client({
      connectionString: connectionUrl(cluster, port),
      application_name: `promo-codes, process ${process.pid}`,
      connectionTimeoutMillis: connectMs,
    })
    session.on('error', (error) =>
      log.debug({ err: error }, 'lost the session that owns the embedded PostgreSQL'),
    )
    try {
      await session.connect()
      return session
    } catch (error) {
      // It is starting or recovering, which has no time limit.
      const busy = sqlState(error) === '57P03'
      if (!busy && (!isUnavailable(error) || performance.now() > deadline)) {
        throw new DataDirError(
          cluster.dataDir,
          `has a PostgreSQL server (process ${pid}, port ${port}) that refuses the service: ${(error as Error).message}`,
          { cause: error },
        )
      }
      if (!busy)
        log.warn({ pid, err: error }, 'the PostgreSQL server of this data does not answer; trying again')
    }
    const now = await findPostmaster(cluster)
    if (now?.pid !== pid || now.stopping) return undefined
    await delay(pollMs)
  }
}

/** @throws {DataDirError} when another service holds the lock */
async function acquireOwnership(session: pg.Client, cluster: Cluster): Promise<void> {
  try {
    // The session stays idle while the service runs, whatever postgresql.conf says.
    await session.query(`SET lock_timeout = ${ownershipTimeoutMs}; SET idle_session_timeout = 0`)
    await session.query('SELECT pg_advisory_lock($1)', [ownershipLock])
  } catch (error) {
    const holder = sqlState(error) === '55P03' ? await lockHolder(session) : undefined
    await session.end()
    if (holder === undefined) throw error
    throw new DataDirError(
      cluster.dataDir,
      `is in use by another service (${holder}). Stop that service, or give this one its own DATA_DIR.`,
    )
  }
}

async function lockHolder(session: pg.Client): Promise<string> {
  const { rows } = await session.query<{ application_name: string }>(
    `SELECT application_name
       FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE locktype = 'advisory' AND classid = 0 AND objid = $1 AND granted`,
    [ownershipLock],
  )
  return rows[0]?.application_name ?? 'which has just ended'
}

/**
 * Watches the session that owns the server: it is cut when the server ends or restarts. SIGTERM does not cut it: the server
 * then only refuses new connections until those that it has are closed, so this process closes the session itself.
 */
function keepRunning(first: Ownership, context: Context): EmbeddedServer {
  const { cluster, log } = context
  const { port } = first.postmaster
  const abort = new AbortController()
  const closing = abort.signal
  let owned: Ownership | undefined
  let restarting: Promise<void> | undefined
  let stopped: Promise<void> | undefined
  let delayMs = 0

  function watch(ownership: Ownership): void {
    const since = performance.now()
    owned = ownership
    ownership.session.once('end', () => {
      if (closing.aborted) return
      owned = undefined
      if (performance.now() - since > stableAfterMs) delayMs = 0
      log.error({ log: cluster.log }, 'the embedded PostgreSQL ended unexpectedly; restarting it')
      restarting = restart()
    })
  }

  async function giveUpIfStopping(): Promise<void> {
    const session = owned?.session
    if (session === undefined || !(await isStopping(cluster))) return
    log.warn('another program has told the embedded PostgreSQL to stop; cutting its connections')
    await session.end()
  }

  async function restart(): Promise<void> {
    while (!closing.aborted) {
      try {
        if (delayMs > 0) await delay(delayMs, undefined, { signal: closing })
        delayMs = Math.min(Math.max(2 * delayMs, restartDelayMs.first), restartDelayMs.max)
        watch(await own(context, port))
        log.info('the embedded PostgreSQL runs again')
        return
      } catch (error) {
        if (!closing.aborted)
          log.error({ err: error }, 'could not restart the embedded PostgreSQL; trying again')
      }
    }
  }

  async function stop(): Promise<void> {
    abort.abort()
    await looking.close()
    await restarting
    if (owned !== undefined) await stopPostmaster(owned.postmaster)
  }

  const looking = new Poll({
    purpose: 'look after the embedded PostgreSQL',
    run: giveUpIfStopping,
    everyMs: lookEveryMs,
    log,
  })
  watch(first)
  return {
    url: connectionUrl(cluster, port),
    close: () => {
      stopped ??= stop()
      return stopped
    },
  }
}
