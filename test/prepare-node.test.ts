import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'

const root = join(import.meta.dirname, '..')
const file = join(root, 'src/prepare-node.cjs')
const source = await readFile(file, 'utf8')
const scripts = (
  JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
).scripts

class Exit extends Error {}

/** Runs the script as if by another version of Node.js. */
function prepare(version: string, { installed = true } = {}) {
  const said: string[] = []
  const enableCompileCache = vi.fn()
  const modules: Record<string, unknown> = {
    'node:path': { join },
    'node:fs': { existsSync: () => installed },
    'node:module': { enableCompileCache },
  }
  const process = {
    versions: { node: version },
    stderr: { write: (text: string) => said.push(text) },
    exit: (code: number) => {
      throw new Exit(String(code))
    },
  }
  const run = () =>
    runInNewContext(source, {
      process,
      require: (name: string) => modules[name],
      __dirname: join(root, 'src'),
    })
  return { run, said, enableCompileCache }
}

describe('before a program is loaded', () => {
  it.each(['12.22.12', '16.20.2', '18.20.8', '20.20.2', '22.22.0', '23.11.1'])(
    'Node.js %s is refused, and the message says which is needed and how to get it',
    (version) => {
      const { run, said, enableCompileCache } = prepare(version)
      expect(run).toThrow(new Exit('1'))
      expect(said.join('')).toContain(`needs Node.js 24 or newer, and this is ${version}.`)
      expect(said.join('')).toContain('https://nodejs.org/en/download')
      expect(enableCompileCache).not.toHaveBeenCalled()
    },
  )

  it.each(['24.0.0', '25.1.0', '100.0.0'])('Node.js %s is accepted', (version) => {
    const { run, said, enableCompileCache } = prepare(version)
    run()
    expect(said).toEqual([])
    expect(enableCompileCache).toHaveBeenCalledOnce()
  })

  it('says what to do when nothing has been installed', () => {
    const { run, said } = prepare('24.0.0', { installed: false })
    expect(run).toThrow(new Exit('1'))
    expect(said.join('')).toContain('run npm ci first')
  })

  it('can be parsed by old versions', () => {
    const code = source.replaceAll(/^ *\/\/.*$|'.*?'/gm, '')
    expect(code).not.toMatch(/=>|`|\?\.|\?\?|\b(let|const|class|async|await|import)\b/)
  })

  // The Node.js of the machine, which runs npm and is often older than the one of the tests.
  const machines = process.env['npm_node_execpath']
  it.runIf(machines !== undefined)(
    "is what every script of the package does, also with the machine's Node.js",
    async () => {
      for (const [name, script] of Object.entries(scripts)) {
        for (const command of script
          .split('&&')
          .filter((part) => /\bnode\b.*\.ts/.test(part))
          .slice(0, 1))
          expect(command, name).toContain('node --require ./src/prepare-node.cjs ')
      }
      const outcome = promisify(execFile)(machines ?? '', [
        '--require',
        file,
        '--eval',
        'console.log("went on")',
      ])
      const said = await outcome.then(
        ({ stdout }) => stdout,
        ({ stderr }: { stderr: string }) => stderr,
      )
      expect(said).toMatch(/^went on|^Promo codes needs Node\.js 24 or newer/)
    },
  )
})
