import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { buildSchema, parse, validate } from 'graphql'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const root = join(import.meta.dirname, '..')
const clientCode = [join(root, 'test/support/frontend'), join(root, 'src/console/live')]
const schema = buildSchema(await readFile(join(root, 'schema.graphql'), 'utf8'))

const files = ['README.md', 'CONTRIBUTING.md', 'bench/README.md']
for (const name of await readdir(join(root, 'docs'))) files.push(`docs/${name}`)
const pages = new Map<string, string>()
for (const file of files) pages.set(file, await readFile(join(root, file), 'utf8'))

describe.each([...pages])('%s', (file, text) => {
  test('has no broken link', () => {
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !target.includes('://') && !leadsSomewhere(file, target))
    expect(broken).toEqual([])
  })

  test('names no file that does not exist', () => {
    const named = text.match(/(?<![\w/.])(?:src|test|tools|bench|prisma|docs)\/[\w./-]*\w/g) ?? []
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  test('has each row of a table on a line of its own', () => {
    const lines = text.replace(/^ *```.*?^ *```/gms, '').split('\n')
    const rows = lines.filter((line) => /^ {0,3}\||^ {0,3}\S.*\|$/.test(line))
    const isWhole = (row: string) => /^ *\|.*\|$/.test(row)
    const isJoined = (row: string) => /\| -{3}/.test(row) && /\w/.test(row)
    expect(rows.filter((row) => !isWhole(row) || isJoined(row))).toEqual([])
  })

  test('shows valid operations', () => {
    for (const operation of operationsIn(text)) expect(validate(schema, parse(operation))).toEqual([])
  })

  test('names only scripts that exist', async () => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const named = [...text.matchAll(/npm run (\w+)/g)].map(([, name = '']) => name)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })
})

test('there are operations to validate', () => {
  expect([...pages.values()].flatMap(operationsIn).length).toBeGreaterThan(7)
})

test('each variable of the configuration is one that the service reads', () => {
  const section = sectionOf('docs/operations.md', 'Configuration')
  const rows = [...section.matchAll(/^\| (`[^|]+`) \|/gm)].map(([, cell = '']) => cell)
  const names = rows.flatMap((cell) => cell.match(/[A-Z_]+/g) ?? [])
  expect(names.length).toBeGreaterThan(9)
  for (const name of names) expect(() => readConfig({ [name]: '\0' })).toThrow(name)
})

test('the code for client libraries is the code that the tests of the clients run', async () => {
  const section = sectionOf('docs/frontends.md', 'Client libraries')
  const shown = [...section.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
  const folders = await Promise.all(
    clientCode.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
  )
  const sources = await Promise.all(folders.flat().map((file) => readFile(file, 'utf8')))
  expect(shown).toHaveLength(5)
  for (const code of shown) expect(sources.filter((source) => source.includes(code))).toHaveLength(1)
})

test('the receiver that is shown is the one that the tests run', async () => {
  const shown = [...(pages.get('docs/webhooks.md') ?? '').matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
  const source = await readFile(join(root, 'test/support/frontend/webhook-receiver.ts'), 'utf8')
  expect(shown.map(([, code]) => code)).toEqual([source])
})

/** Whether a link of a page leads to a file, and to one of its headings if it names one. */
function leadsSomewhere(file: string, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const linked = path === '' ? join(root, file) : join(root, dirname(file), path)
  if (!existsSync(linked)) return false
  return anchor === undefined || anchorsOf(pages.get(relative(root, linked)) ?? '').includes(anchor)
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** The GraphQL of a page, and that of its commands. */
function operationsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```graphql\n([\s\S]*?)^ *```$/gm)].map(([, block = '']) => block)
  const queries = [...text.matchAll(/"query": ("(?:[^"\\]|\\.)*")/g)].map(([, query = '']) => query)
  return [...blocks, ...queries.map((query): string => JSON.parse(query))]
}

function sectionOf(file: string, heading: string): string {
  const text = pages.get(file) ?? ''
  const [, section = ''] = text.split(`\n## ${heading}\n`)
  return section.split('\n## ')[0] ?? ''
}
