import { appendFile, cp, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { build, buildIfChanged, type Product, project } from '../../src/build/build.ts'
import { consolePages } from '../../src/build/console.ts'
import { databaseClient } from '../../src/build/database-client.ts'
import { replaceFolder } from '../../src/build/folder.ts'
import { graphiqlFiles } from '../../src/build/graphiql.ts'
import { OperatorError } from '../../src/operator-error.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A folder with the inputs of a product, and the product with a maker that counts its runs. */
async function copyOf(product: Product) {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const root = folder.path
  for (const path of [...product.inputs, ...product.versions]) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await cp(join(project, path), join(root, path), { recursive: true })
  }
  const make = vi.fn(async () => {
    await mkdir(join(root, product.output, 'inner'), { recursive: true })
    await writeFile(join(root, product.output, 'inner/made.js'), 'export {}')
  })
  return { root, product: { ...product, make }, make }
}

describe.each([
  ['the database client', databaseClient],
  ['the console', consolePages],
  ['GraphiQL', graphiqlFiles],
])('%s', (_name, original) => {
  test('is built once, which is announced', async () => {
    const { root, product, make } = await copyOf(original)
    const announce = vi.fn(() => expect(make).not.toHaveBeenCalled())
    for (const _ of ['first', 'second', 'third']) await buildIfChanged(product, root, announce)
    expect(make).toHaveBeenCalledTimes(1)
    expect(announce).toHaveBeenCalledTimes(1)
  })

  test.each([...original.inputs, ...original.versions])(
    'is built again when %s has changed',
    async (path) => {
      const { root, product, make } = await copyOf(original)
      await buildIfChanged(product, root)
      await change(join(root, path))
      for (const _ of ['second', 'third']) await buildIfChanged(product, root)
      expect(make).toHaveBeenCalledTimes(2)
    },
  )
})

test('a product is built again when a file of it has changed, is missing or is new', async () => {
  const { root, product, make } = await copyOf(databaseClient)
  const made = join(root, product.output, 'inner/made.js')
  await buildIfChanged(product, root)
  await writeFile(made, '// changed')
  await buildIfChanged(product, root)
  expect(make).toHaveBeenCalledTimes(2)
  await rm(made)
  await buildIfChanged(product, root)
  expect(make).toHaveBeenCalledTimes(3)
  await writeFile(join(dirname(made), 'new.js'), '')
  await buildIfChanged(product, root)
  expect(make).toHaveBeenCalledTimes(4)
})

test('a file that is added to a folder of inputs counts as a change', async () => {
  const { root, product, make } = await copyOf(consolePages)
  await buildIfChanged(product, root)
  await writeFile(join(root, 'src/console/new.tsx'), '')
  await buildIfChanged(product, root)
  expect(make).toHaveBeenCalledTimes(2)
})

test('a file that changes during a build is built again', async () => {
  const { root, product, make } = await copyOf(consolePages)
  make.mockImplementationOnce(async () => {
    await mkdir(join(root, product.output), { recursive: true })
    await change(join(root, 'src/console'))
  })
  for (const _ of ['first', 'second', 'third']) await buildIfChanged(product, root)
  expect(make).toHaveBeenCalledTimes(2)
})

test('a product whose fingerprint is damaged is built again', async () => {
  const { root, product, make } = await copyOf(databaseClient)
  await buildIfChanged(product, root)
  await writeFile(join(root, product.output, 'fingerprint.txt'), '{')
  for (const _ of ['second', 'third']) await buildIfChanged(product, root)
  expect(make).toHaveBeenCalledTimes(2)
})

test('build always builds, and a failed build is repeated', async () => {
  const { root, product, make } = await copyOf(databaseClient)
  await build(product, root)
  await build(product, root)
  expect(make).toHaveBeenCalledTimes(2)
  make.mockRejectedValueOnce(new Error('The builder was killed.'))
  await expect(build(product, root)).rejects.toThrow('killed')
  await buildIfChanged(product, root)
  expect(make).toHaveBeenCalledTimes(4)
})

describe('without the packages for development', () => {
  test('a product that was built before is taken as it is', async () => {
    const { root, product, make } = await copyOf(consolePages)
    await buildIfChanged(product, root)
    await rm(join(root, 'node_modules'), { recursive: true })
    await buildIfChanged(product, root)
    expect(make).toHaveBeenCalledTimes(1)
  })

  test.each([
    ['was never built', async () => {}],
    [
      'has changed since it was built',
      async (root: string, product: Product) => {
        await buildIfChanged(product, root)
        await writeFile(join(root, 'src/console/new.tsx'), '')
      },
    ],
  ])('a product that %s is an error that says what to do', async (_what, prepare) => {
    const { root, product } = await copyOf(consolePages)
    await prepare(root, product)
    await rm(join(root, 'node_modules'), { recursive: true })
    const failure = buildIfChanged(product, root)
    await expect(failure).rejects.toThrow(OperatorError)
    await expect(failure).rejects.toThrow(/^The console has to be built.*\n.*npm run build/)
  })
})

describe('replacing a folder', () => {
  async function folder() {
    const parent = await temporaryFolder()
    onTestFinished(() => parent[Symbol.asyncDispose]())
    return { parent: parent.path, path: join(parent.path, 'dist/files') }
  }

  test('puts a whole new one in its place, and leaves nothing else behind', async () => {
    const { parent, path } = await folder()
    for (const name of ['a.js', 'b.js']) {
      await replaceFolder(path, (next) => writeFile(join(next, name), name))
      expect(await namesIn(parent)).toEqual(['dist', 'dist/files', `dist/files/${name}`])
    }
  })

  test('keeps the previous one if making the new one fails', async () => {
    const { parent, path } = await folder()
    await replaceFolder(path, (next) => writeFile(join(next, 'a.js'), ''))
    const failed = replaceFolder(path, async (next) => {
      await writeFile(join(next, 'b.js'), '')
      throw new Error('The disk is full.')
    })
    await expect(failed).rejects.toThrow('The disk is full.')
    expect(await namesIn(parent)).toEqual(['dist', 'dist/files', 'dist/files/a.js'])
  })

  test('works for several at once: one of them remains', async () => {
    const { parent, path } = await folder()
    await Promise.all(
      Array.from({ length: 20 }, () => replaceFolder(path, (next) => writeFile(join(next, 'a.js'), ''))),
    )
    expect(await namesIn(parent)).toEqual(['dist', 'dist/files', 'dist/files/a.js'])
  })
})

/** Changes a file, or one in a folder. */
async function change(path: string): Promise<void> {
  const file = (await stat(path)).isFile() ? path : join(path, 'main.tsx')
  await appendFile(file, ' ')
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).toSorted()
}
