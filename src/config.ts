import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { DatabaseUrlError, readDatabaseUrl } from './database/database-url.ts'
import { OperatorError } from './operator-error.ts'

/** Which parts of the service a process runs: the API, the worker that executes tasks, or both. */
export type Role = 'all' | 'api' | 'worker'

export interface Config {
  /** 0 lets the system choose. */
  readonly port: number
  readonly host: string
  /** The PostgreSQL to use; undefined stands for the embedded one. */
  readonly databaseUrl: string | undefined
  /** Absolute path of the folder in which the embedded PostgreSQL lives. */
  readonly dataDir: string
  /** The secret of the first account's key; undefined: one is generated. */
  readonly bootstrapApiKey: string | undefined
  readonly role: Role
  /** How long events are kept for those who come back for them, in days. */
  readonly eventRetentionDays: number
  /** How long the rows of an upload that were not added are kept after it has finished, in days. */
  readonly rejectedRowsRetentionDays: number
  /** How many look-ups of a key may find nothing in a minute; 0 sets no limit. */
  readonly failedLookUpsPerMinute: number
  /** The largest file of codes that is accepted, in bytes. */
  readonly maxUploadBytes: number
}

/** Everything that is wrong with the environment. No problem repeats a secret. */
export class ConfigError extends OperatorError {
  override name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(['The configuration is wrong:', ...problems.map((problem) => `  ${problem}`)].join('\n'))
    this.problems = problems
  }
}

const roles: readonly Role[] = ['all', 'api', 'worker']
const shortestApiKey = 32
/** The longest API key that there can be, in characters. */
export const maxApiKeyLength = 1_000
const maxDays = 36_500
const maxLookUps = 1_000_000
const maxConfigurableBytes = 2 ** 40

/**
 * Reads the configuration from environment variables. A variable that is set to nothing counts as unset, as
 * files for containers cannot leave one out.
 *
 * @throws {ConfigError} that names every problem at once
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []

  function read<T>(name: string, unset: T, parse: (text: string) => T | Problem): T {
    const text = environment[name]
    if (text === undefined || text === '') return unset
    const value = parse(text)
    if (!(value instanceof Problem)) return value
    problems.push(`${name} ${value.description}`)
    return unset
  }

  const config: Config = {
    port: read('PORT', 4000, parsePort),
    host: read('HOST', '127.0.0.1', parseHost),
    databaseUrl: read<string | undefined>('DATABASE_URL', undefined, parseDatabaseUrl),
    dataDir: resolve(read('DATA_DIR', '.data', parsePath)),
    bootstrapApiKey: read<string | undefined>('BOOTSTRAP_API_KEY', undefined, parseApiKey),
    role: read<Role>('ROLE', 'all', parseRole),
    eventRetentionDays: read('EVENT_RETENTION_DAYS', 30, parseDays),
    rejectedRowsRetentionDays: read('REJECTED_ROWS_RETENTION_DAYS', 30, parseDays),
    failedLookUpsPerMinute: read('FAILED_LOOKUPS_PER_MINUTE', 100, parseLookUps),
    maxUploadBytes: read('MAX_UPLOAD_BYTES', 2 ** 30, parseUploadBytes),
  }
  if (config.role !== 'all' && !environment['DATABASE_URL'])
    problems.push(
      `ROLE ${config.role} needs DATABASE_URL: the own PostgreSQL serves one process, which does both`,
    )
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

class Problem {
  readonly description: string
  constructor(description: string) {
    this.description = description
  }
}

function parsePort(text: string): number | Problem {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  return new Problem(`must be a whole number from 0 to 65535, but is ${JSON.stringify(text)}`)
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
  return text.includes('\0') ? new Problem('must be a path') : text
}

function parseApiKey(text: string): string | Problem {
  // Anything else cannot be sent in a header, or not by every client.
  if (!/^[\x21-\x7e]*$/.test(text)) {
    return new Problem('must consist of letters, digits and punctuation of ASCII, without spaces')
  }
  if (text.length > maxApiKeyLength)
    return new Problem(`must have ${maxApiKeyLength} characters or less, but has ${text.length}`)
  if (text.length >= shortestApiKey) return text
  return new Problem(`must have ${shortestApiKey} characters or more, but has ${text.length}`)
}

function parseDays(text: string): number | Problem {
  const days = Number(text)
  if (/^\d{1,5}$/.test(text) && days >= 1 && days <= maxDays) return days
  return new Problem(`must be a whole number of days from 1 to ${maxDays}, but is ${JSON.stringify(text)}`)
}

function parseRole(text: string): Role | Problem {
  const role = roles.find((candidate) => candidate === text)
  return role ?? new Problem(`must be one of ${roles.join(', ')}, but is ${JSON.stringify(text)}`)
}

function parseLookUps(text: string): number | Problem {
  const lookUps = Number(text)
  if (/^\d{1,7}$/.test(text) && lookUps <= maxLookUps) return lookUps
  return new Problem(
    `must be a whole number from 0, which sets no limit, to ${maxLookUps}, but is ${JSON.stringify(text)}`,
  )
}

function parseUploadBytes(text: string): number | Problem {
  const bytes = Number(text)
  if (/^[1-9]\d{0,12}$/.test(text) && bytes <= maxConfigurableBytes) return bytes
  return new Problem(
    `must be a whole number of bytes from 1 to ${maxConfigurableBytes}, but is ${JSON.stringify(text)}`,
  )
}
