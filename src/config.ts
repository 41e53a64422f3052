import { isIP } from 'node:net'
import { resolve } from 'node:path'
import type { Logger } from 'pino'
import { DatabaseUrlError, readDatabaseUrl } from './database/database-url.ts'
import { Keyring, MasterKey, parseMasterKey } from './keys/keyring.ts'
import { OperatorError } from './operator-error.ts'
import { Networks, NetworksError } from './outgoing/networks.ts'
import { readSecretFile, SecretFileError } from './secret-file.ts'
import { protocols, type SamplerName, samplerNames, type TracingConfig } from './telemetry/tracing-config.ts'

/** Which parts of the service a process runs: the API, the worker that executes tasks, or both. */
export type Role = 'all' | 'api' | 'worker'

/** The levels of pino. Each includes those after it. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface Config {
  /** 0 lets the system choose a free port. */
  readonly port: number
  readonly host: string
  /** The port of the metrics; 0 lets the system choose, undefined: there are none. */
  readonly metricsPort: number | undefined
  /** Where the metrics are served, if they are. */
  readonly metricsHost: string
  /** The least serious lines that are logged. */
  readonly logLevel: LogLevel
  /** How long a connection over which no request is being made stays open, in seconds. */
  readonly keepAliveSeconds: number
  /** The PostgreSQL to use; undefined: the embedded one. */
  readonly databaseUrl: string | undefined
  /** Absolute path of the folder of the embedded PostgreSQL. */
  readonly dataDir: string
  /** The secret of the first account's API key; undefined: one is generated. */
  readonly bootstrapApiKey: string | undefined
  /** The master keys, which wrap secrets at rest. */
  readonly keyring: Keyring
  readonly role: Role
  /** How long events are kept for clients that reconnect, in days. */
  readonly eventRetentionDays: number
  /** How long the rejected rows of an upload are kept after it has finished, in days. */
  readonly rejectedRowsRetentionDays: number
  /** How many look-ups of an API key may find nothing in a minute; 0: no limit. */
  readonly failedLookUpsPerMinute: number
  /** How long ago a code may have been used when a till that was offline redeems it, in days. */
  readonly maxRedemptionAgeDays: number
  /** The maximum size of an uploaded file, in bytes. */
  readonly maxUploadBytes: number
  /** The networks that are not public to which webhooks may lead, and to which they may use http. */
  readonly webhookAllowedNetworks: Networks
  /** Undefined: no traces. */
  readonly tracing: TracingConfig | undefined
}

/** The configuration of a service whose database is there. */
export interface ServiceOptions extends Omit<Config, 'databaseUrl' | 'dataDir' | 'logLevel' | 'tracing'> {
  databaseUrl: string
  /** Whether the database is the embedded one, which gets a sample for newcomers. */
  embedded: boolean
  log: Logger
  /** See MetricsSources. */
  overviewEveryMs?: number
}

/** All problems of the environment. None of them repeats a secret. */
export class ConfigError extends OperatorError {
  override name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(['The configuration is wrong:', ...problems.map((problem) => `  ${problem}`)].join('\n'))
    this.problems = problems
  }
}

const roles: readonly Role[] = ['all', 'api', 'worker']
const minApiKeyLength = 32
/** In characters. */
export const maxApiKeyLength = 1_000

type Environment = Readonly<Record<string, string | undefined>>

/** The variables that can be given as files, whose paths are in `DATABASE_URL_FILE` and so on. */
const secrets = ['DATABASE_URL', 'BOOTSTRAP_API_KEY', 'MASTER_KEY', 'PREVIOUS_MASTER_KEY'] as const

/**
 * Reads the configuration from environment variables, and from the files that they name. An empty variable counts as unset, as
 * container configurations often cannot leave one out.
 *
 * @throws {ConfigError} that names every problem
 */
