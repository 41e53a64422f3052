import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const frontend = join(root, 'test/support/frontend')

test('what the README shows to frontends is the code that these tests run', async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const section = /^## For frontends$[\s\S]*?(?=^## )/m.exec(readme)?.[0] ?? ''
  const shown = [...section.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
  const files = await readdir(frontend)
  const sources = await Promise.all(files.map((file) => readFile(join(frontend, file), 'utf8')))
  expect(shown).toHaveLength(5)
  for (const code of shown) expect(sources.filter((source) => source.includes(code))).toHaveLength(1)
  for (const [, file = ''] of section.matchAll(/\]\(test\/support\/frontend\/(.+?)\)/g))
    expect(files).toContain(file)
})
