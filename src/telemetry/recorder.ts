import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'

// Spans of one request or task in this process, so that a long one does not become a trace that nobody can open.
const maxSpansOfTrace = 1_000

// Traces in which the spans of a group are repeated. A group serves up to a thousand requests, and each of these spans takes
// some microseconds.
const maxTracesOfGroup = 100

/** How many spans a request or a task may still have, and how many it has gone without. */
class Allowance {
  left = maxSpansOfTrace
  leftOut = 0
}

const allowanceKey = createContextKey('allowance of spans')
const levelKey = createContextKey('level of a group')

/** A span, and the context in which its children begin. */
interface Opened {
  span: Span
  context: Context
}

/** A trace that waits to be served together with others. */
export interface WaitingTrace {
  context: Context
  /** When it began to wait: by the clock of the machine, in milliseconds. */
  since: number
}

/** A span of a group: one for each trace that has joined it. */
class Level {
  readonly above: Level | undefined
  readonly name: string
  readonly attributes: Attributes
  readonly kind: SpanKind
  readonly opened: Opened[] = []

  constructor(above: Level | undefined, name: string, attributes: Attributes, kind: SpanKind) {
    this.above = above
    this.name = name
    this.attributes = attributes
    this.kind = kind
  }
}

/** The traces that are served together by the work of a group. */
export interface GroupSpan {
  /** To be called within the work, when it has closed its group. `size`: how many requests it serves, traced or not. */
  join(traces: readonly WaitingTrace[], size: number): void
}

/** A span that its caller ends. */
export class OpenSpan {
  /** The id of its trace, if that is recorded. */
  readonly traceId: string | undefined
  readonly #opened: Opened

  constructor(opened: Opened) {
    this.#opened = opened
    this.traceId = opened.span.isRecording() ? opened.span.spanContext().traceId : undefined
  }

  /** Runs work that belongs to the span. */
  run<T>(work: () => T): T {
    return context.with(this.#opened.context, work)
  }

  /** Ends the span. Further calls do nothing. `failed`: whether the service is at fault for the outcome. */
  end(attributes: Attributes = {}, failed = false): void {
    const { span } = this.#opened
    if (!span.isRecording()) return
    span.setAttributes(attributes)
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
    endRoot(this.#opened)
  }
}

/** Records spans with the SDK. See spans.ts for what its methods do. */
export class Recorder {
  readonly #tracer: Tracer

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  inSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
    return this.#inChild(name, attributes, SpanKind.INTERNAL, work)
  }

  inDatabaseSpan<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.#inChild(name, { 'db.system.name': 'postgresql' }, SpanKind.CLIENT, work)
  }

  inTrace<T>(
    name: string,
    { attributes, traceParent }: { attributes: Attributes; traceParent: string | undefined },
    work: () => Promise<T>,
  ): Promise<T> {
    const parent = traceParent === undefined ? ROOT_CONTEXT : contextOf({ traceparent: traceParent })
    const opened = this.#openRoot(parent, name, attributes, SpanKind.INTERNAL)
    return context.with(opened.context, () => settle([opened], work, { failsOnError: true, end: endRoot }))
  }

  outsideTraces<T>(work: () => T): T {
    return context.with(ROOT_CONTEXT, work)
  }

  beginRequest(
    name: string,
    attributes: Attributes,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): OpenSpan {
    return new OpenSpan(this.#openRoot(contextOf(headers), name, attributes, SpanKind.SERVER))
  }

  describe(name: string, attributes: Attributes): void {
    const span = trace.getActiveSpan()
    if (span?.isRecording()) span.updateName(name).setAttributes(attributes)
  }

  fail(error: unknown): void {
    const span = trace.getActiveSpan()
    if (span?.isRecording()) noteError(span, error, true)
  }

  isTraced(): boolean {
    const active = context.active()
    const level = levelOf(active)
    // The spans of a level end together.
    return level === undefined ? isRecorded(active) : level.opened[0]?.span.isRecording() === true
  }

  beginWait(name: string): () => void {
    const active = context.active()
    const since = Date.now()
    return () => this.#noteWait(active, name, since)
  }

  afterWait<T>(name: string, work: () => T): () => T {
    const active = context.active()
    const since = Date.now()
    return () => {
      this.#noteWait(active, name, since)
      return context.with(active, work)
    }
  }

  beginGroupWait(): WaitingTrace | undefined {
    const active = context.active().deleteValue(levelKey)
    return isRecorded(active) ? { context: active, since: Date.now() } : undefined
  }

  inGroup<T>(
    of: string,
    traces: readonly WaitingTrace[],
    work: (group: GroupSpan) => Promise<T>,
  ): Promise<T> {
    const group = new Level(undefined, `group of ${of}`, {}, SpanKind.INTERNAL)
    const joined = new Set<WaitingTrace>()
    const join = (levels: readonly Level[], more: readonly WaitingTrace[]) => {
      for (const waiting of more) {
        if (joined.has(waiting)) continue
        joined.add(waiting)
        this.#noteWait(waiting.context, `wait for a group of ${of}`, waiting.since)
        this.#join(group, levels, waiting)
      }
    }
    join([group], traces)
    return this.#inLevel(group, ROOT_CONTEXT, () =>
      work({
        join: (more, size) => {
          join(levelsDownFrom(group), more)
          for (const { span } of group.opened)
            if (span.isRecording()) span.setAttribute('promo_codes.group.size', size)
        },
      }),
    )
  }