export function readConfig(variables: Environment): Config {
  const problems: string[] = []
  const environment = withSecretFiles(variables, problems)

  const read: Read = (name, unset, parse) => {
    const text = environment[name]
    if (text === undefined || text === '') return unset
    const value = parse(text)
    if (!(value instanceof Problem)) return value
    problems.push(`${name} ${value.description}`)
    return unset
  }

  const port = read('PORT', 4000, parsePort)
  const host = read('HOST', '127.0.0.1', parseHost)
  const config: Config = {
    port,
    host,
    metricsPort: read<number | undefined>('METRICS_PORT', undefined, parsePort),
    metricsHost: read('METRICS_HOST', host, parseHost),
    logLevel: read<LogLevel>('LOG_LEVEL', 'info', parseLogLevel),
    keepAliveSeconds: read('KEEP_ALIVE_SECONDS', 75, parseKeepAlive),
    databaseUrl: read<string | undefined>('DATABASE_URL', undefined, parseDatabaseUrl),
    dataDir: resolve(read('DATA_DIR', '.data', parsePath)),
    bootstrapApiKey: read<string | undefined>('BOOTSTRAP_API_KEY', undefined, parseApiKey),
    keyring: new Keyring({
      current: read<MasterKey | undefined>('MASTER_KEY', undefined, parseKey),
      previous: read<MasterKey | undefined>('PREVIOUS_MASTER_KEY', undefined, parseKey),
    }),
    role: read<Role>('ROLE', 'all', parseRole),
    eventRetentionDays: read('EVENT_RETENTION_DAYS', 30, parseDays),
    rejectedRowsRetentionDays: read('REJECTED_ROWS_RETENTION_DAYS', 30, parseDays),
    failedLookUpsPerMinute: read('FAILED_LOOKUPS_PER_MINUTE', 100, parseLookUps),
    maxRedemptionAgeDays: read('MAX_REDEMPTION_AGE_DAYS', 7, parseDays),
    maxUploadBytes: read('MAX_UPLOAD_BYTES', 2 ** 30, parseBytes),
    webhookAllowedNetworks: read('WEBHOOK_ALLOWED_NETWORKS', Networks.none, parseNetworks),
    tracing: readTracing(environment, read),
  }
  if (config.metricsPort !== 0 && config.metricsPort === config.port)
    problems.push(`METRICS_PORT must be another port than PORT, but both are ${config.port}`)
  if (config.role !== 'all' && !environment['DATABASE_URL'] && !environment['DATABASE_URL_FILE'])
    problems.push(
      `ROLE ${config.role} needs DATABASE_URL: the embedded PostgreSQL serves only a process with the role all`,
    )
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/** Reads a variable; without it, the value is `unset`. */
type Read = <T>(name: string, unset: T, parse: (text: string) => T | Problem) => T

/** The other variables of OpenTelemetry only count if there is an endpoint: they may be meant for another program. */
function readTracing(environment: Environment, read: Read): TracingConfig | undefined {
  const endpoints = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']
  const isSet = endpoints.some((name) => environment[name])
  if (!isSet || environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined
  for (const name of endpoints) read(name, '', parseEndpoint)
  if (read('OTEL_TRACES_EXPORTER', 'otlp', oneOf(['otlp', 'none'])) === 'none') return undefined
  const protocol = read('OTEL_EXPORTER_OTLP_PROTOCOL', protocols[0], oneOf(protocols))
  return {
    protocol: read('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', protocol, oneOf(protocols)),
    sampler: read<SamplerName>('OTEL_TRACES_SAMPLER', 'parentbased_always_on', oneOf(samplerNames)),
    samplingRatio: read('OTEL_TRACES_SAMPLER_ARG', 1, parseRatio),
    maxQueueSize: read('OTEL_BSP_MAX_QUEUE_SIZE', 2_048, parseSpans),
    maxExportBatchSize: read('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512, parseSpans),
    scheduledDelayMillis: read('OTEL_BSP_SCHEDULE_DELAY', 5_000, parseMilliseconds),
    exportTimeoutMillis: read('OTEL_BSP_EXPORT_TIMEOUT', 30_000, parseMilliseconds),
  }
}

/** The environment with what is in the files of secrets. Adds to `problems`. */
function withSecretFiles(environment: Environment, problems: string[]): Environment {
  const complete: Record<string, string | undefined> = { ...environment }
  for (const name of secrets) {
    const path = environment[`${name}_FILE`]
    if (path === undefined || path === '') continue
    if (environment[name]) problems.push(`${name}_FILE and ${name} are both set: unset one of them`)
    else
      try {
        complete[name] = readSecretFile(path)
      } catch (error) {
        if (!(error instanceof SecretFileError)) throw error
        problems.push(`${name}_FILE ${error.message}`)
      }
  }
  return complete
}

const parsePort = wholeNumber('number', /^\d{1,5}$/, 0, 65_535)
const parseKeepAlive = wholeNumber('number of seconds', /^\d{1,4}$/, 5, 3_600)
const parseDays = wholeNumber('number of days', /^\d{1,5}$/, 1, 36_500)
const parseLookUps = wholeNumber('number of look-ups (0 for no limit)', /^\d{1,7}$/, 0, 1_000_000)
const parseBytes = wholeNumber('number of bytes', /^[1-9]\d{0,12}$/, 1, 2 ** 40)
const parseSpans = wholeNumber('number of spans', /^\d{1,6}$/, 1, 100_000)
const parseMilliseconds = wholeNumber('number of milliseconds', /^\d{1,6}$/, 1, 600_000)
const parseRole = oneOf(roles)
const parseLogLevel = oneOf(logLevels)

class Problem {
  readonly description: string
  constructor(description: string) {
    this.description = description
  }
}

/** A parser of whole numbers in a range. `what` describes them: 'number of days'. */
function wholeNumber(what: string, form: RegExp, min: number, max: number) {
  return (text: string): number | Problem => {
    const number = Number(text)
    if (form.test(text) && number >= min && number <= max) return number
    return new Problem(`must be a whole ${what} from ${min} to ${max}, but is ${JSON.stringify(text)}`)
  }
}

function parseHost(text: string): string | Problem {
  const looksNumeric = /^[\d.]+$/.test(text)
  const isName = !looksNumeric && /^[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/i.test(text)
  if (isIP(text) !== 0 || isName) return text
  return new Problem(`must be an IP address or a host name, but is ${JSON.stringify(text)}`)
}

function parseDatabaseUrl(text: string): string | Problem {
  try {
    readDatabaseUrl(text)
    return text.trim()
  } catch (error) {
    if (error instanceof DatabaseUrlError) return new Problem(error.problem)
    throw error
  }
}

function parsePath(text: string): string | Problem {
  return text.includes('\0') ? new Problem('must be a path, but has a NUL character') : text
}

function parseApiKey(text: string): string | Problem {
  // Not every client can send other characters in a header.
  if (!/^[\x21-\x7e]*$/.test(text)) {
    return new Problem('must consist of ASCII letters, digits and punctuation, without spaces')
  }
  if (text.length > maxApiKeyLength)
    return new Problem(`must have at most ${maxApiKeyLength} characters, but has ${text.length}`)
  if (text.length >= minApiKeyLength) return text
  return new Problem(`must have at least ${minApiKeyLength} characters, but has ${text.length}`)
}

/** Not repeated in the problem: it may contain a password. */
function parseEndpoint(text: string): string | Problem {
  const protocol = URL.parse(text.trim())?.protocol
  return protocol === 'http:' || protocol === 'https:'
    ? text
    : new Problem('must be the address of a collector for OTLP over HTTP, such as http://127.0.0.1:4318')
}

function parseRatio(text: string): number | Problem {
  const ratio = Number(text)
  if (/^\d*\.?\d+$/.test(text) && ratio <= 1) return ratio
  return new Problem(`must be a number from 0 to 1, but is ${JSON.stringify(text)}`)
}

/** A parser of one of these words. */
function oneOf<Word extends string>(words: readonly Word[]) {
  return (text: string): Word | Problem =>
    words.find((candidate) => candidate === text) ??
    new Problem(`must be one of ${words.join(', ')}, but is ${JSON.stringify(text)}`)
}

function parseNetworks(text: string): Networks | Problem {
  try {
    return Networks.parse(text)
  } catch (error) {
    if (error instanceof NetworksError) return new Problem(error.message)
    throw error
  }
}

function parseKey(text: string): MasterKey | Problem {
  const key = parseMasterKey(text)
  return key instanceof MasterKey ? key : new Problem(key)
}
