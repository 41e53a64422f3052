import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { isUnavailable } from '../../src/database/errors.ts'
import { Notifications } from '../../src/database/notifications.ts'
import { checkDatabase, connectionConfig, openDatabase } from '../../src/database/open.ts'
import { prepareSession } from '../../src/database/session.ts'
import { Client } from '../support/client.ts'
import { databaseUrl, runSql } from '../support/database.ts'
import { startService } from '../support/service.ts'

const log = pino({ level: 'silent' })
const admin = inject('serverUrl')
const name = `session_${randomUUID().replaceAll('-', '')}`

/** A database whose owner is not a superuser. */
let url: string

beforeAll(async () => {
  await runSql(admin, `CREATE ROLE ${name} LOGIN PASSWORD 'secret'`)
  await runSql(admin, `CREATE DATABASE ${name} OWNER ${name} TEMPLATE template0`)
  const address = new URL(databaseUrl(admin, name))
  address.username = name
  address.password = 'secret'
  url = address.href
})

afterAll(async () => {
  await runSql(admin, `DROP DATABASE ${name} WITH (FORCE)`)
  await runSql(admin, `DROP ROLE ${name}`)
})

const places = [`ROLE ${name}`, `DATABASE ${name}`, `ROLE ${name} IN DATABASE ${name}`]

/** Has settings in one place for as long as `work` takes. */
async function withSettings<T>(
  place: string,
  settings: Record<string, string>,
  work: () => Promise<T>,
): Promise<T> {
  for (const [setting, value] of Object.entries(settings))
    await runSql(admin, `ALTER ${place} SET ${setting} = ${value}`)
  try {
    return await work()
  } finally {
    await runSql(admin, `ALTER ${place} RESET ALL`)
  }
}

async function settingsOf(
  connections: pg.Pool,
  settings: readonly string[],
): Promise<Record<string, unknown>> {
  const client = await connections.connect()
  try {
    const values: Record<string, unknown> = {}
    for (const setting of settings) {
      const { rows } = await client.query<Record<string, unknown>>(`SHOW ${setting}`)
      values[setting] = Object.values(rows[0] ?? {})[0]
    }
    return values
  } finally {
    client.release()
  }
}

describe('a session of the service', () => {
  const theirs = {
    synchronous_commit: 'off',
    statement_timeout: "'7s'",
    lock_timeout: "'7ms'",
    idle_in_transaction_session_timeout: "'1ms'",
    idle_session_timeout: "'7s'",
    transaction_timeout: "'7s'",
    default_transaction_isolation: 'serializable',
    default_transaction_deferrable: 'on',
    row_security: 'on',
    search_path: 'pg_catalog',
    timezone: "'Asia/Tokyo'",
    datestyle: "'SQL, DMY'",
    intervalstyle: 'sql_standard',
    bytea_output: 'escape',
    extra_float_digits: '-3',
    client_encoding: 'LATIN1',
    standard_conforming_strings: 'off',
    transform_null_equals: 'on',
    array_nulls: 'off',
  }
  const ours = {
    synchronous_commit: 'on',
    statement_timeout: '30s',
    lock_timeout: '5s',
    idle_in_transaction_session_timeout: '10s',
    idle_session_timeout: '0',
    transaction_timeout: '0',
    default_transaction_isolation: 'read committed',
    default_transaction_deferrable: 'off',
    row_security: 'off',
    search_path: 'public',
    timezone: 'UTC',
    datestyle: 'ISO, MDY',
    intervalstyle: 'postgres',
    bytea_output: 'hex',
    extra_float_digits: '1',
    client_encoding: 'UTF8',
    standard_conforming_strings: 'on',
    transform_null_equals: 'off',
    array_nulls: 'on',
  }

  test.each(places)(
    'has the settings that the service relies on, whatever is set with ALTER %s',
    async (place) => {
      const before = await openDatabase(url, { max: 1, log })
      await before.end()
      await withSettings(place, theirs, async () => {
        const connections = await openDatabase(url, { max: 1, log })
        try {
          expect(await settingsOf(connections, Object.keys(ours))).toEqual(ours)
          const { rows } = await connections.query(
            `SELECT timestamptz '2026-11-25 21:00:00.123+00' AS at, '\\x00ff'::bytea AS bytes,
                  has_table_privilege('account', 'SELECT') AS reads`,
          )
          expect(rows).toEqual([
            { at: new Date('2026-11-25T21:00:00.123Z'), bytes: Buffer.from([0, 255]), reads: true },
          ])
        } finally {
          await connections.end()
        }
      })
    },
  )

  test('has them even when others are set while the service runs', async () => {
    const connections = await openDatabase(url, { max: 1, log })
    try {
      await withSettings(`ROLE ${name}`, theirs, async () => {
        await runSql(
          admin,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${name}'`,
        )
        await expect
          .poll(() => settingsOf(connections, Object.keys(ours)).catch(() => undefined))
          .toEqual(ours)
      })
    } finally {
      await connections.end()
    }
  })

  test('keeps stricter settings', async () => {
    await withSettings(`ROLE ${name}`, { synchronous_commit: 'remote_apply' }, async () => {
      const connections = await openDatabase(url, { max: 1, log })
      expect(await settingsOf(connections, ['synchronous_commit'])).toEqual({
        synchronous_commit: 'remote_apply',
      })
      await connections.end()
    })
  })

  test('may be idle for as long as it listens', async () => {
    await withSettings(`ROLE ${name}`, { idle_session_timeout: "'2s'" }, async () => {
      const warn = vi.spyOn(log, 'warn')
      const connections = await openDatabase(url, { max: 1, log })
      const notifications = new Notifications({ connections, connection: connectionConfig(url), log })
      await notifications.open()
      // By the clock of the server, which would end it.
      await runSql(admin, 'SELECT pg_sleep(2.5)')
      const heard = new Promise<string | undefined>((resolve) => notifications.on('keys', resolve))
      await runSql(url, "NOTIFY promo_codes, 'keys 7'")
      expect(await heard).toBe('7')
      await notifications.close()
      await connections.end()
      expect(warn).not.toHaveBeenCalled()
    })
  })

  test('has no time limit for a migration, whatever is set for the role', async () => {
    await withSettings(`ROLE ${name}`, theirs, async () => {
      const client = new pg.Client(connectionConfig(url))
      await client.connect()
      await prepareSession(client)
      for (const setting of ['lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout'])
        expect((await client.query(`SHOW ${setting}`)).rows).toEqual([{ [setting]: '0' }])
      await client.end()
    })
  })
})

