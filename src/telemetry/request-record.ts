import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Logger } from 'pino'
import { facts, type OperationKind, type Transport } from './facts.ts'
import { type Attributes, beginRequest, describeSpan, type OpenSpan } from './spans.ts'

/** The header with the id of a request: a client or a proxy may send it, and every answer has it. */
export const requestIdHeader = 'X-Request-Id'

/** What an id of a client may be, but for an API key or a session: it is repeated in headers, in errors and in the log. */
const goodId = /^(?!p[ks]_)[A-Za-z0-9._-]{1,128}$/

// Codes and root fields of one operation in a line of the log.
const maxListed = 10

/** What an operation asks for. All names but `name` are those of the schema. */
export interface OperationNames {
  /** The name that the client has given it, shortened. */
  name: string | undefined
  kind: OperationKind
  /** Its root fields, each once. */
  fields: readonly string[]
}

/** The id for a request: the one that it came with, if it can be one, or a new one. */
export function requestIdOf(sent: string | string[] | undefined): string {
  return typeof sent === 'string' && goodId.test(sent) ? sent : randomUUID()
}

// Errors that are a fault of the service or the database, and not of the request.
const failures = ['INTERNAL_SERVER_ERROR', 'UNAVAILABLE']

/**
 * What becomes of a request, or of an operation over WebSocket: for the log, at level debug, for the metrics, and for the span
 * of it in its trace. Whoever learns something of it notes it here. It never holds a key, a recipient or a code.
 */
export class RequestRecord {
  /** The name of its route. */
  route: string | undefined
  /** The API key that it was authenticated by, or that of its session. */
  keyId: string | undefined
  #operation: OperationNames | undefined
  #span: OpenSpan | undefined
  readonly #began = performance.now()
  // Made when they are needed: a subscription keeps its record for as long as it is open.
  #id: string | undefined
  #codes: Set<string> | undefined
  #isAnswered = false

  constructor(id?: string) {
    this.#id = id
  }

  get id(): string {
    this.#id ??= randomUUID()
    return this.#id
  }

  get operation(): OperationNames | undefined {
    return this.#operation
  }

  /** Notes what the operation asks for. To be called within its span, if it has one. */
  set operation(operation: OperationNames) {
    this.#operation = operation
    const { name, kind, fields } = operation
    const [field, ...others] = fields
    describeSpan(others.length === 0 && field !== undefined ? `${kind} ${field}` : kind, {
      'graphql.operation.type': kind,
      'graphql.operation.name': name,
      'promo_codes.fields': fields.slice(0, maxListed),
    })
  }

  /**
   * Runs work in a span of the request, which ends with it. `headers` may name a trace that it belongs to. `name` must be one of
   * few.
   */
  inSpan<T>(name: string, headers: IncomingHttpHeaders, attributes: Attributes, work: () => T): T {
    const all = () => ({ 'promo_codes.request_id': this.id, ...attributes })
    this.#span = beginRequest(name, all, headers)
    return this.#span === undefined ? work() : this.#span.run(work)
  }

  /** Runs more work in the same span. */
  inSameSpan<T>(work: () => T): T {
    return this.#span === undefined ? work() : this.#span.run(work)
  }

  /** Ends the span before the request, which becomes a stream: that can last for days. */
  becomesStream(): void {
    this.#endSpan({})
  }

  /** Notes the code of an error in the answer. */
  noteCode(code: unknown): void {
    if (typeof code !== 'string') return
    this.#codes ??= new Set()
    if (this.#codes.size < maxListed) this.#codes.add(code)
  }

  /** Notes that the operation has been answered; a subscription, that it has begun. Further calls do nothing. */
  answered(transport: Transport): void {
    if (this.#isAnswered || !facts.operation.isWanted) return
    this.#isAnswered = true
    const { kind = 'unknown', fields = [] } = this.operation ?? {}
    const [field = 'other', ...others] = fields
    const [outcome = 'OK'] = this.#codes ?? []
    const durationMs = this.#elapsedMs()
    facts.operation.tell({
      kind,
      field: others.length > 0 ? 'several' : field,
      transport,
      outcome,
      durationMs,
    })
  }

  /** Notes that an HTTP request has ended, with or without an operation. */
  requestEnded(log: Logger, { method, status, isWhole }: HttpEnd): void {
    const { route = 'none' } = this
    if (!this.#isAnswered && facts.request.isWanted)
      facts.request.tell({ route, status, durationMs: this.#elapsedMs() })
    this.#endSpan({ 'http.response.status_code': status }, status >= 500)
    this.#log(log, { method, route, status, isCutOff: isWhole ? undefined : true })
  }

  /** Notes that an operation over WebSocket has ended. */
  operationEnded(log: Logger): void {
    this.#endSpan({})
    this.#log(log, { transport: 'websocket' })
  }

  #endSpan(attributes: Attributes, hasFailed = false): void {
    const codes = [...(this.#codes ?? [])]
    this.#span?.end(
      { ...attributes, 'promo_codes.key_id': this.keyId, 'promo_codes.error_codes': codes },
      hasFailed || codes.some((code) => failures.includes(code)),
    )
  }

  #log(log: Logger, entry: object): void {
    if (!log.isLevelEnabled('debug')) return
    const { id: requestId, keyId, operation } = this
    const { name, kind, fields } = operation ?? {}
    const codes = this.#codes === undefined ? undefined : [...this.#codes]
    const durationMs = Math.round(this.#elapsedMs())
    log.debug(
      {
        requestId,
        traceId: this.#span?.traceId,
        ...entry,
        operation: name,
        kind,
        fields: fields?.slice(0, maxListed),
        codes,
        durationMs,
        keyId,
      },
      'request',
    )
  }

  #elapsedMs(): number {
    return performance.now() - this.#began
  }
}

interface HttpEnd {
  method: string | undefined
  /** 0 if the answer had not begun. */
  status: number
  /** Whether all of the answer was sent. */
  isWhole: boolean
}
