import { once } from 'node:events'
import { watch } from 'node:fs'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { Product } from '../../src/build/build.ts'
import { buildWithTools, hasTools } from '../../src/build/tools.ts'
import { OperatorError } from '../../src/operator-error.ts'
import { temporaryFolder } from '../support/temporary.ts'

const product: Product = {
  name: 'the product',
  inputs: ['src/input.txt'],
  versions: ['node_modules/tool/package.json'],
  output: 'dist/product',
  async make(root) {
    await mkdir(join(root, 'dist/product'), { recursive: true })
    await cp(join(root, 'src/input.txt'), join(root, 'dist/product/made.txt'))
  },
}
const installing = `
  cp package.json package-lock.json "$REPORT"
  echo "$*" > "$REPORT/arguments"
  mkdir -p node_modules/tool
  echo {} > node_modules/tool/package.json`

let root: string
/** Where the program that replaces npm reports. */
let report: string

beforeEach(async ({ onTestFinished }) => {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  root = join(folder.path, 'project')
  report = join(folder.path, 'report')
  for (const path of [report, join(folder.path, 'bin'), join(root, 'src')])
    await mkdir(path, { recursive: true })
  const lists = { devDependencies: { tool: '1.0.0' }, optionalDependencies: { node: '24.0.0' } }
  await writeFile(join(root, 'package.json'), JSON.stringify(lists))
  await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': lists } }))
  await writeFile(join(root, '.npmrc'), '')
  await writeFile(join(root, 'src/input.txt'), 'a')
  vi.stubEnv('PATH', `${join(folder.path, 'bin')}${delimiter}${process.env['PATH']}`)
  vi.stubEnv('REPORT', report)
  onTestFinished(() => void vi.unstubAllEnvs())
})

/** Puts a program in the place of npm. */
async function npm(script: string): Promise<void> {
  await writeFile(join(report, '../bin/npm'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

test('what cannot be built is built where its tools are installed, and nothing else stays', async () => {
  await npm(installing)
  expect(await hasTools([product], root)).toBe(false)
  const before = (await readdir(root)).toSorted()
  await buildWithTools([product], root)
  expect(await readFile(join(root, 'dist/product/made.txt'), 'utf8')).toBe('a')
  expect((await readdir(root)).toSorted()).toEqual([...before, 'dist'].toSorted())
})

test('the tools are installed whatever the environment leaves out, without what only runs the service', async () => {
  vi.stubEnv('NODE_ENV', 'production')
  await npm(installing)
  await buildWithTools([product], root)
  expect(await readFile(join(report, 'arguments'), 'utf8')).toMatch(/^ci .*--include=dev --include=optional/)
  const [manifest, lock] = await Promise.all(
    ['package.json', 'package-lock.json'].map(async (name) =>
      JSON.parse(await readFile(join(report, name), 'utf8')),
    ),
  )
  for (const { devDependencies, optionalDependencies } of [manifest, lock.packages['']])
    expect([devDependencies, optionalDependencies]).toEqual([{ tool: '1.0.0' }, undefined])
})

test.each([
  ['npm cannot install them', 'echo "no network" >&2; exit 1', /^Could not install .*\nno network$/],
  ['the product cannot be made', `${installing}; rm src/input.txt`, /input\.txt/],
])('if %s, it says so, and the project is as it was', async (_what, script, says) => {
  await npm(script)
  const before = await readdir(root, { recursive: true })
  await expect(buildWithTools([product], root)).rejects.toThrow(says)
  expect(await readdir(root, { recursive: true })).toEqual(before)
})

test('without npm it says so', async () => {
  vi.stubEnv('PATH', report)
  const building = buildWithTools([product], root)
  await expect(building).rejects.toThrow(OperatorError)
  await expect(building).rejects.toThrow(/npm/)
})

test('a build that is stopped ends what it has begun, and leaves nothing behind', async () => {
  // Like npm, it does not end on SIGTERM.
  await npm('trap "" TERM; touch "$REPORT/begun"; exec sleep 1000')
  const before = await readdir(root, { recursive: true })
  const watcher = watch(report)
  onTestFinished(() => watcher.close())
  const begun = once(watcher, 'change')
  const building = buildWithTools([product], root)
  await begun
  process.emit('SIGHUP')
  await expect(building).rejects.toThrow('stopped')
  expect(await readdir(root, { recursive: true })).toEqual(before)
})
