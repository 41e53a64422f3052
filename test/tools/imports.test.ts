import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

const project = join(import.meta.dirname, '../..')

// What each of them imports, and whether the lint rule of tools/imports.grit lets it.
const cases: [file: string, imported: string, allowed: boolean][] = [
  ['src/domain/books/a.ts', '../../database/b.ts', true],
  ['src/domain/books/b.ts', '../format/b.ts', false],
  ['src/domain/account/a.ts', '../books/b.ts', true],
  ['src/domain/account/b.ts', '../format/b.ts', false],
  ['src/domain/subscription/a.ts', '../../async/b.ts', true],
  ['src/domain/subscription/b.ts', '../upload/b.ts', false],
  ['src/domain/format/a.ts', '../pool/b.ts', false],
  ['src/domain/pool/a.ts', '../format/b.ts', true],
  ['src/domain/pool/b.ts', '../generation/b.ts', false],
  ['src/domain/generation/a.ts', '../pool/b.ts', true],
  ['src/domain/generation/b.ts', '../code/b.ts', false],
  ['src/domain/code/a.ts', '../generation/b.ts', true],
  ['src/domain/code/b.ts', '../claim/b.ts', false],
  ['src/domain/claim/a.ts', '../code/b.ts', true],
  ['src/domain/claim/b.ts', '../upload/b.ts', false],
  ['src/domain/upload/a.ts', '../code/b.ts', true],
  ['src/domain/upload/b.ts', '../claim/b.ts', false],
  ['src/domain/sample.ts', '../graphql/b.ts', false],
  ['src/domain/claim/c.ts', '../../server/b.ts', false],
  ['src/codespace/a.ts', '../domain/pool/b.ts', false],
  ['src/codespace/b.ts', '../database/b.ts', false],
  ['src/codespace/c.ts', './pattern.ts', true],
  ['src/codespace/d.ts', '../grouped.ts', true],
  ['src/codespace/e.ts', '../operator-error.ts', false],
  ['src/codefile/a.ts', '../codespace/b.ts', true],
  ['src/codefile/b.ts', '../async/pacer.ts', true],
  ['src/codefile/c.ts', '../async/b.ts', false],
  ['src/outgoing/a.ts', './networks.ts', true],
  ['src/outgoing/b.ts', '../async/pacer.ts', false],
  ['src/worker/c.ts', '../outgoing/client.ts', true],
  ['src/async/a.ts', '../database/errors.ts', true],
  ['src/async/b.ts', '../database/open.ts', false],
  ['src/async/c.ts', '../telemetry/facts.ts', true],
  ['src/telemetry/a.ts', '../operator-error.ts', true],
  ['src/telemetry/b.ts', '../domain/pool/b.ts', false],
  ['src/database/embedded/a.ts', '../../worker/b.ts', false],
  ['src/graphql/a.ts', '../domain/pool/b.ts', true],
  ['src/graphql/limits/b.ts', '../../server/b.ts', false],
  ['src/graphql/c.ts', '../roles/api.ts', false],
  ['src/worker/a.ts', '../domain/upload/b.ts', true],
  ['src/worker/b.ts', '../graphql/b.ts', false],
  ['src/server/a.ts', '../graphql/b.ts', true],
  ['src/server/b.ts', '../worker/b.ts', false],
  ['src/main.ts', './server/b.ts', true],
  ['test/domain/books/a.ts', '../pool/b.ts', true],
]

it('finds every import that goes the wrong way', async () => {
  await using temporary = await temporaryFolder()
  const folder = temporary.path
  const configuration = { root: true, plugins: [join(project, 'tools/imports.grit')] }
  await writeFile(join(folder, 'biome.json'), JSON.stringify(configuration))
  for (const [file, imported] of cases) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), `export * from '${imported}'\n`)
  }
  const found = await violations(folder)
  expect(found).toEqual(cases.flatMap(([file, , allowed]) => (allowed ? [] : [file])).toSorted())
})

/** The files in which the rule finds something. */
async function violations(folder: string): Promise<string[]> {
  const biome = join(project, 'node_modules/.bin/biome')
  const output = await promisify(execFile)(biome, ['lint', '--only=plugin', '--reporter=github', '.'], {
    cwd: folder,
  }).catch((failed: { stdout: string }) => failed)
  return [...output.stdout.matchAll(/title=plugin,file=([^,]+)/g)].map(([, file = '']) => file).toSorted()
}