  traceParent(): string | undefined {
    const span = trace.getActiveSpan()
    if (!span?.isRecording()) return undefined
    const { traceId, spanId } = span.spanContext()
    return `00-${traceId}-${spanId}-01`
  }

  traceId(): string | undefined {
    const span = trace.getActiveSpan()
    return span?.isRecording() ? span.spanContext().traceId : undefined
  }

  #inChild<T>(name: string, attributes: Attributes, kind: SpanKind, work: () => Promise<T>): Promise<T> {
    const active = context.active()
    const above = levelOf(active)
    if (above === undefined) {
      const opened = this.#open(active, name, attributes, kind)
      if (opened === undefined) return work()
      return context.with(opened.context, () => settle([opened], work, outcomeOf(kind)))
    }
    const level = new Level(above, name, attributes, kind)
    for (const { context: parent } of above.opened) this.#openOf(level, parent)
    return this.#inLevel(level, active, work)
  }

  /** Runs work of a group, whose spans are those of the traces that have joined the level by then. */
  #inLevel<T>(level: Level, active: Context, work: () => Promise<T>): Promise<T> {
    // The first trace stands for all of them, in log lines.
    const [first] = level.opened
    const within = (first?.context ?? active).setValue(levelKey, level)
    return context.with(within, () => settle(level.opened, work, outcomeOf(level.kind)))
  }

  /** Gives a trace its spans of the open levels of a group. */
  #join(group: Level, levels: readonly Level[], { context: waiting }: WaitingTrace): void {
    const [first] = group.opened
    // Beyond the bound, a trace only has a link to where the work is shown.
    let own = trace.getSpan(waiting)
    if (group.opened.length < maxTracesOfGroup) {
      let parent: Context | undefined = waiting
      for (const level of levels) {
        const opened: Opened | undefined = parent && this.#openOf(level, parent)
        if (level === group && opened !== undefined) own = opened.span
        parent = opened?.context
      }
    }
    if (first === undefined || own === undefined) return
    link(own, first.span)
    link(first.span, own)
  }

  /** Opens the span of a level for a trace. */
  #openOf(level: Level, parent: Context): Opened | undefined {
    const opened = this.#open(parent, level.name, level.attributes, level.kind)
    if (opened !== undefined) level.opened.push(opened)
    return opened
  }

  /** Opens a span; not if its trace is not recorded, or has had enough of them. */
  #open(
    parent: Context,
    name: string,
    attributes: Attributes,
    kind: SpanKind,
    startTime?: number,
  ): Opened | undefined {
    if (!isRecorded(parent)) return undefined
    const allowance = allowanceOf(parent)
    if (allowance !== undefined) {
      if (allowance.left === 0) {
        allowance.leftOut += 1
        return undefined
      }
      allowance.left -= 1
    }
    const span = this.#tracer.startSpan(
      name,
      { attributes, kind, ...(startTime !== undefined && { startTime }) },
      parent,
    )
    return { span, context: trace.setSpan(parent, span) }
  }

  #openRoot(parent: Context, name: string, attributes: Attributes, kind: SpanKind): Opened {
    const span = this.#tracer.startSpan(name, { attributes, kind }, parent)
    return { span, context: trace.setSpan(parent, span).setValue(allowanceKey, new Allowance()) }
  }

  #noteWait(parent: Context, name: string, since: number): void {
    if (Date.now() - since >= 1) this.#open(parent, name, {}, SpanKind.INTERNAL, since)?.span.end()
  }
}

function link(from: Span, to: Span): void {
  if (from.isRecording()) from.addLink({ context: to.spanContext() })
}

/** Whether what begins in a context becomes a span: there is one that is sampled, and has not ended. */
function isRecorded(parent: Context): boolean {
  return trace.getSpan(parent)?.isRecording() === true
}

function allowanceOf(own: Context): Allowance | undefined {
  const allowance = own.getValue(allowanceKey)
  return allowance instanceof Allowance ? allowance : undefined
}

function levelOf(active: Context): Level | undefined {
  const level = active.getValue(levelKey)
  return level instanceof Level ? level : undefined
}

/** The levels from that of a group down to the current one; none outside of its work. */
function levelsDownFrom(group: Level): Level[] {
  const levels: Level[] = []
  for (let level = levelOf(context.active()); level !== undefined; level = level.above) {
    levels.unshift(level)
    if (level === group) return levels
  }
  return []
}

function contextOf(headers: Readonly<Record<string, string | string[] | undefined>>): Context {
  return propagation.extract(ROOT_CONTEXT, headers)
}

interface Outcome {
  failsOnError: boolean
  end: (opened: Opened) => void
}

function outcomeOf(kind: SpanKind): Outcome {
  return { failsOnError: kind === SpanKind.CLIENT, end: ({ span }) => span.end() }
}

/** Runs `work`, and ends the spans that are open then. */
async function settle<T>(
  opened: readonly Opened[],
  work: () => Promise<T>,
  { failsOnError, end }: Outcome,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    for (const { span } of opened) noteError(span, error, failsOnError)
    throw error
  } finally {
    for (const each of opened) end(each)
  }
}

function noteError(span: Span, error: unknown, isFailure: boolean): void {
  span.setAttribute('error.type', typeOf(error))
  if (isFailure) span.setStatus({ code: SpanStatusCode.ERROR })
}

function endRoot({ span, context: own }: Opened): void {
  const leftOut = allowanceOf(own)?.leftOut ?? 0
  if (leftOut > 0) span.setAttribute('promo_codes.spans_left_out', leftOut)
  span.end()
}

/** What kind of error it was. Its message may quote what a client has sent. */
function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
