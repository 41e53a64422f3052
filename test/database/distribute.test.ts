import pg from 'pg'
import { pino } from 'pino'
import { describe, expect, inject, it } from 'vitest'
import { type Distribution, distribute } from '../../src/database/distribute.ts'
import { isUnavailable } from '../../src/database/errors.ts'
import {
  applyMigrations,
  type Migration,
  migrationsFolder,
  readMigrations,
} from '../../src/database/migrations.ts'
import { openDatabase } from '../../src/database/open.ts'
import { auditBooks } from '../../src/domain/audit/audit.ts'
import { Claims } from '../../src/domain/claim/claim.ts'
import { fill, newFormat, newPool, openBooks, poolNow } from '../support/books.ts'
import {
  databaseUrl,
  isDistributed,
  runSql,
  testDatabase,
  undistributedDatabase,
} from '../support/database.ts'
import { MainProcess, Program } from '../support/process.ts'

const log = pino({ level: 'silent' })

it('A database without the extension is not distributed, and the error says how to get it', async () => {
  await using database = await testDatabase({ empty: true })
  const { code, stderr } = await new Program('src/cli/distribute.ts', {
    environment: { DATABASE_URL: database.url },
  }).ended
  expect(stderr).toMatch(
    /^The database does not have the extension citus\. Install Citus .*CREATE EXTENSION citus/,
  )
  expect(code).toBe(1)
  expect(await runSql(database.url, `SELECT to_regclass('account') AS account`)).toEqual([{ account: null }])
})

it("The service's own PostgreSQL is not distributed", async () => {
  const { code, stderr } = await new Program('src/cli/distribute.ts', { environment: {} }).ended
  expect(stderr).toContain('name the database to distribute in DATABASE_URL')
  expect(code).toBe(1)
})

it.each([
  ['could not commit transaction for shard 102083 on at least one active node', true],
  ['terminating connection due to unexpected postmaster exit', true],
  ['unrecognized node type: 7', false],
])('An internal error that says "%s" means that the database is unavailable: %s', (message, expected) => {
  expect(isUnavailable(Object.assign(new Error(message), { code: 'XX000' }))).toBe(expected)
})

