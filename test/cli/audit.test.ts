import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findEmbeddedServer, startEmbeddedServer } from '../../src/database/embedded/server.ts'
import { silent } from '../support/books.ts'
import { runSql, testDatabase } from '../support/database.ts'
import { type Ended, Program } from '../support/process.ts'
import { startService } from '../support/service.ts'
import { makeSoundBooks, type SoundBooks } from '../support/sound-books.ts'
import { temporaryFolder } from '../support/temporary.ts'

let books: SoundBooks
beforeAll(async () => {
  books = await makeSoundBooks()
})
afterAll(() => books.database.close())

async function audit(environment: Record<string, string>, ...args: string[]): Promise<Ended> {
  return await new Program('src/cli/audit.ts', { args, environment }).ended
}

describe('npm run audit', () => {
  it('says of sound books that they are sound and how many rows it checked, and ends with 0', async () => {
    const { code, stdout, stderr } = await audit({ DATABASE_URL: books.database.url })
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^Rows checked in .*: account 2, .* claim 9, .*\nThe books are sound\.\n$/)
    expect(code).toBe(0)
  })

  it('prints a line for each finding, at most twenty of a kind, and ends with 1', async () => {
    const { accountId, poolId, database: damaged } = await makeSoundBooks()
    await using database = damaged
    await runSql(
      database.url,
      `UPDATE account SET name = 'Acme' WHERE id = '${accountId}';
       UPDATE pool SET claimed = 11 WHERE id = '${poolId}';
       UPDATE idempotency SET key = E'two\\nlines', first = 5 WHERE key = 'claim';
       INSERT INTO claim SELECT '${accountId}', gen_random_uuid(), 0, 1, NULL, now(), 1 FROM generate_series(1, 30)`,
    )
    const { code, stdout, stderr } = await audit({ DATABASE_URL: database.url })
    expect(stderr).toBe('')
    const lines = stdout.split('\n')
    expect(lines).toContain(
      `pool-counters: account ${accountId} "Acme": pool ${poolId} counts 11 codes claimed, and its claims end at 10`,
    )
    expect(lines).toContain(
      `idempotency-key: account ${accountId} "Acme": key "two?lines" of claimCodes: pool ${poolId} has no claim at 5`,
    )
    expect(lines.filter((line) => line.startsWith('claim-reference: '))).toHaveLength(20)
    expect(stdout).toContain('The books are NOT sound')
    expect(stdout).toContain(
      '\n    Codes may be handed out twice, or not at all. Archive the pool (archivePool)',
    )
    expect(stdout).toMatch(/change nothing by hand.*\n$/)
    expect(stdout).toContain('(30 found, 20 of them above)')
    expect(code).toBe(1)
  })

  it('finds the embedded database of a service by DATA_DIR, whether it runs or not', async () => {
    await using folder = await temporaryFolder()
    const environment = { DATA_DIR: join(folder.path, 'data') }
    {
      await using opened = new AsyncDisposableStack()
      const server = await startEmbeddedServer({ dataDir: environment.DATA_DIR, log: silent })
      opened.defer(() => server.close())
      opened.use(await startService({ databaseUrl: server.url, embedded: true }))
      const running = await audit(environment)
      expect(running.code, running.stderr).toBe(0)
      expect(running.stdout).toContain('The books are sound.')
    }

    // It starts it alone, and stops it.
    for (const { code, stdout, stderr } of [await audit(environment), await audit(environment)]) {
      expect(stderr).toBe('')
      expect(stdout).toContain('The books are sound.')
      expect(code).toBe(0)
    }
    expect(await findEmbeddedServer({ dataDir: environment.DATA_DIR })).toBeUndefined()
  })

  it.each([
    ['there is no database', {}, 'There is no database in'],
    [
      'the database cannot be reached',
      { DATABASE_URL: 'postgres://me:hidden@127.0.0.1:9/db' },
      '127.0.0.1:9',
    ],
    ['the configuration is wrong', { DATABASE_URL: 'mysql://x' }, 'DATABASE_URL'],
  ])('ends with 2 and one clear message when %s', async (_what, environment, says) => {
    await using folder = await temporaryFolder()
    const { code, stdout, stderr } = await audit({ DATA_DIR: folder.path, ...environment })
    expect(stderr).toContain(says)
    expect(stderr).not.toMatch(/^\s+at |hidden/m)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it('ends with 2 when the database has no tables', async () => {
    await using empty = await testDatabase({ empty: true })
    const { code, stderr } = await audit({ DATABASE_URL: empty.url })
    expect(stderr).toContain('start the service once')
    expect(code).toBe(2)
  })

  it('says that the database was restored while that has not been followed up, and ends with 1', async () => {
    await using database = await testDatabase()
    const insert = `INSERT INTO incarnation (id, identity, cause, begun_at, ended_at)
      VALUES (gen_random_uuid(), 'another', 'START', now(), now())`
    await runSql(database.url, insert)
    const { code, stdout, stderr } = await audit({ DATABASE_URL: database.url })
    expect(stderr).toBe('')
    expect(stdout).toMatch(
      /^Rows checked .*\nThe database was restored from a backup.*run npm run restored\.\n$/,
    )
    expect(code).toBe(1)
  })

  it('accepts no arguments, and prints its usage', async () => {
    const { code, stderr } = await audit({ DATABASE_URL: books.database.url }, '--repair')
    expect(stderr).toMatch(/^Unknown option '--repair'\.\n\nChecks .*\n\n {2}npm run audit\n/)
    expect(code).toBe(2)
  })
})
