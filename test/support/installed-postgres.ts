import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { chooseSystemUser } from '../../src/database/embedded/system-user.ts'
import { runSql } from './database.ts'
import { temporaryFolder } from './temporary.ts'

const run = promisify(execFile)

const pollMs = 10
const programs = ['initdb', 'postgres', 'pg_dump', 'pg_restore', 'pg_basebackup']
const folderOfDebian = '/usr/lib/postgresql'

/**
 * The folder with the programs of a PostgreSQL that this machine has installed: POSTGRES_BIN or, where Debian puts them,
 * the newest. Undefined if there is none. (The embedded one has neither pg_dump nor pg_basebackup.)
 */
export async function findInstalledPostgres(): Promise<string | undefined> {
  const { POSTGRES_BIN } = process.env
  if (POSTGRES_BIN) return POSTGRES_BIN
  const versions = await namesIn(folderOfDebian)
  for (const version of versions.toSorted((a, b) => Number(b) - Number(a))) {
    const folder = join(folderOfDebian, version, 'bin')
    const names = await namesIn(folder)
    if (Number(version) >= 15 && programs.every((name) => names.includes(name))) return folder
  }
  return undefined
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return []
    throw error
  }
}

/** A server of an installed PostgreSQL, in a folder of its own. Whoever can reach it may do anything. */
export class InstalledPostgres implements AsyncDisposable {
  /** The address of the database `postgres`. */
  readonly url: string
  readonly #tools: Tools
  readonly #data: string
  readonly #server: ReturnType<typeof spawn>
  readonly #close: () => Promise<void>

  private constructor(tools: Tools, port: number, data: string, close: () => Promise<void>) {
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`
    this.#tools = tools
    this.#data = data
    this.#close = close
    const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
    this.#server = spawn(
      join(tools.bin, 'postgres'),
      ['-D', data, ...settings.flatMap((setting) => ['-c', setting])],
      { ...tools.user, cwd: data, stdio: 'ignore' },
    )
  }

  /** Starts a new one. */
  static async start(bin: string): Promise<InstalledPostgres> {
    const user = await chooseSystemUser()
    const tools = { bin, user }
    return await InstalledPostgres.#open(tools, async (data) => {
      await tool(tools, 'initdb', [
        '-D',
        data,
        '-U',
        'postgres',
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--no-sync',
        '-N',
      ])
    })
  }

  /** A base backup of this server, which takes over as a standby would: without what was committed after the backup. */
  async backUp(): Promise<() => Promise<InstalledPostgres>> {
    const folder = await newFolder(this.#tools)
    const backup = join(folder.path, 'backup')
    await tool(this.#tools, 'pg_basebackup', ['-d', this.url, '-D', backup, '-R', '-c', 'fast', '-N'])
    return async () => {
      const server = await InstalledPostgres.#open(
        this.#tools,
        async (data) => {
          await tool(this.#tools, 'cp', ['-a', `${backup}/.`, data], '')
        },
        folder,
      )
      // Not by pg_promote(): recovery cancels queries that it conflicts with.
      await tool(this.#tools, 'pg_ctl', ['promote', '-w', '-D', server.#data])
      return server
    }
  }

  /** Dumps a database with pg_dump. Resolves to a function that restores it into a new one, and resolves to its address. */
  async dump(url: string): Promise<() => Promise<string>> {
    const file = join(this.#data, 'dump')
    await tool(this.#tools, 'pg_dump', ['-d', url, '-Fc', '-f', file])
    return async () => {
      const restored = new URL(this.url)
      restored.pathname = 'restored'
      await runSql(this.url, 'CREATE DATABASE restored TEMPLATE template0')
      await tool(this.#tools, 'pg_restore', ['-d', restored.href, file])
      return restored.href
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#server, 'exit')
    this.#server.kill('SIGQUIT')
    await ended
    await this.#close()
  }

  static async #open(
    tools: Tools,
    fill: (data: string) => Promise<void>,
    folder?: Folder,
  ): Promise<InstalledPostgres> {
    const { path, ...own } = folder ?? (await newFolder(tools))
    const data = join(path, 'data')
    await mkdir(data, { mode: 0o700 })
    if (tools.user !== undefined) await chown(data, tools.user.uid, tools.user.gid)
    await fill(data)
    const server = new InstalledPostgres(
      tools,
      await freePort(),
      data,
      async () => await own[Symbol.asyncDispose](),
    )
    while (!(await accepts(server.url))) await delay(pollMs)
    return server
  }
}

interface Tools {
  bin: string
  user: Awaited<ReturnType<typeof chooseSystemUser>>
}

type Folder = Awaited<ReturnType<typeof temporaryFolder>>

/** A folder of the user that runs PostgreSQL. */
async function newFolder({ user }: Tools): Promise<Folder> {
  const folder = await temporaryFolder()
  if (user !== undefined) await chown(folder.path, user.uid, user.gid)
  return folder
}

async function tool(
  { bin, user }: Tools,
  name: string,
  args: readonly string[],
  folder = bin,
): Promise<void> {
  await run(folder === '' ? name : join(folder, name), args, { ...user, cwd: '/', maxBuffer: 2 ** 24 })
}

async function accepts(url: string): Promise<boolean> {
  try {
    await runSql(url, 'SELECT 1')
    return true
  } catch (error) {
    const code = error instanceof Error ? Reflect.get(error, 'code') : undefined
    // Not yet listening, or still starting.
    if (code === 'ECONNREFUSED' || code === '57P03') return false
    throw error
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('There is no free port.')
  return address.port
}
