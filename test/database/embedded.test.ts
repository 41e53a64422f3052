import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { type Logger, pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DataDirError } from '../../src/database/embedded/cluster.ts'
import {
  type EmbeddedServer,
  findEmbeddedServer,
  startEmbeddedServer,
} from '../../src/database/embedded/server.ts'
import { OperatorError } from '../../src/operator-error.ts'
import { runSql } from '../support/database.ts'
import { shared } from '../support/shared.ts'
import { copyFolder, temporaryFolder } from '../support/temporary.ts'

const log = pino({ level: 'silent' })
const isRoot = process.getuid?.() === 0

/** A folder with an empty database, which is stopped. A copy takes a tenth of the time of creating one. */
const created = shared(async () => {
  const folder = await temporaryFolder()
  const path = join(folder.path, 'data')
  await (await startEmbeddedServer({ dataDir: path, log })).close()
  return { path, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] }
})

let cleanUp: AsyncDisposableStack
let dataDir: string

beforeEach(async () => {
  cleanUp = new AsyncDisposableStack()
  dataDir = join(cleanUp.use(await temporaryFolder()).path, 'data')
})

afterEach(() => cleanUp.disposeAsync())

describe('the embedded server', () => {
  test('creates its database, with all settings that keep data safe', async () => {
    const { url } = await start()
    const [settings] = await runSql(
      url,
      `SELECT current_setting('server_encoding') AS encoding, current_setting('data_checksums') AS checksums,
              current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
              current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets,
              (SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules) AS methods,
              (SELECT datlocale FROM pg_database WHERE datname = current_database()) AS locale`,
    )
    expect(settings).toEqual({
      encoding: 'UTF8',
      checksums: 'on',
      fsync: 'on',
      synchronous_commit: 'on',
      addresses: '127.0.0.1',
      sockets: '',
      methods: ['scram-sha-256'],
      locale: 'C.UTF-8',
    })
    const wrong = new URL(url)
    wrong.password = 'guess'
    await expect(runSql(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed')
    const password = await stat(join(dataDir, 'postgresql/password'))
    expect(password.mode & 0o777).toBe(0o600)
  })

  test('has its data at the second start', async () => {
    await copyFolder(created.path, dataDir)
    const first = await start()
    await runSql(first.url, "CREATE TABLE kept AS SELECT 'as it was' AS value")
    await first.close()
    const second = await start()
    expect(await runSql(second.url, 'SELECT value FROM kept')).toEqual([{ value: 'as it was' }])
  })

  test('accepts no connections once it is closed, which can be done twice', async () => {
    await copyFolder(created.path, dataDir)
    const server = await start()
    await Promise.all([server.close(), server.close()])
    await expect(runSql(server.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED')
    expect(await findEmbeddedServer({ dataDir })).toBeUndefined()
  })

  test('is found by a process beside the service', async () => {
    expect(await findEmbeddedServer({ dataDir })).toBeUndefined()
    await copyFolder(created.path, dataDir)
    expect(await findEmbeddedServer({ dataDir })).toBeUndefined()
    const server = await start()
    expect(await findEmbeddedServer({ dataDir })).toBe(server.url)
  })

  test('belongs to only one service', async () => {
    await copyFolder(created.path, dataDir)
    const first = await start()
    const second = start()
    await expect(second).rejects.toThrow(DataDirError)
    await expect(second).rejects.toThrow(`DATA_DIR ${dataDir} is in use by another service`)
    await expect(second).rejects.toThrow(`process ${process.pid}`)
    expect(await runSql(first.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('is created by one of two services that start at the same time', async () => {
    const outcomes = await Promise.allSettled([start(), ownerProcess()])
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(failures.map(({ reason }) => String(reason))).toEqual([
      expect.stringContaining('is in use by another service'),
    ])
    expect((await readdir(dataDir)).toSorted()).toEqual(['postgresql', 'postgresql.log'])
  })

  test('survives a service that is killed, and belongs to the next one', async () => {
    await copyFolder(created.path, dataDir)
    const owner = await ownerProcess()
    await runSql(owner.url, "CREATE TABLE kept AS SELECT 'as it was' AS value")
    await kill(owner.process)
    expect(await findEmbeddedServer({ dataDir })).toBe(owner.url)
    const next = await start()
    expect(next.url).toBe(owner.url)
    expect(await runSql(next.url, 'SELECT value FROM kept')).toEqual([{ value: 'as it was' }])
    await next.close()
    expect(await findEmbeddedServer({ dataDir })).toBeUndefined()
  })

  // SIGTERM lets those who are connected go on for as long as they like, as the service itself would.
  test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
    'comes back at the same address after a %s, and cuts the connections that it had',
    async (signal) => {
      await copyFolder(created.path, dataDir)
      const { url } = await start()
      await runSql(url, "CREATE TABLE kept AS SELECT 'as it was' AS value")
      const { lost } = await connect(url)
      const ended = await postmasterPid()
      process.kill(ended, signal)
      await lost
      await vi.waitFor(async () => expect(await postmasterPid()).not.toBe(ended), { timeout: 20_000 })
      const kept = await vi.waitFor(() => runSql(url, 'SELECT value FROM kept'), { timeout: 20_000 })
      expect(kept).toEqual([{ value: 'as it was' }])
    },
  )

  test('of a killed service waits, when told to stop, for those who are connected, and the next service waits for it, but not forever', async () => {
    await copyFolder(created.path, dataDir)
    const owner = await ownerProcess()
    const { client } = await connect(owner.url)
    await kill(owner.process)
    const pid = await postmasterPid()
    process.kill(pid, 'SIGTERM')
    await vi.waitFor(async () => expect(await findEmbeddedServer({ dataDir })).toBeUndefined(), {
      timeout: 20_000,
    })
    const failure = startEmbeddedServer({ dataDir, log, maxShutdownMs: 0 })
    await expect(failure).rejects.toThrow(DataDirError)
    await expect(failure).rejects.toThrow(`DATA_DIR ${dataDir} has a PostgreSQL server (process ${pid})`)
    await expect(failure).rejects.toThrow(
      'is shutting down, and does not end while programs are connected to it',
    )

    const { promise: waits, resolve } = Promise.withResolvers<string>()
    const next = start(pino({ level: 'warn' }, { write: resolve }))
    expect(await waits).toContain('waiting for the PostgreSQL server of this data to shut down')
    await client.end()
    expect(await runSql((await next).url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('of a killed service is waited for while it does not answer', async () => {
    await copyFolder(created.path, dataDir)
    await kill((await ownerProcess()).process)
    const pid = await postmasterPid()
    process.kill(pid, 'SIGSTOP')
    const { promise: waits, resolve } = Promise.withResolvers<string>()
    const next = startEmbeddedServer({
      dataDir,
      log: pino({ level: 'warn' }, { write: resolve }),
      connectMs: 500,
    })
    try {
      expect(await Promise.race([waits, next])).toContain('does not answer; trying again')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    const { url, close } = await next
    cleanUp.defer(close)
    expect(await runSql(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await postmasterPid()).toBe(pid)
  })

  test('still belongs to its service after all connections are cut', async () => {
    await copyFolder(created.path, dataDir)
    const { url } = await start()
    await runSql(url, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')
    await vi.waitFor(async () => expect(await owners(url)).toBe(1), { timeout: 20_000 })
    await expect(start()).rejects.toThrow('is in use by another service')
  })

  test('starts after it was killed together with its service', async () => {
    await copyFolder(created.path, dataDir)
    const owner = await ownerProcess()
    await runSql(owner.url, "CREATE TABLE kept AS SELECT 'as it was' AS value")
    const pid = await postmasterPid()
    owner.process.kill('SIGKILL')
    process.kill(pid, 'SIGKILL')
    await once(owner.process, 'exit')
    const next = await start()
    expect(await runSql(next.url, 'SELECT value FROM kept')).toEqual([{ value: 'as it was' }])
  })

  test('starts when another process has the id of its killed process', async () => {
    await copyFolder(created.path, dataDir)
    await (await start()).close()
    const { uid, gid } = await stat(join(dataDir, 'postgresql/data'))
    const stranger = spawn('/bin/sleep', ['600'], { uid, gid, cwd: '/' })
    cleanUp.defer(() => kill(stranger))
    await once(stranger, 'spawn')
    await writeFile(
      join(dataDir, 'postgresql/data/postmaster.pid'),
      `${stranger.pid}\n${dataDir}/postgresql/data\n1\n20001\n\n127.0.0.1\n  1 1\nready   \n`,
    )
    const next = await start()
    expect(await runSql(next.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('starts when the service was killed while it created the database', async () => {
    const owner = runOwner()
    const isBeingMade = async () =>
      expect(await readdir(dataDir)).toContainEqual(expect.stringMatching(/^initdb-/))
    await vi.waitFor(isBeingMade, { timeout: 20_000, interval: 1 })
    await kill(owner)
    await isBeingMade()
    const next = await start()
    expect(await runSql(next.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect((await readdir(dataDir)).toSorted()).toEqual(['postgresql', 'postgresql.log'])
  })

  test('says that its folder cannot be written', async () => {
    await writeFile(dataDir, '')
    // In the second, mkdir with `recursive` would never return.
    for (const impossible of [join(dataDir, 'below'), '/proc/promo-codes']) {
      const failure = startEmbeddedServer({ dataDir: impossible, log })
      await expect(failure).rejects.toThrow(DataDirError)
      await expect(failure).rejects.toThrow(`DATA_DIR ${impossible} cannot be written`)
    }
  })

  test.skipIf(isRoot)('says that its folder is read-only', async () => {
    await mkdir(dataDir, { mode: 0o555 })
    await expect(start()).rejects.toThrow(`DATA_DIR ${dataDir} cannot be written: EACCES`)
  })

  test.runIf(isRoot)(
    'runs as another user than root, even below a folder that this user cannot traverse',
    async () => {
      await mkdir(dataDir, { mode: 0o700 })
      await start()
      expect((await stat(`/proc/${await postmasterPid()}`)).uid).not.toBe(0)
      expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    },
  )

  test.runIf(isRoot)('says what to do when a copy of the data belongs to root', async () => {
    await mkdir(join(dataDir, 'postgresql/data'), { recursive: true })
    await writeFile(join(dataDir, 'postgresql/data/PG_VERSION'), '18\n')
    await expect(start()).rejects.toThrow('belongs to root')
  })

  test('leaves the data of another PostgreSQL alone', async () => {
    await mkdir(join(dataDir, 'postgresql/data'), { recursive: true })
    await writeFile(join(dataDir, 'postgresql/data/PG_VERSION'), '17\n')
    await expect(start()).rejects.toThrow('holds a database of PostgreSQL 17')
  })

  test('says why it does not start', async () => {
    await copyFolder(created.path, dataDir)
    const failure = startEmbeddedServer({ dataDir, log, settings: { shared_buffers: 'plenty' } })
    await expect(failure).rejects.toThrow(OperatorError)
    await expect(failure).rejects.toThrow('invalid value for parameter "shared_buffers": "plenty"')
  })
})

async function start(logger: Logger = log): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer({ dataDir, log: logger })
  cleanUp.defer(() => server.close())
  return server
}

/** A program that is connected to the server; `lost` resolves when its connection is cut. */
async function connect(url: string): Promise<{ client: pg.Client; lost: Promise<unknown> }> {
  const client = new pg.Client(url)
  cleanUp.defer(() => client.end())
  const lost = new Promise((resolve) => client.on('error', resolve))
  await client.connect()
  return { client, lost }
}

/** A process that owns the server of the test's folder, and can be killed. */
async function ownerProcess(): Promise<{ process: ChildProcess; url: string }> {
  const owner = runOwner()
  for await (const line of createInterface(owner.stdout)) {
    if (line.startsWith('postgres://')) return { process: owner, url: line }
    throw new Error(line)
  }
  throw new Error('the owner ended before its server had started')
}

function runOwner() {
  const script = join(import.meta.dirname, '../support/embedded-owner.ts')
  const owner = spawn(process.execPath, [script, dataDir], { stdio: ['pipe', 'pipe', 'inherit'] })
  cleanUp.defer(() => kill(owner))
  return owner
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function postmasterPid(): Promise<number> {
  const note = await readFile(join(dataDir, 'postgresql/data/postmaster.pid'), 'utf8')
  return Number(note.split('\n')[0])
}

async function owners(url: string): Promise<number> {
  const rows = await runSql<{ count: number }>(
    url,
    "SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND granted",
  )
  return rows[0]?.count ?? 0
}
