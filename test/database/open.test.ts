import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { startEmbeddedServer } from '../../src/database/embedded/server.ts'
import { checkDatabase, DatabaseError, openConnections, openDatabase } from '../../src/database/open.ts'
import { databaseUrl, runSql, testDatabase } from '../support/database.ts'
import { openPooler } from '../support/pooler.ts'
import { temporaryFolder } from '../support/temporary.ts'

const log = pino({ level: 'silent' })

describe('a database is refused', () => {
  test('when nobody listens, with where and why', async () => {
    const failure = checkDatabase('postgres://user:hunter2@127.0.0.1:1/codes')
    await expect(failure).rejects.toThrow(DatabaseError)
    await expect(failure).rejects.toThrow('PostgreSQL at 127.0.0.1:1 cannot be reached: connect ECONNREFUSED')
  })

  test('when its host has no address', async () => {
    const failure = checkDatabase('postgres://user@nowhere.invalid/codes')
    await expect(failure).rejects.toThrow('PostgreSQL at nowhere.invalid:5432 cannot be reached')
  })

  test('when something other than PostgreSQL listens', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const failure = checkDatabase(`postgres://user@127.0.0.1:${port}/codes`)
    await expect(failure).rejects.toThrow(DatabaseError)
  })

  test('when it does not let the user in, without telling the password', async () => {
    const url = new URL(inject('serverUrl'))
    url.password = 'hunter2'
    const error = await checkDatabase(url.href).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(DatabaseError)
    expect(String(error)).toContain(`does not let user ${url.username} in`)
    expect(String(error)).not.toContain('hunter2')
  })

  test('when it does not exist', async () => {
    const failure = checkDatabase(databaseUrl(inject('serverUrl'), 'no_such_database'))
    await expect(failure).rejects.toThrow('database "no_such_database" does not exist')
  })

  test('when a crash could make it forget what was committed', async () => {
    await using folder = await temporaryFolder()
    const dataDir = join(folder.path, 'data')
    const server = await startEmbeddedServer({ dataDir, log, settings: { fsync: 'off' } })
    try {
      await expect(openDatabase(server.url, { max: 1, log })).rejects.toThrow('has fsync off')
    } finally {
      await server.close()
    }
  })

  test('when it is read-only, as a standby is', async () => {
    await using database = await changedDatabase('SET default_transaction_read_only = on')
    await expect(checkDatabase(database.url)).rejects.toThrow('is read-only')
  })

  test('when it cannot hold every character', async () => {
    const name = `test_${randomUUID().replaceAll('-', '')}`
    const server = inject('serverUrl')
    await runSql(
      server,
      `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'`,
    )
    onTestFinished(async () => void (await runSql(server, `DROP DATABASE ${name}`)))
    await expect(checkDatabase(databaseUrl(server, name))).rejects.toThrow('in the encoding SQL_ASCII')
  })

  test('when its address names a file that is not there', async () => {
    const failure = checkDatabase('postgres://user@host/codes?sslrootcert=/no/such/file')
    await expect(failure).rejects.toThrow('DATABASE_URL cannot be used: ENOENT')
  })
})