describe('a database is refused for what its sessions cannot set', () => {
  test.each(places)('when ALTER %s makes them read-only', async (place) => {
    await withSettings(place, { default_transaction_read_only: 'on' }, async () => {
      await expect(checkDatabase(url)).rejects.toThrow('is read-only')
    })
  })

  test('when they skip triggers and foreign keys', async () => {
    await withSettings(`ROLE ${name}`, { session_replication_role: 'replica' }, async () => {
      await expect(checkDatabase(url)).rejects.toThrow('session_replication_role replica')
    })
  })

  test('also while the service runs: the database is unavailable then', async () => {
    const connections = await openDatabase(url, { max: 1, log })
    await runSql(admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${name}'`)
    await withSettings(`DATABASE ${name}`, { default_transaction_read_only: 'on' }, async () => {
      const asked = () => connections.query('SELECT 1').catch((reason: unknown) => reason)
      await expect.poll(async () => String(await asked())).toContain('is read-only')
      expect(isUnavailable(await asked())).toBe(true)
    })
    await expect(connections.query('SELECT 1')).resolves.toBeDefined()
    await connections.end()
  })
})

describe('the schema of the tables', () => {
  test('is the one that the server chooses', async () => {
    await runSql(admin, `CREATE DATABASE ${name}_app OWNER ${name} TEMPLATE template0`)
    const app = databaseUrl(url, `${name}_app`)
    await runSql(app, 'CREATE SCHEMA "my App"')
    await withSettings(`DATABASE ${name}_app`, { search_path: '"my App", public' }, async () => {
      await (await openDatabase(app, { max: 1, log })).end()
    })
    expect(await runSql(app, `SELECT to_regclass('"my App".account') IS NOT NULL AS made`)).toEqual([
      { made: true },
    ])

    // The service finds them there, also what of it goes by names with a schema.
    await withSettings(`DATABASE ${name}_app`, { search_path: '"my App", public' }, async () => {
      await using service = await startService({ databaseUrl: app })
      await using client = new Client(service)
      expect(await client.ask('{ account { name } }')).toEqual({ account: { name: 'First account' } })
    })

    // From then on it is that one, for as long as it is among those that are looked through, and not another one.
    await runSql(app, 'CREATE SCHEMA other')
    await withSettings(`ROLE ${name}`, { search_path: 'other, "my App"' }, async () => {
      const connections = await openDatabase(app, { max: 1, log })
      expect(await settingsOf(connections, ['search_path'])).toEqual({ search_path: '"my App"' })
      await connections.end()
    })
    expect(await runSql(app, "SELECT to_regclass('other.account') AS other")).toEqual([{ other: null }])
    await runSql(admin, `DROP DATABASE ${name}_app WITH (FORCE)`)
  })

  test('must exist', async () => {
    await withSettings(`ROLE ${name}`, { search_path: 'nowhere' }, async () => {
      await runSql(url, 'ALTER SCHEMA public RENAME TO elsewhere')
      await expect(checkDatabase(url)).rejects.toThrow('CREATE SCHEMA public')
      await runSql(url, 'ALTER SCHEMA elsewhere RENAME TO public')
    })
  })
})
