import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { type ConnectionOptions, createSecureContext, getCACertificates } from 'node:tls'
import type { ClientConfig } from 'pg'
import { OperatorError } from '../operator-error.ts'

/** DATABASE_URL cannot be used. The message says what to write instead, and never contains the password. */
export class DatabaseUrlError extends OperatorError {
  override name = 'DatabaseUrlError'
  /** The message without the name of the variable: "names several hosts: …" */
  readonly problem: string

  constructor(problem: string, options?: ErrorOptions) {
    super(`DATABASE_URL ${problem}`, options)
    this.problem = problem
  }
}

const form = 'postgres://user:password@host:port/database'
const encoding =
  'In a user name or password, all characters except letters, digits, - and _ must be percent-encoded: ' +
  '@ is %40, / is %2F, # is %23, ? is %3F, % is %25'

/**
 * Reads a libpq connection URI into a configuration for `pg`. For what it leaves out, `pg` uses the environment as libpq
 * does: PGHOST, PGUSER, PGPASSWORD and so on.
 *
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS describes the form. Unlike libpq, this
 * supports neither several hosts nor `sslmode=allow`, nor falls back to no encryption. As with `pg`, each `sslmode` from
 * `prefer` on verifies the certificate and the host name, unless `uselibpqcompat=true` asks for libpq's behaviour.
 *
 * @throws {DatabaseUrlError} also when a file that the address names cannot be read
 */
export function readDatabaseUrl(text: string): ClientConfig {
  const address = withoutScheme(text.trim())
  const [beforeQuery, query] = splitAt(address, '?')
  const [authority, path] = splitAt(beforeQuery, '/')
  checkPlaceholders(authority, path, query)
  checkCharacters(address, authority, path)
  const [userInfo, hostAndPort] = authority.includes('@') ? splitAt(authority, '@') : ['', authority]
  const parameters = readParameters(query)
  const [user, password] = splitAt(userInfo, ':')
  return {
    ...defined({
      user: parameters.get('user') ?? decode(user),
      password: readPassword(parameters.get('password') ?? decode(password)),
      database: parameters.get('dbname') ?? readDatabase(path),
      ...readHost(hostAndPort, parameters),
      application_name: parameters.get('application_name'),
      fallback_application_name: parameters.get('fallback_application_name'),
      options: parameters.get('options'),
    }),
    ...readEncryption(parameters),
    ...readTimeout(parameters),
  }
}

