import { chmod, chown, copyFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type EmbeddedServer, startEmbeddedServer } from '../../src/database/embedded/server.ts'
import { checkDatabase, openDatabase } from '../../src/database/open.ts'
import { databaseUrl, runSql } from '../support/database.ts'
import { temporaryFolder } from '../support/temporary.ts'

const log = pino({ level: 'silent' })
// Made for these tests alone, and valid for a hundred years: an authority, and a server of the name localhost.
const certificates = join(import.meta.dirname, '../support/tls')
const authority = join(certificates, 'authority.pem')

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: EmbeddedServer

/** A server as others host it: encrypted, with a certificate of the host's own authority, and with extensions. */
beforeAll(async () => {
  folder = await temporaryFolder()
  const settings = { shared_preload_libraries: 'pg_stat_statements' }
  server = await startEmbeddedServer({ dataDir: folder.path, log, settings })
  const data = join(folder.path, 'postgresql/data')
  const { uid, gid } = await stat(data)
  for (const [from, to] of [
    ['server.pem', 'server.crt'],
    ['server-key.pem', 'server.key'],
  ] as const) {
    await copyFile(join(certificates, from), join(data, to))
    await chown(join(data, to), uid, gid)
    await chmod(join(data, to), 0o600)
  }
  await runSql(server.url, 'ALTER SYSTEM SET ssl = on')
  await runSql(server.url, 'SELECT pg_reload_conf()')
  await vi.waitFor(async () => expect(await runSql(server.url, 'SHOW ssl')).toEqual([{ ssl: 'on' }]))
})

afterAll(async () => {
  await server.close()
  await folder[Symbol.asyncDispose]()
})

/** The address of the server by the name that is in its certificate, or by another one. */
function address(query: string, host = 'localhost'): string {
  const url = new URL(server.url)
  url.hostname = host
  return `${url.href}?${query}`
}

describe('a server with a certificate of its own authority', () => {
  test.each(['prefer', 'require', 'verify-ca', 'verify-full'])(
    'is refused with sslmode=%s and what to do, without a warning of Node.js',
    async (mode) => {
      const warn = vi.spyOn(process, 'emitWarning')
      const failure = checkDatabase(address(`sslmode=${mode}`))
      await expect(failure).rejects.toThrow(
        /authority that is not known here.*sslmode=verify-full&sslrootcert=/,
      )
      await expect(failure).rejects.toThrow('uselibpqcompat=true&sslmode=require')
      expect(warn).not.toHaveBeenCalled()
    },
  )

  test.each([
    `sslmode=verify-full&sslrootcert=${authority}`,
    `sslmode=require&sslrootcert=${authority}`,
    `sslmode=verify-full&sslrootcert=${authority}&channel_binding=require`,
    `sslmode=verify-full&sslrootcert=${authority}&sslnegotiation=direct`,
    'uselibpqcompat=true&sslmode=require',
    'sslmode=no-verify',
    'sslmode=disable',
  ])('is used with %s', async (query) => {
    await expect(checkDatabase(address(query))).resolves.toEqual({ schema: 'public' })
  })

  test('is refused when another authority is named', async () => {
    const other = join(certificates, 'server.pem')
    await expect(checkDatabase(address(`sslmode=require&sslrootcert=${other}`))).rejects.toThrow(
      'not signed by the authority in the file that sslrootcert names',
    )
  })

  test('is refused under a name that its certificate does not have, unless only the authority is verified', async () => {
    const strict = checkDatabase(address(`sslmode=verify-full&sslrootcert=${authority}`, '127.0.0.1'))
    await expect(strict).rejects.toThrow(/as its certificate does, or .*sslmode=verify-ca/)
    const query = `uselibpqcompat=true&sslmode=verify-ca&sslrootcert=${authority}`
    await expect(checkDatabase(address(query, '127.0.0.1'))).resolves.toEqual({ schema: 'public' })
  })

  test('that requires encryption is refused without it, with what to do', async () => {
    const strict = new URL(databaseUrl(server.url, 'postgres'))
    await runSql(server.url, "CREATE ROLE strict LOGIN PASSWORD 'secret'")
    const [rules] = await runSql<{ rules: string }>(server.url, "SELECT pg_read_file('pg_hba.conf') AS rules")
    await writeFile(
      join(folder.path, 'postgresql/data/pg_hba.conf'),
      `hostnossl all strict all reject\n${rules?.rules}`,
    )
    await runSql(server.url, 'SELECT pg_reload_conf()')
    strict.username = 'strict'
    strict.password = 'secret'
    await vi.waitFor(() => expect(checkDatabase(strict.href)).rejects.toThrow('?sslmode=require'))
  })
})

