import type { Attributes } from '@opentelemetry/api'
import type { GroupSpan, OpenSpan, Recorder, WaitingTrace } from './recorder.ts'

export type { Attributes, GroupSpan, OpenSpan, WaitingTrace }

// What the code tells about where its time goes: spans, which tracing.ts records and sends to a collector if traces are on.
// If they are off, each of these functions only calls `work`. Nothing in a span comes from a client but the name of an
// operation: no key, no recipient, no code, no text that somebody has typed.

/** Records the spans of this process, if traces are on. */
class Switch {
  recorder: Recorder | undefined
}

/** Turned on and off by tracing.ts. */
export const spans = new Switch()

/**
 * Runs `work` in a span of the current trace, and settles as it does. Without a trace, or if the trace is not recorded or
 * has ended, it only runs `work`. An error is noted by its code or its type, as it may be an answer to the caller.
 */
export function inSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  return spans.recorder === undefined ? work() : spans.recorder.inSpan(name, attributes, work)
}

/** Runs `work`, a statement or another request to the database, in a span of the current trace. An error is a failure. */
export function inDatabaseSpan<T>(name: string, work: () => Promise<T>): Promise<T> {
  return spans.recorder === undefined ? work() : spans.recorder.inDatabaseSpan(name, work)
}

/**
 * Runs `work`, which no request waits for, in a trace of its own, or as part of the trace that `traceParent` names (see
 * `traceParent`). An error is a failure.
 */
export function inTrace<T>(
  name: string,
  attributes: Attributes,
  work: () => Promise<T>,
  traceParent?: string | undefined,
): Promise<T> {
  return spans.recorder === undefined
    ? work()
    : spans.recorder.inTrace(name, { attributes, traceParent }, work)
}

/** Runs `work`, which goes on beyond what has caused it, outside of any trace. */
export function outsideTraces<T>(work: () => T): T {
  return spans.recorder === undefined ? work() : spans.recorder.outsideTraces(work)
}

/**
 * Begins a request, in the trace that its headers name (W3C Trace Context), or in a new one. Undefined if traces are off.
 * The caller runs its work in the span, and ends it. `attributes` is called only if traces are on.
 */
export function beginRequest(
  name: string,
  attributes: () => Attributes,
  headers: Readonly<Record<string, string | string[] | undefined>> = {},
): OpenSpan | undefined {
  return spans.recorder?.beginRequest(name, attributes(), headers)
}

/** Renames the current span, and adds attributes to it: what it is about is sometimes known only later. */
export function describeSpan(name: string, attributes: Attributes): void {
  spans.recorder?.describe(name, attributes)
}

/** Marks the current span as failed, where an error is handled within it. */
export function failSpan(error: unknown): void {
  spans.recorder?.fail(error)
}

/** Whether spans are recorded here. Ask before work that is done only for them. */
export function isTraced(): boolean {
  return spans.recorder?.isTraced() === true
}

/** Begins to wait for something. The returned function ends it; a wait of a millisecond or more becomes a span. */
export function beginWait(name: string): () => void {
  return spans.recorder?.beginWait(name) ?? doNothing
}

/**
 * The same work, to be started later by whoever else: it then runs in the current trace, where the time until then becomes a
 * span, as with `beginWait`.
 */
export function afterWait<T>(name: string, work: () => T): () => T {
  return spans.recorder === undefined ? work : spans.recorder.afterWait(name, work)
}

/** The place of the current trace among those that wait to be served together. Undefined if it is not recorded. */
export function beginGroupWait(): WaitingTrace | undefined {
  return spans.recorder?.beginGroupWait()
}

/**
 * Runs `work`, which serves several traces together. Each has the spans of this work from when it joins the group: `traces`
 * at the beginning, others when `work` calls `group.join`. `of`: what is served, as in "claims".
 */
export function inGroup<T>(
  of: string,
  traces: readonly WaitingTrace[],
  work: (group: GroupSpan | undefined) => Promise<T>,
): Promise<T> {
  return spans.recorder === undefined ? work(undefined) : spans.recorder.inGroup(of, traces, work)
}

/** The current span as a W3C traceparent, by which other work can become part of its trace; undefined if there is none. */
export function traceParent(): string | undefined {
  return spans.recorder?.traceParent()
}

/** The id of the current trace, if it is recorded: what a log line has to find it by. */
export function traceId(): string | undefined {
  return spans.recorder?.traceId()
}

function doNothing(): void {}
