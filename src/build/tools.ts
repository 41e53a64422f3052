import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { OperatorError } from '../operator-error.ts'
import { build, isBuildable, type Product } from './build.ts'
import { replaceFolder } from './folder.ts'

/** Whether everything is installed that these products are built with. */
export async function hasTools(products: readonly Product[], root: string): Promise<boolean> {
  const buildable = await Promise.all(products.map((product) => isBuildable(product, root)))
  return buildable.every(Boolean)
}

/**
 * Builds products of a project that lacks the packages for it, thoroughly: installs these in a temporary folder beside it, in
 * the versions of package-lock.json, builds there, and copies what was made. The folder takes up to 800 MB meanwhile.
 *
 * @throws {OperatorError} if npm cannot install the packages, or if building fails; then the project is as it was
 */
export async function buildWithTools(products: readonly Product[], root: string): Promise<void> {
  // In the project, as the system's folder for temporary files is often in memory.
  const folder = await mkdtemp(join(root, '.building-'))
  const stop = new AbortController()
  const abort = () => stop.abort(new OperatorError('The build was stopped.'))
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, abort)
  try {
    // Only what each product says that it is made of.
    for (const path of products.flatMap(({ inputs }) => inputs)) await copy(path, root, folder)
    await install(root, folder, stop.signal)
    for (const product of products) {
      await build(product, folder, { thoroughly: true })
      stop.signal.throwIfAborted()
    }
    for (const { output } of products)
      await replaceFolder(join(root, output), (made) => cp(join(folder, output), made, { recursive: true }))
  } finally {
    for (const signal of signals) process.off(signal, abort)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function copy(path: string, root: string, folder: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await cp(join(root, path), join(folder, path), { recursive: true })
}

async function install(root: string, folder: string, signal: AbortSignal): Promise<void> {
  await copy('.npmrc', root, folder)
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  // The Node.js and the PostgreSQL that npm installs: a third of all.
  delete manifest.optionalDependencies
  delete lock.packages[''].optionalDependencies
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(lock))
  signal.throwIfAborted()
  // Whatever the environment leaves out, such as NODE_ENV=production. Packages have optional ones for each platform.
  const args = ['ci', '--include=dev', '--include=optional', '--include=peer', '--no-audit', '--no-fund']
  const installing = promisify(execFile)('npm', args, { cwd: folder })
  // npm goes on after SIGTERM, which is all that execFile would send.
  signal.addEventListener('abort', () => installing.child.kill('SIGKILL'))
  try {
    await installing
  } catch (cause) {
    signal.throwIfAborted()
    const { message, stdout = '', stderr = '' } = cause as Error & { stdout?: string; stderr?: string }
    throw new OperatorError(
      `Could not install the packages that build.\n${stdout}${stderr || message}`.trimEnd(),
      { cause },
    )
  }
}
