import { access, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, exists } from '../database/embedded/files.ts'

/** What package-lock.json says of a package. */
interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** The packages of a package-lock.json by their folders: "node_modules/pg"; the project itself is "". */
type Packages = Readonly<Record<string, Locked>>

/**
 * Removes from `node_modules` what no running service uses, although npm installs it for production: packages with which
 * others can work but which they do not need, and the query compilers of Prisma for other databases. `npm ci` brings all of it
 * back.
 */
export async function removeSurplus(root: string): Promise<void> {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Packages
  }
  const needed = neededPackages(packages)
  const surplus = Object.keys(packages).filter((path) => path !== '' && !needed.has(path))
  for (const path of surplus) await rm(join(root, path), { recursive: true, force: true })
  await removeBrokenLinks(join(root, 'node_modules/.bin'))
  await removeCompilers(root)
}

/**
 * The folders of the packages that a project needs at run time, of those in its package-lock.json. npm itself also counts those
 * that another package merely works with, if the project has them for development: with `@prisma/client`, all of Prisma's
 * tools.
 */
export function neededPackages(packages: Packages): ReadonlySet<string> {
  const needed = new Set([''])
  // Grows while it is walked through.
  for (const path of needed) {
    for (const name of neededBy(packages[path] ?? {})) {
      const found = foldersSeenFrom(path)
        .map((folder) => `${folder}node_modules/${name}`)
        .find((candidate) => candidate in packages)
      if (found !== undefined) needed.add(found)
    }
  }
  return needed
}

function neededBy(locked: Locked): string[] {
  const {
    dependencies = {},
    optionalDependencies = {},
    peerDependencies = {},
    peerDependenciesMeta = {},
  } = locked
  const peers = Object.keys(peerDependencies).filter((name) => peerDependenciesMeta[name]?.optional !== true)
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]
}

/** The folders in whose `node_modules` Node.js looks for what a package imports, in this order. */
function foldersSeenFrom(path: string): string[] {
  if (path === '') return ['']
  return [`${path}/`, ...foldersSeenFrom(path.slice(0, Math.max(path.lastIndexOf('/node_modules/'), 0)))]
}

async function removeBrokenLinks(folder: string): Promise<void> {
  if (!(await exists(folder))) return
  for (const name of await readdir(folder)) {
    const link = join(folder, name)
    try {
      await access(link)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
      await rm(link)
    }
  }
}

async function removeCompilers(root: string): Promise<void> {
  const runtime = join(root, 'node_modules/@prisma/client/runtime')
  const client = await readFile(join(root, 'src/generated/prisma/internal/class.ts'), 'utf8')
  for (const name of await readdir(runtime))
    if (name.startsWith('query_compiler_') && !client.includes(name)) await rm(join(runtime, name))
}