function withoutScheme(text: string): string {
  const [, scheme, address] = /^([a-z][a-z\d+.-]*):\/\/(.*)$/is.exec(text) ?? []
  if (scheme !== undefined && address !== undefined && /^postgres(ql)?$/i.test(scheme)) return address
  if (/^["'`]/.test(text)) throw new DatabaseUrlError('begins with a quotation mark: leave it out')
  if (/^psql\s/.test(text))
    throw new DatabaseUrlError(
      'is a command: leave out psql and the quotation marks, so that it begins with postgres://',
    )
  if (/^jdbc:/i.test(text))
    throw new DatabaseUrlError('is a JDBC address: leave out jdbc:, so that it begins with postgresql://')
  if (/^(host|hostaddr|port|dbname|user|password|sslmode|server|data source|user id)\s*=/i.test(text))
    throw new DatabaseUrlError(`consists of keywords and values: write it in the form ${form}`)
  throw new DatabaseUrlError(`must be of the form ${form}`)
}

const placeholderWords = /your|pass|pwd|secret|user|role|host|server|endpoint|address|port|name|database|db/i

/**
 * Whether a part of the address is a placeholder such as ${PASSWORD}, $DB_PASSWORD, <password>, [YOUR-PASSWORD] or
 * {password}. Passwords can look similar, so brackets around anything else do not count.
 */
function isPlaceholder(part: string): boolean {
  if (/^\$\{\w+\}$/.test(part) || /^\$[A-Z\d]+(_[A-Z\d]+)+$/.test(part)) return true
  const [, capitals, ...bracketed] =
    /^(?:\$([A-Z\d]+)|<([\w\s-]+)>|\[([\w\s-]+)\]|\{{1,2}([\w\s-]+)\}{1,2})$/.exec(part) ?? []
  return placeholderWords.test(capitals ?? bracketed.find((word) => word !== undefined) ?? '')
}

function checkPlaceholders(authority: string, path: string, query: string): void {
  const at = authority.lastIndexOf('@')
  const [user, password] = splitAt(authority.slice(0, Math.max(at, 0)), ':')
  const [, host = ''] = /^(.*?)(?::[^:\]]*)?$/s.exec(authority.slice(at + 1)) ?? []
  const parameters = new Map(query.split('&').map((part) => splitAt(part, '=')))
  const isOneOf = (part: string, parameter: string) =>
    isPlaceholder(part) || isPlaceholder(parameters.get(parameter) ?? '')
  if (isOneOf(host, 'host'))
    throw new DatabaseUrlError(
      'names a host that is neither a name nor an address, but looks like a placeholder: replace it by the host',
    )
  const others = [
    ['user', user, 'user'],
    ['password', password, 'password'],
    ['database', path, 'dbname'],
  ] as const
  for (const [what, part, parameter] of others)
    if (isOneOf(part, parameter))
      throw new DatabaseUrlError(
        `has what looks like a placeholder where the ${what} belongs: put the ${what} there; if it is the ${what}, ` +
          `percent-encode it. ${encoding}; $ is %24, < is %3C, [ is %5B, { is %7B`,
      )
}

function checkCharacters(address: string, authority: string, path: string): void {
  if (/[\s\p{Cc}]/u.test(address)) throw new DatabaseUrlError(`has a space in it: write %20. ${encoding}`)
  if (address.includes('#')) throw new DatabaseUrlError(`has a # in it. ${encoding}`)
  if (/%(?![\da-f]{2})/i.test(address))
    throw new DatabaseUrlError(`has a % without two hexadecimal digits after it. ${encoding}`)
  if (authority.indexOf('@') !== authority.lastIndexOf('@') || path.includes('@'))
    throw new DatabaseUrlError(`has an @ or a / where none is expected. ${encoding}`)
}

function readPassword(password: string): string {
  if (password.includes('\0'))
    throw new DatabaseUrlError(
      'has a password with the character 0, which PostgreSQL does not allow: change the password',
    )
  return password
}

function readDatabase(path: string): string {
  if (!path.includes('/')) return decode(path)
  throw new DatabaseUrlError(
    'names a database with a / in it: write %2F; for the folder of a socket, write ?host=/folder',
  )
}

function readHost(
  hostAndPort: string,
  parameters: ReadonlyMap<string, string>,
): { host: string; port: number | undefined } {
  const named = [hostAndPort, parameters.get('host') ?? '', parameters.get('port') ?? '']
  if (named.some((part) => part.includes(',')))
    throw new DatabaseUrlError(
      'names several hosts: name only the one that accepts writes, or an address that always leads to it',
    )
  const [, bracketed, plain, portText] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(hostAndPort) ?? []
  const port = parameters.get('port') ?? portText ?? ''
  if (!/^\d{0,5}$/.test(port) || Number(port) > 65_535 || (port !== '' && Number(port) === 0))
    throw new DatabaseUrlError(
      `has a port that is not a number from 1 to 65535${isIPv6(hostAndPort) ? ': an IPv6 address needs brackets, as in [::1]:5432' : `. It must be of the form ${form}. ${encoding}`}`,
    )
  const host = parameters.get('host') ?? bracketed ?? decode(plain ?? '')
  const isSocket = host.startsWith('/')
  const isName = bracketed === undefined ? /^[\p{L}\p{N}._-]*$/u.test(host) : isIPv6(bracketed)
  if (!isSocket && !isName && !isIPv6(host))
    throw new DatabaseUrlError(
      `names a host that is neither a name nor an address. It must be of the form ${form}`,
    )
  return { host, port: port === '' ? undefined : Number(port) }
}

// Parameters that have a meaning here.
const known = wordsOf(
  'user password host port dbname application_name fallback_application_name options',
  'sslmode sslrootcert sslcert sslkey sslpassword sslnegotiation uselibpqcompat ssl',
  'ssl_min_protocol_version ssl_max_protocol_version channel_binding connect_timeout',
  'target_session_attrs client_encoding gssencmode schema',
)

// Parameters of other clients, without effect here: TCP keepalives are on, each session sets its own time limits, and the
// service pools its connections itself.
const ignored = wordsOf(
  'keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout',
  'sslcompression sslsni sslcertmode krbsrvname gsslib gssdelegation load_balance_hosts',
  'statement_timeout lock_timeout idle_in_transaction_session_timeout',
  'pgbouncer connection_limit pool_timeout socket_timeout statement_cache_size supa',
)

function wordsOf(...lines: string[]): ReadonlySet<string> {
  return new Set(lines.flatMap((line) => line.split(' ')))
}

function readParameters(query: string): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const part of query.split('&').filter((part) => part !== '')) {
    const [name, value] = splitAt(part, '=').map(decode) as [string, string]
    if (known.has(name)) parameters.set(name, value)
    else if (!ignored.has(name)) {
      // The ? may be one in the password, and the name of the parameter a part of it.
      if (query.includes('@')) throw new DatabaseUrlError(`has an @ after a ?. ${encoding}`)
      const which = /^\w{1,40}$/.test(name) ? `the parameter ${name}` : 'a parameter'
      throw new DatabaseUrlError(
        `has ${which}, which the service does not know: leave it out. Known are ${[...known].join(', ')}`,
      )
    }
  }
  expectValue(parameters, 'target_session_attrs', ['any', 'read-write', 'primary'])
  expectValue(parameters, 'client_encoding', ['UTF8', 'utf8', 'UTF-8', 'utf-8', 'auto'])
  expectValue(parameters, 'gssencmode', ['disable', 'prefer'])
  expectValue(parameters, 'schema', ['public'])
  expectValue(parameters, 'ssl', ['true', '1', 'false', '0', 'no-verify'])
  expectValue(parameters, 'sslmode', sslModes)
  expectValue(parameters, 'sslnegotiation', ['postgres', 'direct'])
  expectValue(parameters, 'uselibpqcompat', ['true', 'false'])
  expectValue(parameters, 'channel_binding', ['disable', 'prefer', 'require'])
  expectValue(parameters, 'ssl_min_protocol_version', tlsVersions)
  expectValue(parameters, 'ssl_max_protocol_version', tlsVersions)
  return parameters
}

