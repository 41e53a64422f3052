import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from '../../src/config.ts'
import { DatabaseUrlError, readDatabaseUrl } from '../../src/database/database-url.ts'

const authority = join(import.meta.dirname, '../support/tls/authority.pem')

describe('an address of a database', () => {
  test.each([
    ['postgres://user:secret@db.example:5433/codes', { host: 'db.example', port: 5433, database: 'codes' }],
    ['postgresql://user:secret@db.example/codes', { host: 'db.example', database: 'codes' }],
    ['POSTGRES://user:secret@db.example', { host: 'db.example' }],
    ['  postgres://user:secret@db.example/codes\n', { host: 'db.example', database: 'codes' }],
    ['postgres://user:secret@[2001:db8::7]:5433/codes', { host: '2001:db8::7', port: 5433 }],
    [
      'postgres://user:secret@/codes?host=/var/run/postgresql',
      { host: '/var/run/postgresql', database: 'codes' },
    ],
    [
      'postgres://user:secret@/codes?host=/cloudsql/project:region:name',
      { host: '/cloudsql/project:region:name' },
    ],
    [
      'postgres://user:secret@%2Fvar%2Frun%2Fpostgresql:5433/codes',
      { host: '/var/run/postgresql', port: 5433 },
    ],
    [
      'postgresql:///codes?host=db.example&port=5433&user=user&password=secret',
      { host: 'db.example', port: 5433 },
    ],
    ['postgresql://?dbname=codes&host=db.example&user=user&password=secret', { database: 'codes' }],
    ['postgres://user:secret@db.example/codes?application_name=shop', { application_name: 'shop' }],
    ['postgres://user:secret@db.example/codes?options=-c%20geqo%3Doff', { options: '-c geqo=off' }],
    ['postgres://user:secret@db.example/codes?connect_timeout=3', { connectionTimeoutMillis: 3_000 }],
    ['postgres://user:secret@db.example/my%20codes%2F%3F', { database: 'my codes/?' }],
    ['postgres://user:secret@db.example/codes?sslmode=disable', { ssl: false }],
    [
      'postgresql://user:secret@ep-cool-1.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require',
      { host: 'ep-cool-1.eu-central-1.aws.neon.tech', ssl: {}, enableChannelBinding: true },
    ],
    [
      'postgres://user:secret@db.example/codes?target_session_attrs=read-write&keepalives_idle=5',
      { database: 'codes' },
    ],
    ['postgres://user:secret@db.example:6543/postgres?pgbouncer=true&connection_limit=1', { port: 6543 }],
  ])('is read: %s', (url, expected) => {
    expect(readDatabaseUrl(url)).toMatchObject({ user: 'user', password: 'secret', ...expected })
  })

  test('may leave out what the environment says', () => {
    expect(readDatabaseUrl('postgres://')).toEqual({})
    expect(readDatabaseUrl('postgresql://localhost')).toEqual({ host: 'localhost' })
  })

  test('may have any character in its user and password, percent-encoded', () => {
    const password = ' @:/#?%[]&=+;é☃"\'\\'
    const user = 'me@server'
    const url = `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@db.example/codes`
    expect(readDatabaseUrl(url)).toMatchObject({ user, password, host: 'db.example' })
  })

  test('may have a colon and most punctuation in its password, unencoded', () => {
    const password = "a:b!c$d&e'f(g)h*i+j,k;l=m~n[o]p"
    expect(readDatabaseUrl(`postgres://user:${password}@db.example/codes`)).toMatchObject({ password })
  })

  test.each([
    ...['$ecret', '$Pa55_word', '$3CRET', '$ABC', '$', '[x]', '[hunter2]', '[]', '<3', '<x>', '{hunter}'],
    ...[`${'$'}{}`, `a${'$'}{PASSWORD}`, '$PASSWORD!', '<password', 'password', 'your_password'],
  ])('may have a password that only resembles a placeholder: %s', (password) => {
    expect(readDatabaseUrl(`postgres://user:${password}@db.example/codes`)).toMatchObject({ password })
  })

  test.each([
    ...[`${'$'}{PASSWORD}`, `${'$'}{pg_password}`, '$PASSWORD', '$DB_PASSWORD', '$PGPASSWORD', '$MY_TOKEN_2'],
    ...['<password>', '<your password>', '[YOUR-PASSWORD]', '[YOUR_DB_PASSWORD]', '[password]', '{password}'],
    ...['{{ password }}', '<db-host>', '<username>', '[database_name]'],
  ])('is refused with a placeholder left in it: %s', (placeholder) => {
    for (const [what, url] of [
      ['password', `postgres://user:${placeholder}@host/db`],
      ['password', `postgres://host/db?user=user&password=${placeholder}`],
      ['user', `postgres://${placeholder}:hunter2@host:5432/db`],
      ['user', `postgres://${placeholder}@host/db`],
      ['database', `postgres://user:hunter2@host/${placeholder}`],
      ['database', `postgres://user:hunter2@host/${placeholder}?sslmode=require`],
    ] as const) {
      const { problem } = failure(url)
      expect(problem).toContain(`looks like a placeholder where the ${what} belongs: put the ${what} there`)
      expect(problem).toContain(`if it is the ${what}, percent-encode it`)
      expect(problem).not.toContain('hunter2')
    }
    for (const url of [
      `postgres://user:hunter2@${placeholder}:5432/db`,
      `postgres://${placeholder}/db`,
      `postgres:///db?host=${placeholder}`,
    ])
      expect(failure(url).problem).toMatch(/neither a name nor an address, but looks like a placeholder/)
    const user = encodeURIComponent(placeholder)
    expect(readDatabaseUrl(`postgres://${user}:${user}@host/${user}`)).toMatchObject({
      user: placeholder,
      password: placeholder,
      database: placeholder,
    })
  })

  test.each(['@', '/', '#', '?', '%', ' '])('says what to do about a %j in the password', (character) => {
    for (const password of [
      `hun${character}ter2`,
      `${character}hunter2`,
      `12${character}hunter2`,
      `hunter2${character}`,
    ]) {
      for (const rest of ['db.example:5432/codes', 'db.example/codes?sslmode=require', 'db.example']) {
        const { problem } = failure(`postgres://user:${password}@${rest}`)
        expect(problem, password).toContain('must be percent-encoded')
        expect(problem, password).not.toMatch(/hunter2|ter2/)
      }
    }
  })

  test.each([
    ['mysql://user:hunter2@host/db', 'must be of the form postgres://user:password@host:port/database'],
    ['user:hunter2@host/db', 'must be of the form'],
    ['postgresql+psycopg2://user:hunter2@host/db', 'must be of the form'],
    ['"postgres://user:hunter2@host/db"', 'quotation mark'],
    ["psql 'postgres://user:hunter2@host/db'", 'leave out psql'],
    ['jdbc:postgresql://host/db?user=user&password=hunter2', 'leave out jdbc:'],
    ['host=localhost port=5432 dbname=db password=hunter2', 'keywords and values'],
    [
      'Server=host;Database=db;Port=5432;User Id=user;Password=hunter2;Ssl Mode=Require;',
      'keywords and values',
    ],
    ['postgresql://user:[YOUR-PASSWORD]@db.ref.supabase.co:5432/postgres', 'placeholder'],
    ['postgresql://user:<password>@host/db', 'placeholder'],
    [`postgresql://user:${'$'}{PASSWORD}@host/db`, 'placeholder'],
    ['postgres://user:hunter2@one:5432,two:5432/db?target_session_attrs=primary', 'several hosts'],
    ['postgres://user:hunter2@one,two/db', 'several hosts'],
    ['postgres://user:hunter2@/db?host=one,two', 'several hosts'],
    ['postgres://user:hunter2@host:0/db', 'port'],
    ['postgres://user:hunter2@host:65536/db', 'port'],
    ['postgres://user:hunter2@host:http/db', 'port'],
    ['postgres://user:hunter2@2001:db8::7/db', 'brackets'],
    ['postgres://user:hunter2@[host]/db', 'neither a name nor an address'],
    ['postgres://user:hunter2@<host>/db', 'neither a name nor an address'],
    ['postgres://user:hunter2@/var/run/postgresql/db', '?host=/folder'],
    ['postgres://user:hunter2@host/db?sslmode=allow', 'disable, prefer, require'],
    ['postgres://user:hunter2@host/db?sslmode=verify-ca&uselibpqcompat=true', 'sslrootcert=/path/to/ca.pem'],
    ['postgres://user:hunter2@host/db?sslmode=disable&sslnegotiation=direct', 'sslnegotiation=direct'],
    ['postgres://user:hunter2@host/db?target_session_attrs=standby', 'any, read-write, primary'],
    ['postgres://user:hunter2@host/db?client_encoding=LATIN1', 'UTF8'],
    ['postgres://user:hunter2@host/db?query_timeout=1', 'query_timeout, which the service does not know'],
    [
      'postgres://user:hunter2@host/db?sslrootcert=/no/such/file',
      "'/no/such/file', the file that sslrootcert names",
    ],
    ['postgres://user:hunter2@host/db?connect_timeout=soon', 'connect_timeout'],
    ['postgres://user:%ff@host/db', 'not UTF-8'],
    ['postgres://user:%00hunter2@host/db', 'character 0'],
  ])('is refused with a message that says what to do: %s', (url, says) => {
    const { problem, message } = failure(url)
    expect(problem).toContain(says)
    expect(problem).not.toContain('hunter2')
    expect(message).toBe(`DATABASE_URL ${problem}`)
  })

  test('is reported together with all other problems of the configuration', () => {
    const environment = { PORT: 'abc', DATABASE_URL: 'postgres://u:p@w@host/db', ROLE: 'boss' }
    expect(() => readConfig(environment)).toThrow(ConfigError)
    expect(() => readConfig(environment)).toThrow(/PORT .*DATABASE_URL has an @ .*percent-encoded.*ROLE /s)
  })
})