describe('a pooler in front of a database', () => {
  const times = [...Array(10).keys()]

  test('is refused when it shares its sessions between clients', async () => {
    await using database = await testDatabase({ empty: true })
    await using pooler = await openPooler(database.url, 'transaction', 5)
    for (const _ of times) {
      const failure = checkDatabase(pooler.url)
      await expect(failure).rejects.toThrow(DatabaseError)
      await expect(failure).rejects.toThrow('pool_mode = session that has room for 25 connections')
    }
  })

  test('is refused when it shares its only session, and so does not answer', async () => {
    await using database = await testDatabase({ empty: true })
    await using pooler = await openPooler(database.url, 'transaction', 1)
    await expect(checkDatabase(pooler.url, 1_500)).rejects.toThrow('pool_mode = session')
  })

  test('leaves no settings in the sessions of others when it is refused', async () => {
    await using database = await testDatabase({ empty: true })
    await using pooler = await openPooler(database.url, 'transaction', 2)
    await expect(checkDatabase(pooler.url)).rejects.toThrow(DatabaseError)
    const settings = "SELECT current_setting('lock_timeout') AS lock, current_setting('search_path') AS path"
    expect(await runSql(pooler.url, settings)).toEqual([{ lock: '0', path: '"$user", public' }])
  })

  test('is accepted like the database itself when each client has its own session', async () => {
    await using database = await testDatabase({ empty: true })
    await using pooler = await openPooler(database.url, 'session', 5)
    for (const _ of times) {
      await checkDatabase(pooler.url)
      await checkDatabase(database.url)
    }
    const connections = await openDatabase(pooler.url, { max: 3, log })
    const { rows } = await connections.query("SELECT to_regclass('pool') IS NOT NULL AS there")
    await connections.end()
    expect(rows).toEqual([{ there: true }])
  })

  test('is refused when it has no room for a second session', async () => {
    await using database = await testDatabase({ empty: true })
    await using pooler = await openPooler(database.url, 'session', 1)
    await expect(checkDatabase(pooler.url, 1_500)).rejects.toThrow('has room for only one connection')
  })
})

describe('a database that is opened', () => {
  test('has its tables, and a second process finds them', async () => {
    await using database = await testDatabase({ empty: true })
    for (const _ of ['first', 'second']) {
      const connections = await openDatabase(database.url, { max: 1, log })
      const { rows } = await connections.query("SELECT to_regclass('pool') IS NOT NULL AS there")
      await connections.end()
      expect(rows).toEqual([{ there: true }])
    }
  })
})

describe('the connections of the service', () => {
  const settings = `
    SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement,
           current_setting('idle_in_transaction_session_timeout') AS idle,
           current_setting('synchronous_commit') AS synchronous_commit`

  test('have timeouts, and wait for their commits', async () => {
    await using database = await testDatabase()
    const { rows } = await database.connections.query(settings)
    expect(rows).toEqual([{ lock: '5s', statement: '30s', idle: '10s', synchronous_commit: 'on' }])
  })

  test.each([
    ['off', 'on'],
    ['local', 'on'],
    ['remote_write', 'on'],
    ['on', 'on'],
    ['remote_apply', 'remote_apply'],
  ])('where the server has synchronous_commit %s, have %s', async (from, to) => {
    await using database = await changedDatabase(`SET synchronous_commit = ${from}`)
    const { rows } = await database.connections.query(settings)
    expect(rows).toMatchObject([{ lock: '5s', synchronous_commit: to }])
  })

  test('have the timeouts that are asked for', async () => {
    await using database = await testDatabase()
    const connections = openConnections(database.url, {
      max: 1,
      log,
      lockTimeoutMs: 1,
      statementTimeoutMs: 2_000,
    })
    const { rows } = await connections.query(settings)
    await connections.end()
    expect(rows).toMatchObject([{ lock: '1ms', statement: '2s' }])
  })

  test('are replaced when the server cuts them', async () => {
    await using database = await testDatabase({ max: 1 })
    const lost = vi.fn()
    database.connections.on('error', lost)
    const pid = 'SELECT pg_backend_pid() AS pid'
    const before = (await database.connections.query(pid)).rows[0].pid
    await runSql(inject('serverUrl'), `SELECT pg_terminate_backend(${before})`)
    await vi.waitFor(() => expect(lost).toHaveBeenCalledOnce())
    expect((await database.connections.query(pid)).rows[0].pid).not.toBe(before)
  })
})

/** A database with a setting of its own. */
async function changedDatabase(change: string) {
  const database = await testDatabase({ empty: true })
  await runSql(inject('serverUrl'), `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} ${change}`)
  return database
}
