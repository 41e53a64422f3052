import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { OperatorError } from '../../operator-error.ts'
import { minimalEnvironment } from './binaries.ts'
import { errorCode, exists, syncFolder, writeSecret } from './files.ts'
import { isAlive } from './processes.ts'
import { ownerOf, type SystemUser } from './system-user.ts'

const run = promisify(execFile)

/** The major version whose files this version of the service can read. */
const majorVersion = '18'

/** PostgreSQL's superuser and only user. */
export const databaseUser = 'promo_codes'

/** initdb has created it; another one would still have to be created. */
const databaseName = 'postgres'

// Contains the id of the process that makes it.
const unfinishedName = /^initdb-(\d+)-/

/** The folder cannot be used for the embedded PostgreSQL. */
export class DataDirError extends OperatorError {
  override name = 'DataDirError'

  constructor(dataDir: string, problem: string, options?: ErrorOptions) {
    super(`DATA_DIR ${dataDir} ${problem}`, options)
  }
}

/** The files of a database: all that has to be backed up or moved while it is stopped. */
export interface Cluster {
  readonly dataDir: string
  /** PostgreSQL's own data directory. */
  readonly data: string
  /** How to name it to PostgreSQL's programs, which are started inside it. */
  readonly dataArgument: string
  /** The server's log file. */
  readonly log: string
  readonly password: string
  readonly user: SystemUser
}

/** The folder of a database, which need not exist yet. */
export function clusterFolder(dataDir: string): string {
  return join(dataDir, 'postgresql')
}

/**
 * Opens the database in `dataDir`; undefined when there is none yet.
 *
 * @throws {DataDirError} when it cannot be read, or is of another major version of PostgreSQL
 */
export async function openCluster(dataDir: string): Promise<Cluster | undefined> {
  const folder = clusterFolder(dataDir)
  const data = join(folder, 'data')
  try {
    if (!(await exists(folder))) return undefined
    const version = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
    if (version !== majorVersion) {
      throw new DataDirError(
        dataDir,
        `holds a database of PostgreSQL ${version}, but this version of the service comes with PostgreSQL ${majorVersion}. ` +
          'Migrate the data with pg_dump, or run the version of the service that created it.',
      )
    }
    const user = ownerOf(await stat(data))
    if (user?.uid === 0) {
      throw new DataDirError(
        dataDir,
        `holds a database that belongs to root, but PostgreSQL refuses to run as root. Give ${folder} back to its former owner ` +
          'with chown -R. To keep the owner when copying, use cp -a.',
      )
    }
    return {
      dataDir,
      data,
      dataArgument: user === undefined ? data : currentFolder,
      log: join(dataDir, 'postgresql.log'),
      password: (await readFile(join(folder, 'password'), 'utf8')).trim(),
      user,
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    throw new DataDirError(dataDir, `cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

// When the service runs as root, the folder may be below one that PostgreSQL's user cannot traverse, such as /root. The
// programs are started inside the folder, and this path leads there without traversing any other.
const currentFolder = '/proc/self/cwd'

/**
 * Creates the database in `dataDir`, atomically: it is made under another name and renamed, so that it is complete or does
 * not exist, even if this process is killed or another one creates it at the same time.
 *
 * @throws {DataDirError} when that fails
 */
export async function createCluster(dataDir: string, binaries: string, user: SystemUser): Promise<void> {
  if (user !== undefined && !(await exists(currentFolder))) {
    throw new DataDirError(dataDir, 'can only be used by root on Linux: start the service as another user.')
  }
  const folder = await mkdtemp(join(dataDir, `initdb-${process.pid}-`))
  try {
    const data = join(folder, 'data')
    const password = join(folder, 'password')
    await mkdir(data, { mode: 0o700 })
    await writeSecret(password, randomBytes(24).toString('base64url'))
    if (user !== undefined) {
      for (const path of [folder, data, password]) await chown(path, user.uid, user.gid)
    }
    await run(
      join(binaries, 'bin/initdb'),
      [
        `--pgdata=${user === undefined ? data : currentFolder}`,
        `--username=${databaseUser}`,
        '--pwfile=../password',
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--data-checksums',
        '--no-instructions',
      ],
      { ...user, cwd: data, env: minimalEnvironment },
    )
    await rename(folder, clusterFolder(dataDir))
    await syncFolder(dataDir)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    // Another process was faster.
    if (await exists(clusterFolder(dataDir))) return
    throw new DataDirError(dataDir, `cannot hold a new database: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/**
 * Removes what processes left behind that were killed while they created a database. A process that is alive cleans up
 * after itself.
 */
export async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = Number(unfinishedName.exec(name)?.[1] ?? Number.NaN)
    // With the id of this process it is of an earlier one: in a container, ids recur.
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue
    await rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 5 })
  }
}

/** The address of a database, with its password. */
export function connectionUrl(cluster: Cluster, port: number): string {
  return `postgres://${databaseUser}:${cluster.password}@127.0.0.1:${port}/${databaseName}`
}