describe('an empty database', () => {
  test.each([
    ['pg_stat_statements', 'views'],
    ['pg_buffercache', 'a view'],
    ['hstore', 'types'],
    ['citext', 'functions'],
  ])('is used when the extension %s has created %s in it', async (extension) => {
    const name = `with_${extension}`
    await runSql(server.url, `CREATE DATABASE ${name} TEMPLATE template0`)
    const url = databaseUrl(server.url, name)
    await runSql(url, `CREATE EXTENSION ${extension} SCHEMA public`)
    const connections = await openDatabase(url, { max: 1, log })
    expect(
      (await connections.query("SELECT to_regclass('public.account') IS NOT NULL AS made")).rows,
    ).toEqual([{ made: true }])
    await connections.end()
  })

  test('is used when it has other schemas, event triggers, publications and tables of extensions', async () => {
    await runSql(server.url, 'CREATE DATABASE hosted TEMPLATE template0')
    const url = databaseUrl(server.url, 'hosted')
    await runSql(
      url,
      `CREATE SCHEMA auth;
       CREATE TABLE auth.users (id int);
       CREATE SCHEMA extensions;
       CREATE EXTENSION pgcrypto SCHEMA extensions;
       CREATE PUBLICATION everything FOR ALL TABLES;
       CREATE FUNCTION auth.secure() RETURNS event_trigger LANGUAGE plpgsql AS $$
         DECLARE made record;
         BEGIN
           FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
             EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', made.object_identity);
           END LOOP;
         END $$;
       CREATE EVENT TRIGGER secure ON ddl_command_end EXECUTE FUNCTION auth.secure();
       CREATE TABLE spatial_ref_sys (srid int PRIMARY KEY);
       ALTER EXTENSION pgcrypto ADD TABLE spatial_ref_sys;
       ALTER DATABASE hosted SET search_path = "$user", public, extensions`,
    )
    const connections = await openDatabase(url, { max: 1, log })
    await connections.query("INSERT INTO account (id, name) VALUES (gen_random_uuid(), 'A')")
    const { rows } = await connections.query('SELECT name FROM account')
    expect(rows).toEqual([{ name: 'A' }])
    await connections.end()
  })

  test.each([
    'CREATE TABLE customers (id int)',
    'CREATE VIEW customers AS SELECT 1 AS id',
    'CREATE EXTENSION pg_buffercache; CREATE MATERIALIZED VIEW customers AS SELECT 1 AS id',
  ])('is not empty after %s', async (sql) => {
    await runSql(server.url, 'DROP DATABASE IF EXISTS not_empty')
    await runSql(server.url, 'CREATE DATABASE not_empty TEMPLATE template0')
    const url = databaseUrl(server.url, 'not_empty')
    await runSql(url, sql)
    await expect(openDatabase(url, { max: 1, log })).rejects.toThrow(
      "tables that are not the service's (customers): give the service its own database",
    )
  })

  test('is refused with what its owner must do, when the user may not create tables in it', async () => {
    await runSql(server.url, "CREATE ROLE guest LOGIN PASSWORD 'secret'")
    await runSql(server.url, 'CREATE DATABASE theirs TEMPLATE template0')
    const url = new URL(databaseUrl(server.url, 'theirs'))
    url.username = 'guest'
    url.password = 'secret'
    await expect(openDatabase(url.href, { max: 1, log })).rejects.toThrow(
      'GRANT USAGE, CREATE ON SCHEMA "public" TO "guest"',
    )
    await runSql(databaseUrl(server.url, 'theirs'), 'GRANT USAGE, CREATE ON SCHEMA "public" TO "guest"')
    await (await openDatabase(url.href, { max: 1, log })).end()
  })
})
