import { BlockList } from 'node:net'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from '../src/config.ts'
import { Keyring } from '../src/keys/keyring.ts'

describe('the configuration', () => {
  test('needs nothing to be set', () => {
    expect(readConfig({})).toEqual({
      port: 4000,
      host: '127.0.0.1',
      databaseUrl: undefined,
      dataDir: resolve('.data'),
      bootstrapApiKey: undefined,
      keyring: new Keyring(),
      role: 'all',
      eventRetentionDays: 30,
      rejectedRowsRetentionDays: 30,
      failedLookUpsPerMinute: 100,
      maxRedemptionAgeDays: 7,
      maxUploadBytes: 1_073_741_824,
      webhookAllowedNetworks: new BlockList(),
    })
  })

  test('is read from the environment', () => {
    const key = 'k'.repeat(32)
    const environment = {
      PORT: '0',
      HOST: '::',
      DATABASE_URL: 'postgresql://user:secret@db.example/codes?sslmode=verify-full',
      DATA_DIR: '/srv/codes',
      BOOTSTRAP_API_KEY: key,
      ROLE: 'worker',
      EVENT_RETENTION_DAYS: '7',
      REJECTED_ROWS_RETENTION_DAYS: '8',
      FAILED_LOOKUPS_PER_MINUTE: '7',
      MAX_REDEMPTION_AGE_DAYS: '90',
      MAX_UPLOAD_BYTES: '5000000000',
      WEBHOOK_ALLOWED_NETWORKS: '10.0.0.0/8,fd00::/8',
    }
    expect(readConfig(environment)).toEqual({
      port: 0,
      host: '::',
      databaseUrl: environment.DATABASE_URL,
      dataDir: '/srv/codes',
      bootstrapApiKey: key,
      keyring: expect.any(Keyring),
      role: 'worker',
      eventRetentionDays: 7,
      rejectedRowsRetentionDays: 8,
      failedLookUpsPerMinute: 7,
      maxRedemptionAgeDays: 90,
      maxUploadBytes: 5_000_000_000,
      webhookAllowedNetworks: expect.any(BlockList),
    })
  })

  test('treats an empty variable as unset', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '', BOOTSTRAP_API_KEY: '' })).toEqual(readConfig({}))
  })

  test('reports every problem at once', () => {
    const environment = {
      PORT: '80a',
      HOST: 'not a host',
      DATABASE_URL: 'mysql://user@host/db',
      BOOTSTRAP_API_KEY: 'short',
      MASTER_KEY: 'short',
      PREVIOUS_MASTER_KEY: 'a password',
      ROLE: 'boss',
      EVENT_RETENTION_DAYS: '0',
      REJECTED_ROWS_RETENTION_DAYS: '36501',
      FAILED_LOOKUPS_PER_MINUTE: 'many',
      MAX_REDEMPTION_AGE_DAYS: 'a week',
      MAX_UPLOAD_BYTES: 'much',
      WEBHOOK_ALLOWED_NETWORKS: 'home',
    }
    const error = problemsOf(environment)
    expect(error.problems.map((problem) => problem.split(' ')[0])).toEqual(Object.keys(environment))
    for (const problem of error.problems) expect(error.message).toContain(problem)
  })

  test.each(['-1', '65536', '00004000', '1.5', '0x50', ' 80', '1e3', '٤٠'])('refuses the port %j', (PORT) => {
    expect(problemsOf({ PORT }).problems).toEqual([expect.stringContaining('PORT')])
  })

  test('reads other numbers with leading zeros, but not more digits than the maximum has', () => {
    expect(readConfig({ PORT: '04000', EVENT_RETENTION_DAYS: '007' })).toMatchObject({
      port: 4_000,
      eventRetentionDays: 7,
    })
    expect(problemsOf({ EVENT_RETENTION_DAYS: '000007' }).problems).toHaveLength(1)
  })

  test.each(['0', '007', '-1', '1.5', '1e9', '1 GB', '1099511627777', '99999999999999999999'])(
    'refuses %j as the maximum size of an upload',
    (MAX_UPLOAD_BYTES) => {
      expect(problemsOf({ MAX_UPLOAD_BYTES }).problems).toEqual([expect.stringContaining('MAX_UPLOAD_BYTES')])
    },
  )

  test('lets an upload have up to a tebibyte', () => {
    expect(readConfig({ MAX_UPLOAD_BYTES: '1099511627776' }).maxUploadBytes).toBe(2 ** 40)
    expect(readConfig({ MAX_UPLOAD_BYTES: '1' }).maxUploadBytes).toBe(1)
  })

  test('lets webhooks lead to the networks that are named, and to no others that are not public', () => {
    const none = readConfig({}).webhookAllowedNetworks
    expect(none.check('10.1.2.3')).toBe(false)
    const networks = readConfig({
      WEBHOOK_ALLOWED_NETWORKS: '10.1.0.0/16, fd00::/8,127.0.0.1/32',
    }).webhookAllowedNetworks
    expect(networks.check('10.1.2.3')).toBe(true)
    expect(networks.check('10.2.0.0')).toBe(false)
    expect(networks.check('fd12::1', 'ipv6')).toBe(true)
    expect(networks.check('127.0.0.1')).toBe(true)
    expect(networks.check('127.0.0.2')).toBe(false)
  })

  test.each([
    '10.0.0.0',
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0/8',
    'receiver.example/32',
    '10.0.0.0/8,',
    '/8',
    '*',
  ])('refuses %j as networks that webhooks may lead to', (WEBHOOK_ALLOWED_NETWORKS) => {
    expect(problemsOf({ WEBHOOK_ALLOWED_NETWORKS }).problems).toEqual([
      expect.stringContaining('WEBHOOK_ALLOWED_NETWORKS'),
    ])
  })

  test.each(['localhost', '0.0.0.0', '::1', 'api.example.com', 'web-1'])('listens on the host %j', (HOST) => {
    expect(readConfig({ HOST }).host).toBe(HOST)
  })

  test.each(['256.0.0.1', '1.2.3', '-a', 'a..b', 'http://localhost', 'a:80'])(
    'refuses the host %j',
    (HOST) => {
      expect(problemsOf({ HOST }).problems).toEqual([expect.stringContaining('HOST')])
    },
  )

  test('accepts the URL of a server that listens on a socket', () => {
    const DATABASE_URL = 'postgresql:///codes?host=/var/run/postgresql'
    expect(readConfig({ DATABASE_URL }).databaseUrl).toBe(DATABASE_URL)
  })

  test.each([
    ['has a character that no header can carry', `${'k'.repeat(32)}\n`],
    ['has a space', `${'k'.repeat(32)} k`],
    ['is not ASCII', 'ä'.repeat(32)],
    ['is one character short', 'k'.repeat(31)],
  ])('refuses an API key that %s', (_, BOOTSTRAP_API_KEY) => {
    expect(problemsOf({ BOOTSTRAP_API_KEY }).problems).toEqual([expect.stringContaining('BOOTSTRAP_API_KEY')])
  })

  test.each(['api', 'worker'])(
    'refuses the role %j without a database that several processes can share',
    (ROLE) => {
      expect(problemsOf({ ROLE }).problems).toEqual([expect.stringContaining('DATABASE_URL')])
      expect(readConfig({ ROLE, DATABASE_URL: 'postgres://db' }).role).toBe(ROLE)
    },
  )

  test.each(['0', '1', '1000000'])('limits failed look-ups to %j a minute', (text) => {
    expect(readConfig({ FAILED_LOOKUPS_PER_MINUTE: text }).failedLookUpsPerMinute).toBe(Number(text))
  })

  test.each(['-1', '1000001', '00000100', '1.5', '1e3', ' 1', 'none', '٤٠'])(
    'refuses %j look-ups a minute',
    (text) => {
      const problems = [expect.stringMatching(/^FAILED_LOOKUPS_PER_MINUTE .*from 0.*1000000/)]
      expect(problemsOf({ FAILED_LOOKUPS_PER_MINUTE: text }).problems).toEqual(problems)
    },
  )

  test('does not repeat secrets in what it reports', () => {
    const error = problemsOf({ DATABASE_URL: 'mysql://user:hunter2@host', BOOTSTRAP_API_KEY: 'hunter2' })
    expect(error.message).not.toContain('hunter2')
  })
})

function problemsOf(environment: Record<string, string>): ConfigError {
  try {
    readConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the configuration was accepted')
}