const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']
const tlsVersions = ['TLSv1.2', 'TLSv1.3']

function expectValue(parameters: ReadonlyMap<string, string>, name: string, values: readonly string[]): void {
  const value = parameters.get(name)
  if (value === undefined || values.includes(value)) return
  throw new DatabaseUrlError(`has an unknown value of ${name}: use one of ${values.join(', ')}`)
}

/** The TLS options for `pg`; none where the address says nothing, so that PGSSLMODE decides. */
function readEncryption(parameters: ReadonlyMap<string, string>): ClientConfig {
  const mode = parameters.get('sslmode') ?? modeOf(parameters.get('ssl'))
  const isDirect = parameters.get('sslnegotiation') === 'direct'
  if (mode === 'disable') {
    if (isDirect)
      throw new DatabaseUrlError('has sslnegotiation=direct, but sslmode=disable: use another sslmode')
    return { ssl: false }
  }
  const files = ['sslrootcert', 'sslcert', 'sslkey'].some((name) => parameters.has(name))
  if (mode === undefined && !files && !isDirect) return {}
  const ssl: ConnectionOptions = defined({
    ca: readAuthorities(parameters),
    cert: readFileOf(parameters, 'sslcert'),
    key: readFileOf(parameters, 'sslkey'),
    passphrase: parameters.get('sslpassword'),
    minVersion: parameters.get('ssl_min_protocol_version') as ConnectionOptions['minVersion'],
    maxVersion: parameters.get('ssl_max_protocol_version') as ConnectionOptions['maxVersion'],
    ...verification(parameters, mode),
  })
  if (files) checkFiles(ssl)
  return {
    ssl,
    ...(isDirect && { sslnegotiation: 'direct' as const }),
    enableChannelBinding: parameters.get('channel_binding') === 'require',
  }
}