// They need a server with nodes: TEST_DATABASE_URL.
describe.skipIf(!isDistributed())('npm run distribute', () => {
  it('divides an empty database, says so when it is run again, and the service starts on it', async () => {
    await using database = await undistributedDatabase()
    const run = async () =>
      (await new Program('src/cli/distribute.ts', { environment: { DATABASE_URL: database.url } }).ended)
        .stdout
    expect(await run()).toMatch(
      /^Distributed \d+ tables in .*account +on every node +0 rows.*claim +by account +0 rows/s,
    )
    expect(await run()).toMatch(/^All tables had been distributed already/)
    await using service = new MainProcess({ DATABASE_URL: database.url })
    await service.ready()
  })

  it('divides a database that has been used, loses nothing, and the story goes on', async () => {
    await using database = await undistributedDatabase()
    const before = await filled(database.url)
    const { placed, nodes }: Distribution = await distribute(database.url, log)
    expect(placed.find(({ name }) => name === 'claim')).toMatchObject({
      placement: 'BY_ACCOUNT',
      rows: BigInt(before.length),
    })
    expect(nodes.reduce((sum, { accounts }) => sum + accounts, 0n)).toBe(BigInt(before.length))
    for (const { accountId, poolId } of before) {
      await using place = await openBooks({ databaseUrl: database.url })
      const own = { books: place.books, accountId }
      expect(await poolNow(own, poolId)).toMatchObject({ claimed: 3n, total: 10n })
      expect((await new Claims(place.books).claim(accountId, { poolId, count: 7 })).codes).toHaveLength(7)
    }
    expect(await findings(database.url)).toEqual([])
  })

  it('refuses while the service runs', async () => {
    await using database = await undistributedDatabase()
    const connections = await openDatabase(database.url, { max: 1, log })
    await connections.query('SELECT 1')
    await expect(distribute(database.url, log)).rejects.toThrow(
      /^The service still runs: it has 1 connections .* Stop all its processes/,
    )
    await connections.end()
    expect((await distribute(database.url, log)).placed.length).toBeGreaterThan(20)
  })

  it('is what the service asks for where a node lacks settings, and a node itself is refused', async () => {
    await using database = await testDatabase()
    const name = new URL(database.url).pathname.slice(1)
    await runSql(database.url, `ALTER ROLE CURRENT_USER IN DATABASE ${name} SET lock_timeout = '7s'`)
    await expect(openDatabase(database.url, { max: 1, log })).rejects.toThrow(
      /does not have lock_timeout at 5000\. Run: npm run distribute/,
    )
    await distribute(database.url, log)
    await (await openDatabase(database.url, { max: 1, log })).end()
    const node = databaseUrl(inject('nodeUrls')[1] ?? '', name)
    await expect(openDatabase(node, { max: 1, log })).rejects.toThrow(/is a worker of a distributed database/)
  })

  it('refuses while somebody uses a table', async () => {
    await using database = await undistributedDatabase()
    await applyMigrations(database.url, log)
    const holder = new pg.Client(database.url)
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query('SELECT FROM claim')
    await expect(distribute(database.url, log)).rejects.toThrow(/^Somebody uses the tables/)
    await holder.end()
  })

  it('has distributed nothing when it is killed in the middle', async () => {
    await using database = await undistributedDatabase()
    await filled(database.url)
    await using program = new Program('src/cli/distribute.ts', {
      environment: { DATABASE_URL: database.url },
    })
    const session = (query: string) =>
      runSql(
        database.url,
        `SELECT FROM pg_stat_activity WHERE datname = current_database()
           AND application_name = 'promo-codes distribute' AND query LIKE '${query}'`,
      )
    await expect.poll(() => session('SELECT create_distributed_table%'), { interval: 5 }).toHaveLength(1)
    await program.end('SIGKILL')
    await expect.poll(() => session('%')).toEqual([])
    expect(await runSql(database.url, 'SELECT count(*) AS count FROM citus_tables')).toEqual([{ count: '0' }])
    expect(await findings(database.url)).toEqual([])
  })

  it('has been done for a table that a later migration adds', async () => {
    await using database = await testDatabase()
    const known: Migration[] = await readMigrations(migrationsFolder)
    const sql = `
      CREATE TABLE letter (account_id UUID NOT NULL, id UUID NOT NULL, pool_id UUID NOT NULL, PRIMARY KEY (account_id, id));
-- AddForeignKey
      ALTER TABLE letter ADD CONSTRAINT letter_pool_fkey FOREIGN KEY (account_id, pool_id)
        REFERENCES pool (account_id, id) ON DELETE RESTRICT ON UPDATE RESTRICT;`
    await applyMigrations(database.url, log, [
      ...known,
      { name: '30000101000000_letters', sql, checksum: 'x' },
    ])
    expect(
      await runSql(
        database.url,
        `SELECT citus_table_type AS type FROM citus_tables WHERE table_name = 'letter'::regclass`,
      ),
    ).toEqual([{ type: 'distributed' }])
  })

  it('lets a later migration change a table in several steps', async () => {
    await using database = await testDatabase()
    const known: Migration[] = await readMigrations(migrationsFolder)
    const sql = `
-- AlterTable
ALTER TABLE idempotency DROP CONSTRAINT idempotency_pkey;

-- AlterTable
ALTER TABLE idempotency ADD CONSTRAINT idempotency_pkey PRIMARY KEY (account_id, at, key, operation);`
    await applyMigrations(database.url, log, [...known, { name: '30000101000000_keys', sql, checksum: 'x' }])
    expect(
      await runSql(
        database.url,
        `SELECT pg_get_constraintdef(oid) AS is FROM pg_constraint WHERE conname = 'idempotency_pkey'`,
      ),
    ).toEqual([{ is: 'PRIMARY KEY (account_id, at, key, operation)' }])
  })
})

/** Accounts with a pool each, of which three of ten codes are claimed. */
async function filled(url: string): Promise<{ accountId: string; poolId: string }[]> {
  const connections = await openDatabase(url, { max: 1, log })
  await connections.end()
  const places: { accountId: string; poolId: string }[] = []
  for (let i = 0; i < 4; i++) {
    await using place = await openBooks({ databaseUrl: url })
    const poolId = await newPool(place)
    await fill(place, poolId, await newFormat(place), 10n)
    await new Claims(place.books).claim(place.accountId, { poolId, count: 3 })
    places.push({ accountId: place.accountId, poolId })
  }
  return places
}

async function findings(url: string): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  const found: string[] = []
  await auditBooks(pool, ({ what }) => found.push(what))
  await pool.end()
  return found
}
