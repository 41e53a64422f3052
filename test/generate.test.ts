import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { generate, generateIfChanged } from '../src/generate.ts'
import { temporaryFolder } from './support/temporary.ts'

const project = join(import.meta.dirname, '..')

/** The inputs of the generator, and a generator that counts its runs. */
async function copyOfProject() {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const root = folder.path
  await cp(join(project, 'prisma'), join(root, 'prisma'), { recursive: true })
  await cp(join(project, 'prisma.config.ts'), join(root, 'prisma.config.ts'))
  for (const name of ['prisma', '@prisma/client', '@pothos/plugin-prisma']) {
    await mkdir(join(root, 'node_modules', name), { recursive: true })
    await cp(
      join(project, 'node_modules', name, 'package.json'),
      join(root, 'node_modules', name, 'package.json'),
    )
  }
  const run = vi.fn(async () => {
    await mkdir(join(root, 'src/generated/prisma'), { recursive: true })
    await writeFile(join(root, 'src/generated/prisma/client.ts'), 'export {}')
  })
  return { root, run }
}

test('the database client is generated once, and again after a change', async () => {
  const { root, run } = await copyOfProject()
  for (const _ of ['first', 'second', 'third']) await generateIfChanged(root, run)
  expect(run).toHaveBeenCalledTimes(1)
})

test.each([
  ['the schema', 'prisma/schema.prisma'],
  ['the configuration of Prisma', 'prisma.config.ts'],
  ['the version of Prisma', 'node_modules/prisma/package.json'],
  ['the version of its client', 'node_modules/@prisma/client/package.json'],
  ['the version of the other generator', 'node_modules/@pothos/plugin-prisma/package.json'],
  ['what was generated', 'src/generated/prisma/client.ts'],
])('the database client is generated again when %s has changed', async (_what, file) => {
  const { root, run } = await copyOfProject()
  await generateIfChanged(root, run)
  await writeFile(join(root, file), '// changed')
  for (const _ of ['second', 'third']) await generateIfChanged(root, run)
  expect(run).toHaveBeenCalledTimes(2)
})

test('the database client is generated again if a part of it is missing', async () => {
  const { root, run } = await copyOfProject()
  await generateIfChanged(root, run)
  await rm(join(root, 'src/generated/prisma/client.ts'))
  await generateIfChanged(root, run)
  expect(run).toHaveBeenCalledTimes(2)
})

test('generate always generates, and a failed generation is repeated', async () => {
  const { root, run } = await copyOfProject()
  await generate(root, run)
  await generate(root, run)
  expect(run).toHaveBeenCalledTimes(2)
  const broken = generate(root, () => Promise.reject(new Error('The generator was killed.')))
  await expect(broken).rejects.toThrow('killed')
  await generateIfChanged(root, run)
  expect(run).toHaveBeenCalledTimes(3)
})

test('an error of the generator is passed on', async () => {
  const { root } = await copyOfProject()
  await rm(join(root, 'node_modules'), { recursive: true })
  await symlink(join(project, 'node_modules'), join(root, 'node_modules'))
  await writeFile(join(root, 'prisma/schema.prisma'), 'model Account {')
  const failure = generate(root)
  await expect(failure).rejects.toThrow('The database client could not be generated.')
  await expect(failure).rejects.toThrow(/schema\.prisma/)
})
