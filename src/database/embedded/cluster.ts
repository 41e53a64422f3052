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

/** The PostgreSQL whose files this version of the service can read. */
const majorVersion = '18'

/** PostgreSQL's superuser, and the service's only one. */
export const databaseUser = 'promo_codes'

/** Made by initdb, as any other would have to be created first. */
const databaseName = 'postgres'

// Has the number of the process that makes it.
const unfinishedName = /^initdb-(\d+)-/

/** The folder cannot be used for the embedded PostgreSQL. */
export class DataDirError extends OperatorError {
  override name = 'DataDirError'

  constructor(dataDir: string, problem: string, options?: ErrorOptions) {
    super(`DATA_DIR ${dataDir} ${problem}`, options)
  }
}

/** The files of a database: all that there is to keep, restore or move when it is stopped. */
export interface Cluster {
  readonly dataDir: string
  /** PostgreSQL's own data directory. */
  readonly data: string
  /** How PostgreSQL is to be told of it, when started inside it. */
  readonly dataArgument: string
  /** What the server has to say, other than to its clients. */
  readonly log: string
  readonly password: string
  readonly user: SystemUser
}

/** The folder of a database that may or may not have been made yet. */
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
        `holds a database of PostgreSQL ${version}, and this version of the service brings PostgreSQL ${majorVersion}. ` +
          'Move the data with pg_dump, or use the version of the service that made it.',
      )
    }
    const user = ownerOf(await stat(data))
    if (user?.uid === 0) {
      throw new DataDirError(
        dataDir,
        `holds a database that belongs to root, as which PostgreSQL does not run. Give ${folder} to the user it had ` +
          'before, with chown -R; cp -a keeps it.',
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

// As root the folder may be below one that PostgreSQL's user cannot pass, such as /root. The programs are started
// inside the folder, and this name leads there without passing any other.
const currentFolder = '/proc/self/cwd'

/**
 * Makes the database in `dataDir`. It is made under another name first, so that it is either not there or whole:
 * also when this process is killed in the middle, or two do it at once; then one of them has made it.
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
    // Another process was faster, and its database is as good.
    if (await exists(clusterFolder(dataDir))) return
    throw new DataDirError(dataDir, `cannot hold a new database: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/**
 * Removes what processes have left that were killed while they made a database. What a living one is about removes
 * that one itself.
 */
export async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = Number(unfinishedName.exec(name)?.[1] ?? Number.NaN)
    // This process has made its own, if any: in a container, a number is used again and again.
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue
    await rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Where a database listens; the password is in it. */
export function connectionUrl(cluster: Cluster, port: number): string {
  return `postgres://${databaseUser}:${cluster.password}@127.0.0.1:${port}/${databaseName}`
}
