import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode, exists, readIfThere } from '../database/embedded/files.ts'
import { OperatorError } from '../operator-error.ts'

/** The folder of the project. */
export const project = join(import.meta.dirname, '../..')

/**
 * Something that the service needs and that is made of other files, such as the database client. Making it takes longer than
 * the rest of a start, so it is done only if the inputs or the output have changed. All paths are relative to the project.
 */
export interface Product {
  /** As in "<name> could not be built": "the database client". */
  readonly name: string
  /** The files and folders that it is made of. */
  readonly inputs: readonly string[]
  /**
   * Files that tell the versions of the packages that it is made with. Without the first of them it cannot be made, and the
   * others do not matter: production can leave the tools out.
   */
  readonly versions: readonly [string, ...string[]]
  /** The folder that `make` fills. */
  readonly output: string
  /** `thoroughly`: what browsers load is compressed as well as possible, which takes some ten seconds more. */
  make(root: string, thoroughly: boolean): Promise<void>
}

/**
 * Builds a product quickly, unless it is up to date.
 *
 * @param announce is called before it is built
 * @throws {OperatorError} if it would have to be built and its tools are not installed, or if building it fails
 */
export async function buildIfChanged(
  product: Product,
  root = project,
  announce: () => void = () => {},
): Promise<void> {
  if (await isUpToDate(product, root)) return
  announce()
  await build(product, root)
}

/**
 * Builds a product.
 *
 * @throws {OperatorError} if its tools are not installed, or if building it fails
 */
export async function build(product: Product, root = project, { thoroughly = false } = {}): Promise<void> {
  if (!(await isBuildable(product, root)))
    throw new OperatorError(
      `${sentence(product.name)} has to be built, and the packages that build it are not installed.\n` +
        'Run: npm run build',
    )
  await rm(fingerprintFile(product, root), { force: true })
  // Read before: a file that somebody changes in the meantime may not be in what is made.
  const source = await sourceOf(product, root)
  await product.make(root, thoroughly)
  await writeFile(
    fingerprintFile(product, root),
    [source.inputs, source.versions, await outputOf(product, root)].join('\n'),
  )
}

/** The file with the fingerprint of the last build. */
function fingerprintFile({ output }: Product, root: string): string {
  return join(root, output, fingerprintName)
}

const fingerprintName = 'fingerprint.txt'

/** Whether the packages are installed that a product is built with. */
export function isBuildable({ versions }: Product, root: string): Promise<boolean> {
  return exists(join(root, versions[0]))
}

async function isUpToDate(product: Product, root: string): Promise<boolean> {
  const built = await readIfThere(fingerprintFile(product, root))
  if (built === undefined) return false
  const [inputs, versions, output] = built.split('\n')
  const now = await sourceOf(product, root)
  if (inputs !== now.inputs || output !== (await outputOf(product, root))) return false
  return versions === now.versions || !(await isBuildable(product, root))
}

/** Hashes of what a product is made of. */
async function sourceOf({ inputs, versions }: Product, root: string) {
  return { inputs: await hashOf(root, inputs), versions: await hashOf(root, versions) }
}

/** A hash of what was made. */
function outputOf({ output }: Product, root: string): Promise<string> {
  return hashOf(root, [output])
}

/** A hash of the names and contents of files, and of all files in folders. What does not exist counts as empty. */
async function hashOf(root: string, paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const path of paths) {
    for (const file of await filesAt(root, path)) {
      hash.update(`${file}\n`)
      hash.update(await readFile(join(root, file)))
    }
  }
  return hash.digest('hex')
}

async function filesAt(root: string, path: string): Promise<string[]> {
  try {
    if ((await stat(join(root, path))).isFile()) return [path]
    const names = await readdir(join(root, path), { recursive: true, withFileTypes: true })
    return names
      .filter((entry) => entry.isFile() && entry.name !== fingerprintName)
      .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
      .toSorted()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

function sentence(phrase: string): string {
  return phrase.slice(0, 1).toUpperCase() + phrase.slice(1)
}
