import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** A span as a collector receives it. Times are in milliseconds. */
export interface ReceivedSpan {
  traceId: string
  id: string
  parentId: string | undefined
  name: string
  /** Whether it is that of a whole request. */
  isRequest: boolean
  start: number
  end: number
  attributes: Record<string, unknown>
  /** The ids of linked spans. */
  links: string[]
  hasFailed: boolean
  /** Of the process. */
  resource: Record<string, unknown>
}

/** A collector of OpenTelemetry: receives traces as OTLP in JSON (OTEL_EXPORTER_OTLP_PROTOCOL=http/json). */
export class Collector implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = []
  /** The requests that have arrived, by their media types. */
  readonly requests: {
    path: string | undefined
    type: string | undefined
    authorization: string | undefined
  }[] = []
  /** How requests are answered: 200 by default. */
  status: number | 'never' = 200
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  readonly #waiting = new Set<() => void>()

  /** `port`: that of a collector that was closed, to start it again. */
  static async start(port = 0): Promise<Collector> {
    const collector = new Collector()
    await new Promise<void>((resolve) => collector.#server.listen(port, '127.0.0.1', resolve))
    return collector
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Variables of a service that sends its traces here, soon. */
  get environment(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: this.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '20',
    }
  }

  /** Resolves when a request or spans have arrived for which `condition` returns something. */
  async when<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const met = condition()
      if (met !== undefined && met !== false) return met
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      await promise
      this.#waiting.delete(resolve)
    }
  }

  /** Resolves to the trace with a span of this name, once its root has arrived, which ends last in a request. */
  async trace(name: string): Promise<ReceivedTrace> {
    return await this.when(() => {
      for (const { traceId } of this.spans.filter((span) => span.name === name)) {
        const trace = new ReceivedTrace(this.spans.filter((span) => span.traceId === traceId))
        if (trace.root !== undefined) return trace
      }
      return undefined
    })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url: path, headers } = request
    const type = headers['content-type']
    this.requests.push({ path, type, authorization: headers.authorization })
    if (type === 'application/json' && this.status === 200) this.#receive((await json(request)) as Otlp)
    else request.resume()
    if (this.status !== 'never')
      response.writeHead(this.status, { 'content-type': 'application/json' }).end('{}')
    for (const wake of this.#waiting) wake()
  }

  #receive({ resourceSpans }: Otlp): void {
    for (const { resource, scopeSpans } of resourceSpans)
      for (const { spans } of scopeSpans)
        for (const span of spans)
          this.spans.push({
            traceId: span.traceId,
            id: span.spanId,
            parentId: span.parentSpanId || undefined,
            name: span.name,
            isRequest: span.kind === 2,
            start: Number(span.startTimeUnixNano) / 1e6,
            end: Number(span.endTimeUnixNano) / 1e6,
            attributes: valuesOf(span.attributes),
            links: (span.links ?? []).map(({ spanId }) => spanId),
            hasFailed: span.status?.code === 2,
            resource: valuesOf(resource.attributes),
          })
  }
}

/** The spans of one trace that have arrived. */
export class ReceivedTrace {
  readonly spans: readonly ReceivedSpan[]

  constructor(spans: readonly ReceivedSpan[]) {
    this.spans = spans
  }

  /** The span of the request, or the one without a parent, if it has arrived. */
  get root(): ReceivedSpan | undefined {
    return this.spans.find(({ isRequest, parentId }) => isRequest || parentId === undefined)
  }

  /** The only span of this name. */
  span(name: string): ReceivedSpan {
    const [span, ...others] = this.spans.filter((each) => each.name === name)
    if (span === undefined || others.length > 0)
      throw new Error(`There are ${others.length + (span ? 1 : 0)} spans "${name}":\n${this}`)
    return span
  }

  durationMs(name: string): number {
    const { start, end } = this.span(name)
    return end - start
  }

  /** The names from the root down to a span. */
  path(name: string): string[] {
    const byId = new Map(this.spans.map((span) => [span.id, span]))
    const names: string[] = []
    for (
      let span: ReceivedSpan | undefined = this.span(name);
      span !== undefined;
      span = span.parentId === undefined ? undefined : byId.get(span.parentId)
    )
      names.unshift(span.name)
    return names
  }

  /** A line for each span, indented by its depth, with its duration. */
  toString(): string {
    const lines: string[] = []
    const add = (parentId: string | undefined, depth: number) => {
      for (const span of this.spans
        .filter((each) => each.parentId === parentId)
        .sort((a, b) => a.start - b.start)) {
        lines.push(`${'  '.repeat(depth)}${span.name}  ${(span.end - span.start).toFixed(1)} ms`)
        add(span.id, depth + 1)
      }
    }
    add(this.root?.parentId, 0)
    return lines.join('\n')
  }
}

interface Attribute {
  key: string
  value: {
    stringValue?: string
    boolValue?: boolean
    intValue?: number | string
    doubleValue?: number
    arrayValue?: { values: Attribute['value'][] }
  }
}

// What the tests read of it: https://github.com/open-telemetry/opentelemetry-proto
interface Otlp {
  resourceSpans: {
    resource: { attributes: Attribute[] }
    scopeSpans: {
      spans: {
        traceId: string
        spanId: string
        parentSpanId?: string
        name: string
        kind: number
        startTimeUnixNano: string
        endTimeUnixNano: string
        attributes: Attribute[]
        links?: { spanId: string }[]
        status?: { code?: number }
      }[]
    }[]
  }[]
}

function valuesOf(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]))
}

function plainValue({
  stringValue,
  boolValue,
  intValue,
  doubleValue,
  arrayValue,
}: Attribute['value']): unknown {
  if (arrayValue !== undefined) return (arrayValue.values ?? []).map(plainValue)
  return stringValue ?? boolValue ?? (intValue === undefined ? doubleValue : Number(intValue))
}
