import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConfigError, readConfig } from '../src/config.ts'
import { Keyring } from '../src/keys/keyring.ts'
import { Networks } from '../src/outgoing/networks.ts'
import { temporaryFolder } from './support/temporary.ts'

describe('the configuration', () => {
  test('needs nothing to be set', () => {
    expect(readConfig({})).toEqual({
      port: 4000,
      host: '127.0.0.1',
      metricsPort: undefined,
      metricsHost: '127.0.0.1',
      logLevel: 'info',
      keepAliveSeconds: 75,
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
      webhookAllowedNetworks: Networks.none,
    })
  })

  test('is read from the environment', () => {
    const key = 'k'.repeat(32)
    const environment = {
      PORT: '0',
      HOST: '::',
      METRICS_PORT: '9464',
      METRICS_HOST: '10.0.0.5',
      LOG_LEVEL: 'debug',
      KEEP_ALIVE_SECONDS: '620',
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
      metricsPort: 9464,
      metricsHost: '10.0.0.5',
      logLevel: 'debug',
      keepAliveSeconds: 620,
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
      webhookAllowedNetworks: expect.any(Networks),
    })
  })

  test('treats an empty variable as unset', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '', BOOTSTRAP_API_KEY: '' })).toEqual(readConfig({}))
  })

  test('reports every problem at once', () => {
    const environment = {
      PORT: '80a',
      HOST: 'not a host',
      METRICS_PORT: '65536',
      METRICS_HOST: 'not a host',
      LOG_LEVEL: 'loud',
      KEEP_ALIVE_SECONDS: '4',
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

  test('refuses one port for the service and its metrics, unless the system chooses both', () => {
    expect(problemsOf({ PORT: '8080', METRICS_PORT: '8080' }).problems).toEqual([
      'METRICS_PORT must be another port than PORT, but both are 8080',
    ])
    expect(readConfig({ PORT: '0', METRICS_PORT: '0' }).metricsPort).toBe(0)
  })

  test('serves the metrics where the service is, unless it is told otherwise', () => {
    expect(readConfig({ HOST: '0.0.0.0' }).metricsHost).toBe('0.0.0.0')
    expect(readConfig({ HOST: '0.0.0.0', METRICS_HOST: '127.0.0.1' }).metricsHost).toBe('127.0.0.1')
  })

  test.each(['INFO', 'verbose', '30', 'debug ', ' '])('refuses the level %j of the log', (LOG_LEVEL) => {
    expect(problemsOf({ LOG_LEVEL }).problems).toEqual([
      expect.stringContaining('LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent'),
    ])
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
    expect(readConfig({}).webhookAllowedNetworks.cover('10.1.2.3')).toBe(false)
    const { webhookAllowedNetworks } = readConfig({
      WEBHOOK_ALLOWED_NETWORKS: '10.1.0.0/16, fd00::/8,127.0.0.1',
    })
    const covered = ['10.1.2.3', 'fd12::1', '127.0.0.1'].filter((each) => webhookAllowedNetworks.cover(each))
    expect(covered).toEqual(['10.1.2.3', 'fd12::1', '127.0.0.1'])
    const others = ['10.2.0.0', '127.0.0.2', 'fe80::1'].filter((each) => webhookAllowedNetworks.cover(each))
    expect(others).toEqual([])
  })

  test.each(['10.0.0.0/33', 'fd00::/129', '10.0.0/8', 'receiver.example/32', '10.0.0.0/8,', '/8', '*'])(
    'refuses %j as networks that webhooks may lead to',
    (WEBHOOK_ALLOWED_NETWORKS) => {
      expect(problemsOf({ WEBHOOK_ALLOWED_NETWORKS }).problems).toEqual([
        expect.stringContaining('WEBHOOK_ALLOWED_NETWORKS'),
      ])
    },
  )

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

  test('has traces only with an endpoint to send them to, and may turn them off all the same', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }
    expect(readConfig({ OTEL_TRACES_SAMPLER: 'whatever another program reads' }).tracing).toBeUndefined()
    expect(readConfig({ ...endpoint, OTEL_SDK_DISABLED: 'true' }).tracing).toBeUndefined()
    expect(readConfig({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }).tracing).toBeUndefined()
    expect(readConfig(endpoint).tracing).toEqual({
      protocol: 'http/protobuf',
      sampler: 'parentbased_always_on',
      samplingRatio: 1,
      maxQueueSize: 2_048,
      maxExportBatchSize: 512,
      scheduledDelayMillis: 5_000,
      exportTimeoutMillis: 30_000,
    })
    const environment = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector.example/v1/traces',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '.05',
      OTEL_BSP_MAX_QUEUE_SIZE: '10000',
    }
    expect(readConfig(environment).tracing).toMatchObject({
      protocol: 'http/json',
      sampler: 'parentbased_traceidratio',
      samplingRatio: 0.05,
      maxQueueSize: 10_000,
    })
  })

  test.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'grpc://collector:4317'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_TRACES_SAMPLER', 'sometimes'],
    ['OTEL_TRACES_SAMPLER_ARG', '5%'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.01'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '0'],
    ['OTEL_BSP_SCHEDULE_DELAY', '1e3'],
  ])('refuses %s %j', (name, value) => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', [name]: value }
    expect(problemsOf(environment).problems).toEqual([expect.stringContaining(name)])
  })

  test('does not repeat secrets in what it reports', () => {
    const error = problemsOf({ DATABASE_URL: 'mysql://user:hunter2@host', BOOTSTRAP_API_KEY: 'hunter2' })
    expect(problemsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://me:hunter2@host' }).message).not.toContain(
      'hunter2',
    )
    expect(error.message).not.toContain('hunter2')
  })
})