describe('the encryption that an address asks for', () => {
  const encryption = (query: string) => readDatabaseUrl(`postgres://host/db?${query}`).ssl
  const unchecked = { rejectUnauthorized: false }

  test.each(['prefer', 'require', 'verify-ca', 'verify-full'])(
    'checks the certificate with sslmode=%s',
    (mode) => {
      expect(encryption(`sslmode=${mode}`)).toEqual({})
      expect(encryption(`sslmode=${mode}&sslrootcert=${authority}`)).toEqual({
        ca: expect.stringContaining('BEGIN'),
      })
    },
  )

  test('does not verify the certificate with no-verify', () => {
    expect(encryption('sslmode=no-verify')).toEqual(unchecked)
    expect(encryption('ssl=no-verify')).toEqual(unchecked)
  })

  test('follows libpq with uselibpqcompat=true', () => {
    expect(encryption('uselibpqcompat=true&sslmode=prefer')).toEqual(unchecked)
    expect(encryption('uselibpqcompat=true&sslmode=require')).toEqual(unchecked)
    expect(encryption('uselibpqcompat=true&sslmode=verify-full')).toEqual({})
    for (const mode of ['require', 'verify-ca']) {
      expect(encryption(`uselibpqcompat=true&sslmode=${mode}&sslrootcert=${authority}`)).toEqual({
        ca: expect.stringContaining('BEGIN'),
        checkServerIdentity: expect.any(Function),
      })
    }
  })

  test('trusts the authorities of the machine with sslrootcert=system', () => {
    const ssl = encryption('sslmode=verify-full&sslrootcert=system')
    expect(ssl).toMatchObject({ ca: expect.arrayContaining([expect.stringContaining('BEGIN CERTIFICATE')]) })
  })

  test('is left to PGSSLMODE where the address says nothing', () => {
    expect(encryption('')).toBeUndefined()
  })

  test('has a minimum TLS version, where one is named', () => {
    expect(encryption('sslmode=require&ssl_min_protocol_version=TLSv1.3')).toEqual({ minVersion: 'TLSv1.3' })
  })
})

function failure(url: string): DatabaseUrlError {
  try {
    readDatabaseUrl(url)
  } catch (error) {
    if (error instanceof DatabaseUrlError) return error
    throw error
  }
  throw new Error(`${url} was accepted`)
}
