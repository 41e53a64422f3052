// The names are those of OpenTelemetry:
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/

export const protocols = ['http/protobuf', 'http/json'] as const

export const samplerNames = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

export type SamplerName = (typeof samplerNames)[number]

/** How traces are recorded and sent. Where to, the exporter reads from the environment. */
export interface TracingConfig {
  protocol: (typeof protocols)[number]
  /** Which traces are recorded, of those that begin here. */
  sampler: SamplerName
  /** For the samplers with a ratio: of how many traces, from 0 to 1. */
  samplingRatio: number
  /** How many spans may wait to be sent. */
  maxQueueSize: number
  /** How many are sent at a time. */
  maxExportBatchSize: number
  /** How long spans wait for others to be sent with, and how long a batch may take. */
  scheduledDelayMillis: number
  exportTimeoutMillis: number
}
