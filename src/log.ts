import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'

// What is said of one error, its causes included, in characters: a line is not much longer.
const maxCharacters = 8_000
const maxMessage = 2_000
const maxFrames = 10
const maxDepth = 5
const maxErrors = 5

/** What a log tells of an error. Whatever else hangs on it stays out: connections, statements, their parameters. */
export interface ErrorDescription {
  type: string
  message: string
  code?: string | number
  /** Where it was made, a line for each call. */
  stack?: string
  cause?: ErrorDescription
  /** Those that an AggregateError is made of. */
  errors?: ErrorDescription[]
}

const serializers = { err: describeError }

/** The log of a process: a line of JSON for each entry, on standard error unless it is said. */
export function openLog(options: LoggerOptions = {}, destination: DestinationStream = pino.destination(2)) {
  return pino({ ...options, serializers }, destination)
}

/** A log that goes where another one does, and tells of errors as `describeError` does, whatever that one does. */
export function withDescribedErrors(log: Logger): Logger {
  return log.child({}, { serializers })
}

/** Describes what was thrown, which need not be an error, in a bounded length and without what is secret. */
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
    // An error of GraphQL has its cause under another name.
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
    // Replacing secrets takes time in proportion to the length, so the text is cut to twice the limit before that.
    const told = withoutSecrets(String(text).slice(0, 2 * max)).replace(/[^\P{Cc}\n]/gu, ' ')
    const cut = told.length > length ? `${told.slice(0, length)}…` : told
    this.#left -= cut.length
    return cut
  }
}

/** Of an object nothing but what it is: it may hold anything. */
function wordsFor(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null
    ? `an object of ${thrown.constructor?.name ?? 'no class'} was thrown`
    : String(thrown)
}

const secrets: readonly [RegExp, string][] = [
  // What stands before the host of an address: its last @ counts, as passwords may have some of their own.
  [/\b([a-z][a-z\d+.-]*:\/\/)[^\s"'`<>]*@/gi, '$1***@'],
  [
    /\b((?:api[-_ ]?)?key|pass(?:word|wd|phrase)?|pwd|secret|token)(["'`]?\s*[:=]\s*["'`]?)[^\s"'`,;&)}]+/gi,
    '$1$2***',
  ],
  [/\b(bearer) +[\w.~+/=-]+/gi, '$1 ***'],
  // Our own API keys.
  [/\bpk_[\w-]{16,}/g, 'pk_***'],
]

function withoutSecrets(text: string): string {
  return secrets.reduce((told, [pattern, instead]) => told.replace(pattern, instead), text)
}
