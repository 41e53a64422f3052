import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { openConnections } from '../../src/database/open.ts'
import { createAccount } from '../../src/domain/account/account.ts'
import { generateCodes } from '../../src/domain/generation/generation.ts'
import {
  beginFollowUp,
  checkIncarnation,
  readIncarnation,
  recordIncarnation,
} from '../../src/domain/rewind/incarnation.ts'
import {
  fill,
  newFormat,
  newPool,
  newSmallFormat,
  openBooks,
  poolNow,
  silent,
  type TestBooks,
} from '../support/books.ts'
import { runSql, testDatabase } from '../support/database.ts'
import { type Ended, Program } from '../support/process.ts'

async function restored({ databaseUrl }: { databaseUrl: string }, ...args: string[]): Promise<Ended> {
  return await new Program('src/cli/restored.ts', { args, environment: { DATABASE_URL: databaseUrl } }).ended
}

/** Makes the database another incarnation than the one that was known. */
async function change({ databaseUrl }: TestBooks): Promise<void> {
  await runSql(databaseUrl, `UPDATE incarnation SET identity = 'another'`)
}

describe('npm run restored', () => {
  it('changes nothing on a healthy database unless it is told twice', async () => {
    await using test = await openBooks()
    await recordIncarnation(test.books.connections, 'NOTHING_LOST')
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 1_000n)

    const refused = await restored(test, '--confirm')
    expect(refused).toMatchObject({ code: 2, stderr: '' })
    expect(refused.stdout).toMatch(
      /^Nothing shows that the database was restored since .*, so nothing is changed. With --anyway, this would be done:\n/,
    )
    expect(refused.stdout).not.toContain('Services are running')
    expect(refused.stdout).toContain('the 1,000 available codes of 1 pools are withdrawn')
    expect(refused.stdout).toContain('--anyway --confirm')
    expect((await poolNow(test, poolId)).withdrawn).toBe(0n)

    const done = await restored(test, '--confirm', '--anyway', '--margin', '7000')
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout).toContain('What this does:')
    expect(done.stdout).toMatch(/format ".*": 7,000 codes are given up/)
    expect(done.stdout).toContain('1 pools have no codes now')
    expect((await poolNow(test, poolId)).withdrawn).toBe(1_000n)
  })

  it('says which formats are used up, and that services are running', async () => {
    await using test = await openBooks()
    await newSmallFormat(test, 100)
    const { code, stdout } = await restored(test)
    expect(code).toBe(2)
    expect(stdout).toContain('What this would do:')
    expect(stdout).toMatch(/Formats that were created since are gone: .*another prefix/)
    expect(stdout).toMatch(/the format may generate them again/)
    expect(stdout).toMatch(/Webhooks .*rotate it once more/)
    expect(stdout).toContain('all 100 codes that it has left are given up: create another format')
    expect(stdout).toMatch(/Services are running on this database \(\d+ connections\)/)
  })

  it('does it without --anyway if the database was filled before incarnations were recorded', async () => {
    await using test = await openBooks()
    const { connections } = test.books
    const warned: string[] = []
    const log = pino({ level: 'warn' }, { write: (line) => warned.push(line) })
    await checkIncarnation(connections, log)
    await checkIncarnation(connections, log)
    expect(warned).toEqual([expect.stringContaining('npm run restored')])
    expect((await readIncarnation(connections)).kind).toBe('ADOPTED')
    const { code, stdout } = await restored(test, '--confirm')
    expect(stdout).toContain('had accounts already')
    expect(code).toBe(0)
    expect(await readIncarnation(connections)).toMatchObject({ kind: 'KNOWN', cause: 'REWOUND' })
  })

  it('needs --anyway if the service was there before the first account', async () => {
    await using empty = await testDatabase()
    const connections = openConnections(empty.url, { max: 1, log: silent })
    const warned: string[] = []
    await checkIncarnation(connections, pino({ level: 'warn' }, { write: (line) => warned.push(line) }))
    await createAccount(connections, 'Acme')
    expect(await readIncarnation(connections)).toMatchObject({ kind: 'KNOWN', cause: 'START' })
    expect(warned).toEqual([])
    await connections.end()
  })

  it('notes that nothing was lost, and changes nothing else', async () => {
    await using test = await openBooks()
    const { connections } = test.books
    await recordIncarnation(connections, 'START')
    await change(test)
    expect((await readIncarnation(connections)).kind).toBe('CHANGED')
    expect(await restored(test, '--nothing-lost')).toMatchObject({ code: 0, stderr: '' })
    expect(await readIncarnation(connections)).toMatchObject({ kind: 'KNOWN', cause: 'NOTHING_LOST' })
    const again = await restored(test, '--nothing-lost')
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to say') })
  })

  it('completes what was begun, with the margin that it was begun with', async () => {
    await using test = await openBooks()
    const { books, accountId } = test
    const formatId = await newFormat(test)
    await generateCodes(books, accountId, { poolId: await newPool(test), formatId, quantity: 5n })
    await beginFollowUp(books.connections, await readIncarnation(books.connections), 1_234n)
    for (const args of [['--margin', '99', '--confirm'], ['--nothing-lost']])
      expect(await restored(test, ...args)).toMatchObject({ code: 1, stdout: '' })
    const { code, stdout } = await restored(test, '--confirm')
    expect(code).toBe(0)
    expect(stdout).toContain('has not finished')
    expect(stdout).toContain('1,234 codes are given up')
  })

  it.each([
    ['--everything'],
    ['now'],
    ['--margin', '0'],
    ['--margin', '-5'],
    ['--margin', '1e6'],
    ['--margin', '9'.repeat(31)],
    ['--nothing-lost', '--confirm'],
  ])('ends with 2, and says why and what it can do, when it is asked for %s %s', async (...args) => {
    const { code, stdout, stderr } = await restored({ databaseUrl: 'postgres://me@127.0.0.1:9/db' }, ...args)
    expect(stderr).toMatch(/^(Unknown|Unexpected|Option|--)[^\n]*\.\n\nAfter a backup was restored/)
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it.each(['account', 'audit', 'distribute', 'restored', 'rewrap'])(
    'prints what it can do with --help, and ends with 0: %s',
    async (name) => {
      const { code, stdout, stderr } = await new Program(`src/cli/${name}.ts`, {
        args: ['--help'],
        environment: {},
      }).ended
      expect(stderr).toBe('')
      expect(stdout).toContain(`npm run ${name}`)
      expect(code).toBe(0)
    },
  )

  it('ends with 1 when the database has no tables', async () => {
    await using empty = await testDatabase({ empty: true })
    const { code, stderr } = await restored({ databaseUrl: empty.url }, '--confirm')
    expect(stderr).toContain('no tables')
    expect(code).toBe(1)
  })
})
