import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runSql, type TestDatabase, testDatabase } from '../support/database.ts'
import { faultsOf } from '../support/shapes.ts'
import { contains, literalsOf } from '../support/statements.ts'

// The statements of the service are checked at the end of each run, by global-setup.ts. These tests show that the check
// finds what a distributed database refuses, and that the tables can be distributed.

const tables = {
  byAccount: new Set(['pool', 'task', 'event', 'event_log']),
  local: new Set(['api_key', 'queue']),
  volatile: new Set(['clock_timestamp']),
  stable: new Set(['now', 'jsonb_build_object']),
}

describe('a statement in the sources', () => {
  it.each([
    ['with an escaped backslash', String.raw`'SELECT \\x00'`, String.raw`SELECT \x00`],
    ['with an escaped quote', String.raw`'SELECT \'a\''`, "SELECT 'a'"],
    ['with an escaped line break', String.raw`"SELECT\n1"`, 'SELECT\n1'],
    ['as a template', '`SELECT a, b FROM \\\\x00`', String.raw`SELECT a, b FROM \x00`],
  ])('is found by what it stands for: %s', (_, source, text) => {
    expect(literalsOf(source).some((literal) => contains(text, { where: '', ...literal }))).toBe(true)
  })
})

describe('a statement', () => {
  it.each([
    'SELECT id FROM pool WHERE account_id = $1',
    'SELECT id FROM pool WHERE account_id = ANY ($1::uuid[])',
    'SELECT task.id FROM task JOIN pool ON pool.account_id = task.account_id AND pool.id = pool_id WHERE task.account_id = $1',
    'SELECT event.at FROM event_log AS log JOIN event USING (account_id) WHERE event.account_id = $1',
    `SELECT found.* FROM unnest($2::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
       SELECT name FROM pool WHERE account_id = $1 AND id = wanted.id LIMIT 1) AS found`,
    'WITH own AS (SELECT id FROM pool WHERE account_id = $1) SELECT id FROM own',
    'INSERT INTO pool (account_id, id, name) SELECT $1, id, name FROM unnest($2::uuid[], $3::text[]) AS new (id, name)',
    'UPDATE task SET finished_at = $3 WHERE account_id = $1 AND id = $2 RETURNING id',
    'SELECT account_id FROM queue WHERE kind = $1',
    'SELECT name FROM account WHERE name = $1',
  ])('that names its account is right: %s', (text) => {
    expect(faultsOf(text, tables)).toEqual([])
  })

  it.each(
    Object.entries({
      'reads the rows of all accounts': [
        'SELECT id FROM pool WHERE id = $1',
        'pool is read for all accounts',
      ],
      'names the account in one part of a UNION': [
        'SELECT id FROM pool WHERE account_id = $1 UNION ALL SELECT id FROM task',
        'task is read for all accounts',
      ],
      'names the account in one of two conditions': [
        'SELECT id FROM pool WHERE account_id = $1 OR id = $2',
        'pool is read for all accounts',
      ],
      'names the account in a subquery alone': [
        'DELETE FROM task WHERE ctid = ANY (ARRAY(SELECT ctid FROM task WHERE account_id = $1 LIMIT 1))',
        'task is read for all accounts',
      ],
      'takes the account from outside of a subquery': [
        'SELECT id FROM task WHERE account_id = $1 AND EXISTS (SELECT FROM pool WHERE account_id = task.account_id)',
        'pool is read for all accounts',
      ],
      'inserts rows of accounts that it reads': [
        'INSERT INTO pool (account_id, id) SELECT gen, $1 FROM unnest($2::uuid[]) AS gen',
        'pool gets rows of several accounts',
      ],
      'joins what is on the coordinator': [
        'SELECT task.id FROM task JOIN queue ON queue.account_id = task.account_id WHERE task.account_id = $1',
        'joins a table of the coordinator with one of the nodes',
      ],
      'locks an account': ['SELECT 1 FROM account WHERE id = $1 FOR SHARE', 'locks a row of account'],
      'asks each node for the time': [
        'UPDATE task SET finished_at = clock_timestamp() WHERE account_id = $1',
        'clock_timestamp() in an UPDATE',
      ],
      'asks for the time conditionally': [
        'UPDATE task SET finished_at = coalesce(finished_at, now()) WHERE account_id = $1',
        'now() within CASE or COALESCE',
      ],
      'asks for the time in a conflict': [
        `INSERT INTO task (account_id, id) VALUES ($1, $2)
         ON CONFLICT (account_id, id) DO UPDATE SET finished_at = clock_timestamp()`,
        'clock_timestamp() in ON CONFLICT',
      ],
      'returns what depends on settings': [
        `UPDATE task SET added = 0 WHERE account_id = $1 RETURNING jsonb_build_object('id', id)`,
        'jsonb_build_object() in RETURNING',
      ],
      'returns a cast': [
        'UPDATE task SET added = 0 WHERE account_id = $1 RETURNING status::text',
        'a cast in RETURNING',
      ],
      'changes rows after a recursive part': [
        `WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3)
         INSERT INTO event (account_id, sequence) SELECT $1, i FROM n`,
        'changes rows in a statement with a recursive part',
      ],
    }),
  )('is found that %s', (_what, [text, fault]) => {
    expect(faultsOf(text ?? '', tables)).toEqual([expect.stringContaining(fault ?? '')])
  })
})

describe('the tables', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
  })
  afterAll(() => database.close())

  it('have foreign keys that change no other rows when a key changes', async () => {
    const cascading = await runSql(
      database.url,
      `SELECT conname FROM pg_constraint
       WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND confupdtype <> 'r'`,
    )
    expect(cascading).toEqual([])
  })

  it('have only unique keys that begin with the account, but for API keys, which are found without it', async () => {
    const others = await runSql<{ table: string }>(
      database.url,
      `SELECT DISTINCT relname AS table
       FROM pg_index JOIN pg_class ON pg_class.oid = indrelid JOIN pg_attribute ON attrelid = indrelid
       WHERE indisunique AND relnamespace = 'public'::regnamespace AND attname = 'account_id'
         AND pg_get_indexdef(indexrelid, 1, true) <> 'account_id'`,
    )
    expect(others).toEqual([{ table: 'api_key' }])
  })
})
