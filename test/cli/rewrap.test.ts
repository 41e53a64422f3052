import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { newFormat, openBooks } from '../support/books.ts'
import { runSql } from '../support/database.ts'
import { type Ended, MainProcess, Program } from '../support/process.ts'

const newKey = () => randomBytes(32).toString('base64')

async function program(file: string, environment: Record<string, string>, ...args: string[]): Promise<Ended> {
  return await new Program(file, { args, environment }).ended
}
const rewrap = (environment: Record<string, string>, ...args: string[]) =>
  program('src/cli/rewrap.ts', environment, ...args)

describe('npm run rewrap', () => {
  it('wraps keys, after which nothing starts without the master key', async () => {
    await using test = await openBooks()
    await newFormat(test)
    const database = { DATABASE_URL: test.databaseUrl }
    const [MASTER_KEY, other] = [newKey(), newKey()]

    expect(await rewrap(database)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/MASTER_KEY is not set.*openssl rand -base64 32/),
    })
    const wrapped = await rewrap({ ...database, MASTER_KEY })
    expect(wrapped).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining(': 1 more.') })
    expect(wrapped.stdout).not.toContain('PREVIOUS_MASTER_KEY')
    expect(await rewrap({ ...database, MASTER_KEY })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(': 0 more.'),
    })
    for (const wrong of [{}, { MASTER_KEY: other }]) {
      const ends = [
        await program('src/cli/audit.ts', { ...database, ...wrong }),
        await new MainProcess({ ...database, ...wrong }).ended,
      ]
      for (const { code, stderr } of ends) {
        expect(code).not.toBe(0)
        expect(stderr).toMatch(
          /^Secrets in the .* the master key ([\da-f]{16}), which .* Set MASTER_KEY to \1\./m,
        )
        expect(stderr).not.toMatch(/^\s+at /m)
        expect(stderr).not.toContain(other)
      }
    }
    const sound = await program('src/cli/audit.ts', { ...database, MASTER_KEY })
    expect(sound.stdout).toContain('The books are sound.')

    const rotated = await rewrap({ ...database, MASTER_KEY: other, PREVIOUS_MASTER_KEY: MASTER_KEY })
    expect(rotated).toMatchObject({ code: 0, stdout: expect.stringContaining(': 1 more.') })
    expect(rotated.stdout).toContain('PREVIOUS_MASTER_KEY is needed only for backups from before.')
    expect(await rewrap({ ...database, MASTER_KEY: other }, '--unwrap')).toMatchObject({ code: 1 })
    expect(await rewrap({ ...database, PREVIOUS_MASTER_KEY: other }, '--unwrap')).toMatchObject({ code: 0 })
    const rows = await runSql(test.databaseUrl, 'SELECT octet_length(key) AS bytes, wrapped_by FROM format')
    expect(rows).toEqual([{ bytes: 32, wrapped_by: null }])
  })

  it('says what it can do when it is asked for something else', async () => {
    const { code, stderr } = await rewrap({}, '--everything')
    expect(stderr).toMatch(/^Unknown option '--everything'\.\n/)
    expect(stderr).toContain('npm run rewrap')
    expect(code).toBe(2)
  })
})
