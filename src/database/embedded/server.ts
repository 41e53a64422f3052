import { mkdir, mkdtemp, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Logger } from 'pino'
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
  PortTakenError,
  type Postmaster,
  type Settings,
  startPostmaster,
  stopPostmaster,
} from './postmaster.ts'
import { chooseSystemUser } from './system-user.ts'

/** The service's own PostgreSQL, which it alone uses. */
export interface EmbeddedServer {
  /** Where it listens, with the password; stays the same as long as this process runs. */
  readonly url: string
  /**
   * Stops the server, after which it has written everything to its files. Connections to it are cut, so that
   * whoever uses them should be closed before.
   */
  close(): Promise<void>
}

export interface EmbeddedServerOptions {
  /** The folder in which the database is kept; it is created if need be. */
  readonly dataDir: string
  readonly log: Logger
  /** Settings of PostgreSQL to override, by name. */
  readonly settings?: Settings
}

// Held, by a session of its own, by the service to which the server belongs. PostgreSQL lets go of it when that
// process ends in whatever way. Any number will do that the service locks nothing else with.
const ownershipLock = 7_291_001
// The session of a service that was killed a moment ago may not have ended yet.
const ownershipTimeoutMs = 1_000
const connectionTimeoutMs = 10_000
const portAttempts = 20
const pollMs = 20
const restartDelayMs = { first: 100, longest: 10_000 }
const stableAfterMs = 60_000

interface Context {
  readonly cluster: Cluster
  readonly binaries: string
  readonly settings: Settings
  readonly log: Logger
}

/** A server that accepts connections, and the session that says it is ours. */
interface Ownership {
  readonly postmaster: Postmaster
  readonly session: pg.Client
}

/**
 * Starts PostgreSQL in `dataDir`, creating the database if there is none, and keeps it running: a server that
 * ends is started again at the same address. A server that an earlier process left behind, as it was killed, is
 * taken over.
 *
 * @throws {OperatorError} when the folder cannot be used, is in use by another service, or PostgreSQL cannot run
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const { log, settings = {} } = options
  const dataDir = resolve(options.dataDir)
  await makeWritable(dataDir)
  const existing = await openCluster(dataDir)
  const user = existing?.user ?? (await chooseSystemUser())
  const binaries = await findBinaries(dataDir, user)
  const cluster = existing ?? (await newCluster(dataDir, binaries, user, log))
  await removeUnfinished(dataDir)
  const context = { cluster, binaries, settings, log }
  return keepRunning(await own(context), context)
}

/**
 * Where the embedded server of `dataDir` listens, for a process beside the service; undefined when it does not
 * run.
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

/** mkdir's own `recursive` never returns below folders in which nothing can be made, such as /proc. */
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
  if (cluster === undefined) throw new DataDirError(dataDir, 'was emptied by somebody else.')
  return cluster
}

/**
 * Makes the running server ours; starts it when none runs. Once it has had a port, only one that listens there
 * will do, as others know it by that.
 */
async function own(context: Context, port?: number): Promise<Ownership> {
  const { cluster, log } = context
  for (;;) {
    const found = await findPostmaster(cluster)
    if (found !== undefined) log.info({ pid: found.pid }, 'a PostgreSQL server runs on the data already')
    const postmaster = found ?? (await start(context, port))
    if (postmaster === undefined) continue
    const session = await connect(context, postmaster)
    if (session === undefined) continue
    await takeLock(session, cluster)
    if (port === undefined || postmaster.port === port) return { postmaster, session }
    await stopPostmaster(postmaster)
  }
}

async function start(
  { cluster, binaries, settings }: Context,
  port?: number,
): Promise<Postmaster | undefined> {
  if (port !== undefined) return startPostmaster(cluster, binaries, port, settings)
  for (let attempt = 1; ; attempt++) {
    try {
      return await startPostmaster(cluster, binaries, choosePort(), settings)
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === portAttempts) throw error
    }
  }
}

/** Connects as soon as the server lets anybody in; resolves to undefined when it ends instead. */
async function connect({ cluster, log }: Context, { pid, port }: Postmaster): Promise<pg.Client | undefined> {
  const deadline = performance.now() + connectionTimeoutMs
  for (;;) {
    const session = new pg.Client({
      connectionString: connectionUrl(cluster, port),
      application_name: `promo-codes, process ${process.pid}`,
      connectionTimeoutMillis: connectionTimeoutMs,
    })
    session.on('error', (error) =>
      log.debug({ err: error }, 'the session that holds the embedded PostgreSQL was cut'),
    )
    try {
      await session.connect()
      return session
    } catch (error) {
      // It is starting, recovering or shutting down, and says so until it has: however long that takes.
      const busy = sqlState(error) === '57P03'
      if (!busy && (!isUnavailable(error) || performance.now() > deadline)) {
        throw new DataDirError(
          cluster.dataDir,
          `has a PostgreSQL server (process ${pid}, port ${port}) that does not let the service in: ` +
            (error as Error).message,
          { cause: error },
        )
      }
    }
    if ((await findPostmaster(cluster))?.pid !== pid) return undefined
    await delay(pollMs)
  }
}

/** @throws {DataDirError} when another service holds the lock */
async function takeLock(session: pg.Client, cluster: Cluster): Promise<void> {
  try {
    // The session says nothing else for as long as the service runs, whatever postgresql.conf has against that.
    await session.query(`SET lock_timeout = ${ownershipTimeoutMs}; SET idle_session_timeout = 0`)
    await session.query('SELECT pg_advisory_lock($1)', [ownershipLock])
  } catch (error) {
    const holder = sqlState(error) === '55P03' ? await lockHolder(session) : undefined
    await session.end()
    if (holder === undefined) throw error
    throw new DataDirError(
      cluster.dataDir,
      `is in use by another service (${holder}). Stop that one, or give this one a DATA_DIR of its own.`,
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

/** Watches the session that holds the server: when the server ends or restarts, that is cut. */
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
      owned = undefined
      if (closing.aborted) return
      if (performance.now() - since > stableAfterMs) delayMs = 0
      log.error({ log: cluster.log }, 'the embedded PostgreSQL ended unexpectedly, starting it again')
      restarting = restart()
    })
  }

  async function restart(): Promise<void> {
    while (!closing.aborted) {
      try {
        if (delayMs > 0) await delay(delayMs, undefined, { signal: closing })
        delayMs = Math.min(Math.max(2 * delayMs, restartDelayMs.first), restartDelayMs.longest)
        watch(await own(context, port))
        log.info('the embedded PostgreSQL runs again')
        return
      } catch (error) {
        if (!closing.aborted) log.error({ err: error }, 'the embedded PostgreSQL could not be started again')
      }
    }
  }

  async function stop(): Promise<void> {
    abort.abort()
    await restarting
    if (owned !== undefined) await stopPostmaster(owned.postmaster)
  }

  watch(first)
  return {
    url: connectionUrl(cluster, port),
    close: () => {
      stopped ??= stop()
      return stopped
    },
  }
}
