import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import { traceId } from './telemetry/spans.ts'

// Characters for an error with its causes: most of a log line.
const maxCharacters = 8_000
const maxMessage = 2_000
const maxFrames = 10
const maxDepth = 5
const maxErrors = 5

/** All that is logged of an error: connections, statements and their parameters may be attached to it. */
export interface ErrorDescription {
  type: string
  message: string
  code?: string | number
  /** The stack frames, one per line. */
  stack?: string
  cause?: ErrorDescription
  /** The errors of an AggregateError. */
  errors?: ErrorDescription[]
}

const serializers = { err: describeError }

/** Adds to a line about a request or a task the id of its trace, if that is recorded. */
function mixin(): { traceId?: string } {
  const id = traceId()
  return id === undefined ? {} : { traceId: id }
}

/** The log of a process: one line of JSON per entry, on standard error by default. */
export function openLog(options: LoggerOptions = {}, destination: DestinationStream = pino.destination(2)) {
  return pino({ ...options, serializers, mixin }, destination)
}

/** The log with errors described by `describeError`. */
export function withDescribedErrors(log: Logger): Logger {
  return log.child({}, { serializers })
}

/** Describes anything that was thrown, in limited length and without secrets. */
export function describeError(error: unknown): ErrorDescription {
  return new Describer().describe(error, 0)
}

class Describer {
  #left = maxCharacters

  describe(error: unknown, depth: number): ErrorDescription {
    if (!(error instanceof Error))
      return { type: typeof error, message: this.#cut(wordsFor(error), maxMessage) }
    const described: ErrorDescription = {
      type: this.#cut(error.name, 100),
      message: this.#cut(error.message, maxMessage),
    }
    const code = 'code' in error ? error.code : undefined
    if (typeof code === 'string') described.code = this.#cut(code, 100)
    if (typeof code === 'number') described.code = code
    const frames = error.stack?.match(/^ +at .*$/gm)?.slice(0, maxFrames)
    if (frames !== undefined) described.stack = this.#cut(frames.join('\n'), maxMessage)
    if (depth === maxDepth || this.#left <= 0) return described
    // The cause of a GraphQLError.
    const cause = error.cause ?? ('originalError' in error ? error.originalError : undefined)
    if (cause != null) described.cause = this.describe(cause, depth + 1)
    if (error instanceof AggregateError)
      described.errors = error.errors
        .slice(0, maxErrors)
        .flatMap((each) => (this.#left > 0 ? [this.describe(each, depth + 1)] : []))
    return described
  }

  #cut(text: string, max: number): string {
    const length = Math.min(max, this.#left)
    // Shortened first, because replacing secrets takes time in proportion to the length.
    const clean = withoutSecrets(String(text).slice(0, 2 * max)).replace(/[^\P{Cc}\n]/gu, ' ')
    const cut = clean.length > length ? `${clean.slice(0, length)}…` : clean
    this.#left -= cut.length
    return cut
  }
}

/** Only the class of an object, because it may contain anything. */
function wordsFor(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null
    ? `an object of ${thrown.constructor?.name ?? 'no class'} was thrown`
    : String(thrown)
}

const secrets: readonly [RegExp, string][] = [
  // Credentials in a URL, up to the last @, because a password may contain one.
  [/\b([a-z][a-z\d+.-]*:\/\/)[^\s"'`<>]*@/gi, '$1***@'],
  [
    /\b((?:api[-_ ]?)?key|pass(?:word|wd|phrase)?|pwd|secret|token)(["'`]?\s*[:=]\s*["'`]?)[^\s"'`,;&)}]+/gi,
    '$1$2***',
  ],
  [/\b(bearer) +[\w.~+/=-]+/gi, '$1 ***'],
  // All cookies of a header, as it may contain those of other programs.
  [/\b((?:set-)?cookie)(["'`]?\s*[:=,]\s*["'`]?)[^\r\n"'`]+/gi, '$1$2***'],
  // Our own API keys, and the tokens of our sessions.
  [/\b(pk|ps)_[\w-]{16,}/g, '$1_***'],
]

/** The text with keys, passwords and the like replaced. It takes time in proportion to its length. */
export function withoutSecrets(text: string): string {
  return secrets.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text)
}
