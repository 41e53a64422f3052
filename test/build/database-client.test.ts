import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { build, project } from '../../src/build/build.ts'
import { databaseClient } from '../../src/build/database-client.ts'
import { temporaryFolder } from '../support/temporary.ts'

test('an error of the generator is passed on', async () => {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const root = folder.path
  await cp(join(project, 'prisma.config.ts'), join(root, 'prisma.config.ts'))
  await symlink(join(project, 'node_modules'), join(root, 'node_modules'))
  await mkdir(join(root, 'prisma'))
  await writeFile(join(root, 'prisma/schema.prisma'), 'model Account {')
  const failure = build(databaseClient, root)
  await expect(failure).rejects.toThrow('Could not build the database client.')
  await expect(failure).rejects.toThrow(/schema\.prisma/)
})
