import pg from 'pg'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { CommitUnansweredError, DatabaseUnavailableError } from '../src/database/errors.ts'
import { describeError, openLog, withDescribedErrors } from '../src/log.ts'

/** The lines that `use` writes to a log. */
function lines(use: (log: pino.Logger) => void): string[] {
  const written: string[] = []
  use(openLog({ base: null }, { write: (line) => void written.push(line) }))
  return written
}

const secrets = [
  'hunter2',
  'pk_bFLuzR3zBW4yN57RzGBdjfpQhWg3LubokymSI4Me65w',
  'SELECT',
  'parameter-of-a-statement',
]

/** An error like those of `pg`, with all its properties. */
function connectionError(message: string): Error {
  const client = new pg.Client('postgres://promo:hunter2@db.example/promo')
  return Object.assign(new Error(message), {
    code: '57P01',
    client,
    connection: client,
    query: { text: 'SELECT 1', values: ['parameter-of-a-statement'] },
    detail: 'Key (name)=(parameter-of-a-statement) already exists.',
    hash: 'pk_bFLuzR3zBW4yN57RzGBdjfpQhWg3LubokymSI4Me65w',
  })
}

test('an error is logged with its type, message, code, stack and causes', () => {
  const error = new CommitUnansweredError(connectionError('terminating connection'))
  const [line = ''] = lines((log) => log.warn({ err: error }, 'lost'))
  expect(JSON.parse(line)).toEqual({
    level: 40,
    time: expect.any(Number),
    msg: 'lost',
    err: {
      type: 'CommitUnansweredError',
      message: 'The connection to the database was lost during a commit.',
      stack: expect.stringMatching(/^ +at /),
      cause: {
        type: 'Error',
        message: 'terminating connection',
        code: '57P01',
        stack: expect.stringMatching(/^ +at /),
      },
    },
  })
})

test('no other property of an error is logged, at any depth', () => {
  const inner = connectionError('lost')
  const errors = [
    inner,
    new DatabaseUnavailableError(inner),
    new AggregateError([inner, new DatabaseUnavailableError(inner)], 'all of them'),
    new Error('outer', { cause: new AggregateError([new Error('middle', { cause: inner })]) }),
    { password: 'hunter2', client: inner },
  ]
  for (const error of errors)
    for (const line of lines((log) => log.error({ err: error }, 'failed')))
      for (const secret of secrets) expect(line).not.toContain(secret)
})

test.each([
  'cannot connect to postgres://promo:hunter2@db.example:5432/promo',
  'cannot connect to postgresql://promo:p@hunter2@db.example/promo?sslmode=require',
  'Invalid URL: postgres://promo:hunter2/x@db.example/promo',
  'connection failed: host=db.example user=promo password=hunter2 dbname=promo',
  'https://db.example/?user=x&password=hunter2&y=z',
  '{"user":"promo","password":"hunter2"}',
  "{ password: 'hunter2' }",
  'secret: hunter2',
  'Authorization: Bearer hunter2',
  'the header authorization was "bearer hunter2"',
  'api_key=hunter2',
  'the key pk_hunter2hunter2hunter2 is not known',
  'the session ps_hunter2hunter2hunter2 is not known',
  'Cookie: theme=dark; sid=hunter2; lang=de',
  "{ 'set-cookie': 'session=hunter2; HttpOnly' }",
  '["Host","promo.example","Cookie","a=b; session=hunter2"]',
])('a secret in a message is not told: %s', (message) => {
  const error = new Error('outer', { cause: new Error(message) })
  for (const line of lines((log) => log.error({ err: error }, 'failed')))
    expect(line).not.toContain('hunter2')
})

test.each([
  'password authentication failed for user "promo"',
  'duplicate key value violates unique constraint "api_key_hash_key"',
  'connect ECONNREFUSED 127.0.0.1:5432',
  'The authorization is not of the form "Bearer <key>".',
  'the cookie is too long',
])('what is no secret stays: %s', (message) => {
  expect(describeError(new Error(message)).message).toBe(message)
})

test('the length of a line is limited, whatever an error contains', () => {
  const long = 'x'.repeat(1_000_000)
  let deep = new Error(long)
  for (let i = 0; i < 1_000; i++) deep = new Error(long, { cause: deep })
  const circle = new Error(long)
  circle.cause = new AggregateError(Array(1_000).fill(circle), long)
  const odd = Object.assign(new Error(long), {
    name: long,
    code: long,
    stack: `${long}\n    at ${long}`.repeat(9),
  })
  for (const error of [deep, circle, odd, new AggregateError(Array(1_000).fill(deep), long), long])
    for (const line of lines((log) => log.error({ err: error }, 'failed')))
      expect(line.length).toBeLessThan(16_000)
})

test.each([undefined, null, 0, 'words', Symbol('s'), {}, [], Object.create(null), () => 'x'])(
  'anything that is thrown can be logged',
  (thrown) => {
    expect(describeError(thrown)).toEqual({ type: typeof thrown, message: expect.any(String) })
  },
)

test('another log can describe errors in the same way', () => {
  const written: string[] = []
  const log = withDescribedErrors(pino({}, { write: (line: string) => void written.push(line) }))
  log.error({ err: connectionError('lost') }, 'failed')
  log.child({ part: 'a part' }).error({ err: connectionError('lost') }, 'failed')
  expect(written).toHaveLength(2)
  for (const line of written) for (const secret of secrets) expect(line).not.toContain(secret)
})
