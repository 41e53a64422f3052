import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { errorCode, readIfThere } from './database/embedded/files.ts'
import { OperatorError } from './operator-error.ts'

// The database client and its types are generated from prisma/schema.prisma. This takes longer than the rest of a start, so
// it is done only if the inputs or the output have changed.

const project = join(import.meta.dirname, '..')

/** Generates the database client, unless it is up to date. */
export async function generateIfChanged(root = project, run = runGenerator): Promise<void> {
  if ((await readIfThere(fingerprintFile(root))) !== (await fingerprint(root))) await generate(root, run)
}

/**
 * Generates the database client.
 *
 * @param run another generator, for tests
 * @throws {OperatorError} with the output of the generator, if it fails
 */
export async function generate(root = project, run = runGenerator): Promise<void> {
  await rm(fingerprintFile(root), { force: true })
  await run(root)
  await writeFile(fingerprintFile(root), await fingerprint(root))
}

/** The file with the fingerprint of the last generation. */
function fingerprintFile(root: string): string {
  return join(root, 'src/generated/note.txt')
}

async function runGenerator(root: string): Promise<void> {
  const prisma = createRequire(import.meta.url).resolve('prisma/package.json')
  const { bin } = JSON.parse(await readFile(prisma, 'utf8')) as { bin: { prisma: string } }
  const env = {
    ...process.env,
    // Prisma starts third-party generators by name.
    PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env['PATH'] ?? ''}`,
    // No check for updates over the network.
    CHECKPOINT_DISABLE: '1',
  }
  try {
    const program = join(prisma, '..', bin.prisma)
    await promisify(execFile)(process.execPath, [program, 'generate', '--no-hints'], { cwd: root, env })
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string }
    throw new OperatorError(`The database client could not be generated.\n${stdout}${stderr}`.trimEnd(), {
      cause,
    })
  }
}

/** A hash of the inputs and the output of the generation. */
async function fingerprint(root: string): Promise<string> {
  const hash = createHash('sha256')
  for (const path of [
    join(root, 'prisma/schema.prisma'),
    join(root, 'prisma.config.ts'),
    // For their versions.
    ...['prisma', '@prisma/client', '@pothos/plugin-prisma'].map((name) =>
      join(root, 'node_modules', name, 'package.json'),
    ),
    ...(await filesOf(join(root, 'src/generated'))),
  ]) {
    hash.update(`${path.slice(root.length)}\n`)
    hash.update((await readIfThere(path)) ?? '')
  }
  return hash.digest('hex')
}

async function filesOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const files = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
    return files.filter((file) => !file.endsWith('note.txt')).toSorted()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}
