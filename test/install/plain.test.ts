import { chmod, cp, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { project } from '../../src/build/build.ts'
import { neededPackages, removeSurplus } from '../../src/build/surplus.ts'
import { canIsolate, expectToServe } from '../support/installation.ts'
import { temporaryFolder } from '../support/temporary.ts'

const isolation = canIsolate ? 'another user, on read-only file systems' : 'this user: others need root'

test(`what is built, with the packages that production needs, serves as ${isolation}`, async () => {
  await using folder = await temporaryFolder()
  await chmod(folder.path, 0o755)
  const { packages } = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8'))
  const { optionalDependencies } = packages['']
  const needed = [...neededPackages(packages)]
    // The Node.js and the PostgreSQL that npm installs.
    .filter((path) => path !== '' && !(path.replace('node_modules/', '') in optionalDependencies))
  for (const path of [...(await imageFiles()), 'dist', 'src/generated', ...needed]) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true })
    await cp(join(project, path), join(folder.path, path), { recursive: true })
  }
  await removeSurplus(folder.path)
  expect(await bytesIn(join(folder.path, 'node_modules'))).toBeLessThan(90_000_000)
  await expectToServe({
    folder: folder.path,
    start: [process.execPath, '--require', './src/prepare-node.cjs', 'src/main.ts'],
    check: [process.execPath, 'src/cli/health.ts'],
    environment: { NODE_ENV: 'production' },
  })
})

test('the service imports only packages that production has, also where it does so later', async () => {
  const { dependencies } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
  const files = await readdir(join(project, 'src'), { recursive: true })
  const sources = files.filter((file) => /(?<!\.d)\.ts$/.test(file) && !notInProduction.test(file))
  const texts = await Promise.all(sources.map((file) => readFile(join(project, 'src', file), 'utf8')))
  const imports = /(?:^(?:import(?! type)\b|\}).* from |\bimport\()'([@\w][\w@/.:-]*)'/gm
  const imported = texts.flatMap((text) => [...text.matchAll(imports)])
  const names = imported.map(([, specifier = '']) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '')
  const packages = new Set(names.filter((name) => !name.startsWith('node:')))
  expect(packages.size).toBeGreaterThan(10)
  expect([...packages].filter((name) => !(name in dependencies))).toEqual([])
})

// The console, and programs that build.
const notInProduction = /^(?:console\/|build\/(?:bundle-console|unpack-graphiql)\.ts$)/

/** What an image is built from, by .dockerignore. */
async function imageFiles(): Promise<string[]> {
  const lines = (await readFile(join(project, '.dockerignore'), 'utf8')).split('\n')
  return lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