describe('a secret in a file', () => {
  const url = 'postgres://user:hunter2@db.example/codes'
  const key = 'k'.repeat(32)

  async function folder(): Promise<string> {
    const { path, [Symbol.asyncDispose]: remove } = await temporaryFolder()
    onTestFinished(remove)
    return path
  }

  /** The path of a new file. */
  async function fileWith(content: string | Uint8Array): Promise<string> {
    const path = join(await folder(), 'secret')
    await writeFile(path, content)
    return path
  }

  test('counts as the variable without _FILE', async () => {
    const [masterKey, previousKey] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')]
    const secrets: Record<string, string> = {
      DATABASE_URL: url,
      BOOTSTRAP_API_KEY: key,
      MASTER_KEY: masterKey,
      PREVIOUS_MASTER_KEY: previousKey,
    }
    const files: Record<string, string> = {}
    for (const [name, secret] of Object.entries(secrets)) files[`${name}_FILE`] = await fileWith(secret)
    const config = readConfig(files)
    expect(config).toEqual(readConfig(secrets))
    const idOf = (key: string) => readConfig({ MASTER_KEY: key }).keyring.currentId
    expect(config.keyring.currentId).toBe(idOf(masterKey))
    expect(config.keyring.opens(idOf(previousKey))).toBe(true)
    expect(readConfig({ ...files, ROLE: 'worker' }).role).toBe('worker')
  })

  test.each(['\n', '\r\n', '\n\n'])('may end with the line end %j', async (end) => {
    expect(readConfig({ BOOTSTRAP_API_KEY_FILE: await fileWith(key + end) }).bootstrapApiKey).toBe(key)
  })

  test('is read through links, as Kubernetes mounts it', async () => {
    const path = await fileWith(url)
    await symlink(path, `${path}-link`)
    expect(readConfig({ DATABASE_URL_FILE: `${path}-link` }).databaseUrl).toBe(url)
  })

  test('is not needed: an empty variable counts as unset, and the secret itself can be given', () => {
    expect(readConfig({ DATABASE_URL_FILE: '', DATABASE_URL: url }).databaseUrl).toBe(url)
  })

  test('is checked as if it were in the variable, and not repeated in what is reported', async () => {
    const { message, problems } = problemsOf({
      DATABASE_URL_FILE: await fileWith('mysql://user:hunter2@host'),
      BOOTSTRAP_API_KEY_FILE: await fileWith('hunter2'),
    })
    expect(problems).toHaveLength(2)
    expect(message).not.toContain('hunter2')
  })

  test('must not be given twice', async () => {
    const environment = { DATABASE_URL_FILE: await fileWith(url), DATABASE_URL: url }
    expect(problemsOf(environment).problems).toEqual([expect.stringMatching(/_FILE and .* both set/)])
  })

  const bad: [what: string, says: RegExp, path: () => Promise<string> | string][] = [
    ['is missing', /there is no file at that path/, async () => join(await folder(), 'hunter2')],
    ['is below a file', /there is no file at that path/, async () => join(await fileWith(url), 'hunter2')],
    ['was put in the place of its path', /there is no file at that path/, () => url],
    ['has a path with a NUL character', /NUL/, () => 'hunter2\0'],
    ['has a path that is too long', /too long/, () => '/hunter2'.repeat(2_000)],
    ['is empty', /empty/, () => fileWith('')],
    ['has only line ends', /empty/, () => fileWith('\r\n\n')],
    ['has two lines', /single line/, () => fileWith(`${url}\nhunter2\n`)],
    ['has a NUL character', /single line/, () => fileWith(`${url}\0`)],
    ['is not text', /UTF-8/, () => fileWith(Uint8Array.of(0xff, 0xfe, 0x61))],
    ['is too large', /more than 65536 bytes/, () => fileWith('hunter2'.repeat(10_000))],
    ['is a folder', /a folder/, folder],
    ['is a device without end', /a device/, () => '/dev/zero'],
    ['is a pipe that nobody writes into', /a pipe/, namedPipe],
    ['is a link to itself', /circle/, linkToItself],
  ]
  test.each(bad)('that %s is a problem', async (_what, says, path) => {
    const { message, problems } = problemsOf({ ROLE: 'api', DATABASE_URL_FILE: await path() })
    expect(problems).toEqual([expect.stringMatching(/^DATABASE_URL_FILE /)])
    expect(message).toMatch(says)
    expect(message).not.toContain('hunter2')
  })

  test.skipIf(process.getuid?.() === 0)('that may not be read is a problem', async () => {
    const path = await fileWith(url)
    await chmod(path, 0)
    expect(problemsOf({ DATABASE_URL_FILE: path }).message).toContain('may not read')
  })

  async function namedPipe(): Promise<string> {
    const path = join(await folder(), 'pipe')
    execFileSync('mkfifo', [path])
    return path
  }

  async function linkToItself(): Promise<string> {
    const path = join(await folder(), 'link')
    await symlink(path, path)
    return path
  }
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
