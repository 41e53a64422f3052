import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { neededPackages, removeSurplus } from '../../src/build/surplus.ts'
import { temporaryFolder } from '../support/temporary.ts'

const packages = {
  '': {
    dependencies: { server: '1' },
    devDependencies: { tool: '1' },
    optionalDependencies: { runtime: '1' },
  },
  'node_modules/server': {
    dependencies: { parser: '1' },
    optionalDependencies: { 'other-platform': '1' },
    peerDependencies: { language: '1', tool: '1' },
    peerDependenciesMeta: { tool: { optional: true } },
  },
  'node_modules/server/node_modules/parser': { dependencies: { '@scope/words': '1' } },
  'node_modules/parser': { dependencies: { 'only-for-the-outer-parser': '1' } },
  'node_modules/only-for-the-outer-parser': {},
  'node_modules/@scope/words': {},
  'node_modules/language': {},
  'node_modules/runtime': {},
  'node_modules/tool': { dependencies: { gears: '1', parser: '1' } },
  'node_modules/gears': {},
  'node_modules/gears/node_modules/language': {},
}

const needed = [
  '',
  'node_modules/server',
  'node_modules/runtime',
  'node_modules/server/node_modules/parser',
  'node_modules/language',
  'node_modules/@scope/words',
]

test('a package is needed if the project or one that it needs requires it, but not if one merely works with it', () => {
  expect([...neededPackages(packages)].toSorted()).toEqual(needed.toSorted())
})

test('what production does not need is removed, with the links to it, and Prisma’s compilers for other databases', async () => {
  await using folder = await temporaryFolder()
  const root = folder.path
  const runtime = 'node_modules/@prisma/client/runtime'
  const lock = { packages: { ...packages, '': { dependencies: { server: '1', '@prisma/client': '1' } } } }
  const kept = {
    'package-lock.json': JSON.stringify({
      packages: { ...lock.packages, 'node_modules/@prisma/client': {} },
    }),
    'src/generated/prisma/internal/class.ts': 'import("@prisma/client/runtime/query_compiler_b.mjs")',
    'node_modules/server/index.js': '',
    'node_modules/language/index.js': '',
    [`${runtime}/client.mjs`]: '',
    [`${runtime}/query_compiler_b.mjs`]: '',
  }
  const removed = {
    'node_modules/tool/index.js': '',
    'node_modules/gears/node_modules/language/index.js': '',
    [`${runtime}/query_compiler_a.mjs`]: '',
  }
  for (const [path, content] of Object.entries({ ...kept, ...removed })) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  await mkdir(join(root, 'node_modules/.bin'))
  for (const name of ['server', 'tool'])
    await symlink(`../${name}/index.js`, join(root, 'node_modules/.bin', name))

  // The second time there is nothing left to do.
  for (const _ of ['first', 'second']) {
    await removeSurplus(root)
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    const left = entries
      .filter((entry) => !entry.isDirectory())
      .map(({ parentPath, name }) => join(parentPath, name))
    expect(left.toSorted()).toEqual(
      [...Object.keys(kept), 'node_modules/.bin/server'].map((path) => join(root, path)).toSorted(),
    )
  }
})