function modeOf(ssl: string | undefined): string | undefined {
  if (ssl === 'false' || ssl === '0') return 'disable'
  if (ssl === 'no-verify') return ssl
  return ssl === undefined ? undefined : 'verify-full'
}

/** What is verified of the server's certificate: by default everything. */
function verification(parameters: ReadonlyMap<string, string>, mode: string | undefined): ConnectionOptions {
  if (mode === 'no-verify') return { rejectUnauthorized: false }
  if (parameters.get('uselibpqcompat') !== 'true') return {}
  const hasAuthority = parameters.has('sslrootcert') && parameters.get('sslrootcert') !== 'system'
  if (mode === 'verify-ca' && !hasAuthority)
    throw new DatabaseUrlError(
      'has sslmode=verify-ca without an authority to verify: add sslrootcert=/path/to/ca.pem',
    )
  // As in libpq, require is verify-ca when an authority is named.
  if (mode === 'verify-ca' || (mode === 'require' && hasAuthority))
    return { checkServerIdentity: () => undefined }
  return mode === 'require' || mode === 'prefer' ? { rejectUnauthorized: false } : {}
}

function readAuthorities(parameters: ReadonlyMap<string, string>): string | string[] | undefined {
  // In libpq, this stands for the authorities that the machine trusts.
  if (parameters.get('sslrootcert') === 'system')
    return [...getCACertificates('default'), ...getCACertificates('system')]
  return readFileOf(parameters, 'sslrootcert')
}

function readFileOf(parameters: ReadonlyMap<string, string>, name: string): string | undefined {
  const path = parameters.get(name)
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new DatabaseUrlError(`cannot be used: ${(cause as Error).message}, the file that ${name} names`, {
      cause,
    })
  }
}

function checkFiles({ ca, cert, key, passphrase }: ConnectionOptions): void {
  try {
    createSecureContext({ ca, cert, key, passphrase })
  } catch (cause) {
    throw new DatabaseUrlError(
      `names certificates or a key that cannot be used: ${(cause as Error).message}. The files must be in PEM format`,
      { cause },
    )
  }
  if (typeof ca === 'string' && !/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/.test(ca))
    throw new DatabaseUrlError('has an sslrootcert that is not a certificate in PEM format')
}

/** In libpq, in seconds; 0: no limit. */
function readTimeout(parameters: ReadonlyMap<string, string>): ClientConfig {
  const text = parameters.get('connect_timeout')
  if (text === undefined) return {}
  if (!/^\d{1,6}$/.test(text))
    throw new DatabaseUrlError('has a connect_timeout that is not a whole number of seconds, such as 10')
  return { connectionTimeoutMillis: Number(text) * 1_000 }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new DatabaseUrlError(`has percent-encoded characters that are not UTF-8. ${encoding}`)
  }
}

/** The text before and after the first `separator`; all of it is before when there is none. */
function splitAt(text: string, separator: string): [string, string] {
  const place = text.indexOf(separator)
  return place < 0 ? [text, ''] : [text.slice(0, place), text.slice(place + separator.length)]
}

/** Without empty and undefined values, for which `pg` uses the environment. */
function defined<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined && value !== '')
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> }
}
