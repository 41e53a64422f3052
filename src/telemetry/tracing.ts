import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { context, DiagLogLevel, diag, propagation, TraceFlags, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { type ExportResult, ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'
import { Recorder } from './recorder.ts'
import { spans } from './spans.ts'
import type { SamplerName, TracingConfig } from './tracing-config.ts'

// At shutdown, how long it may take to send the last spans.
const maxLastExportMs = 3_000

// Of a text in a span, in characters.
const maxAttributeLength = 1_000

// A service that has more spans than it can send says so this often.
const sayEveryMs = 60_000

/**
 * Records traces from now on, and sends them to the collector that the environment names (OTEL_EXPORTER_OTLP_ENDPOINT and
 * the like, which the exporter reads itself). `close` sends what is left, for at most three seconds.
 */
export async function startTracing(
  { protocol, sampler, samplingRatio, ...batches }: TracingConfig,
  { role, log }: { role: string; log: Logger },
): Promise<{ close(): Promise<void> }> {
  // The exporter and the SDK tell what is wrong with the environment when they start, and later each failure several times.
  const say = { isStarting: true }
  const level = () => (say.isStarting ? 'warn' : 'debug')
  const tell = (message: string) => log[level()](`OpenTelemetry: ${message}`)
  const quiet = () => {}
  diag.setLogger(
    { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const queue = new SpanQueue(await openExporter(protocol), batches, log)
  const provider = new TracerProvider({
    resource: resourceOf(role),
    sampler: samplerOf(sampler, samplingRatio),
    spanLimits: { attributeValueLengthLimit: maxAttributeLength },
    spanProcessors: [queue],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  spans.recorder = new Recorder(provider.getTracer('promo-codes'))
  say.isStarting = false
  return {
    async close() {
      spans.recorder = undefined
      const sent = provider.shutdown().then(
        () => ({ err: undefined, isSent: true }),
        (err: unknown) => ({ err, isSent: false }),
      )
      const late = new AbortController()
      const silence = {
        err: new Error(`The collector has not answered within ${maxLastExportMs} ms.`),
        isSent: false,
      }
      const { err, isSent } = await Promise.race([
        sent,
        delay(maxLastExportMs, silence, { signal: late.signal }),
      ])
      late.abort()
      if (!isSent) log.warn({ err }, 'could not export the last spans; nothing else is lost')
      trace.disable()
      propagation.disable()
      context.disable()
      diag.disable()
    },
  }
}

async function openExporter(protocol: TracingConfig['protocol']): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto')
  return new OTLPTraceExporter()
}

/** What the spans of this process are of. What the environment says goes first. */
function resourceOf(role: string) {
  const own = {
    'service.name': 'promo-codes',
    'host.name': hostname(),
    'process.pid': process.pid,
    'promo_codes.role': role,
  }
  return defaultResource()
    .merge(resourceFromAttributes(own))
    .merge(
      detectResources({
        detectors: [serviceInstanceIdDetector, resourceAttributesEnvDetector, serviceNameEnvDetector],
      }),
    )
}

function samplerOf(name: SamplerName, ratio: number): Sampler {
  const root = () => {
    if (name.endsWith('always_on')) return new AlwaysOnSampler()
    if (name.endsWith('always_off')) return new AlwaysOffSampler()
    return new TraceIdRatioBasedSampler(ratio)
  }
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root: root() }) : root()
}

type Batches = Omit<TracingConfig, 'protocol' | 'sampler' | 'samplingRatio'>

/**
 * Spans that have ended and wait to be sent, at most `maxQueueSize`; further ones are lost. Logs when spans begin to be lost
 * and when they are sent again: once for an outage of the collector, and once a minute while there are too many.
 */
class SpanQueue implements SpanProcessor {
  readonly #batches: BatchSpanProcessor
  readonly #maxQueueSize: number
  readonly #log: Logger
  #queued = 0
  #lost = 0
  #isOut = false
  #saidAt = Number.NEGATIVE_INFINITY

  constructor(exporter: SpanExporter, batches: Batches, log: Logger) {
    this.#maxQueueSize = batches.maxQueueSize
    this.#log = log
    this.#batches = new BatchSpanProcessor({
      ...batches,
      exporter: {
        export: (batch, done) => {
          this.#queued -= batch.length
          exporter.export(batch, (result) => {
            this.#note(batch.length, result)
            done(result)
          })
        },
        shutdown: () => exporter.shutdown(),
      },
    })
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
    if (this.#queued < this.#maxQueueSize) {
      this.#queued += 1
      this.#batches.onEnd(span)
      return
    }
    this.#lost += 1
    const now = performance.now()
    if (this.#isOut || now - this.#saidAt < sayEveryMs) return
    this.#saidAt = now
    this.#log.warn({ lostSpans: this.#lostSinceSaid() }, 'more spans end than can be exported; some are lost')
  }

  async forceFlush(): Promise<void> {
    await this.#batches.forceFlush()
  }

  async shutdown(): Promise<void> {
    await this.#batches.shutdown()
  }

  #note(count: number, { code, error }: ExportResult): void {
    if (code !== ExportResultCode.SUCCESS) {
      this.#lost += count
      if (!this.#isOut)
        this.#log.warn({ err: error }, 'could not export traces; spans are lost until it works')
      this.#isOut = true
    } else if (this.#isOut) {
      this.#isOut = false
      this.#log.info({ lostSpans: this.#lostSinceSaid() }, 'traces are exported again')
    }
  }

  /** How many were lost since it was last said. */
  #lostSinceSaid(): number {
    const lost = this.#lost
    this.#lost = 0
    return lost
  }
}
