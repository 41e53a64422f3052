import { context, propagation } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Groups } from '../../src/async/groups.ts'
import { Poll } from '../../src/async/poll.ts'
import { Scheduler } from '../../src/async/scheduler.ts'
import { openLog } from '../../src/log.ts'
import { Recorder } from '../../src/telemetry/recorder.ts'
import {
  inDatabaseSpan,
  inSpan,
  inTrace,
  isTraced,
  spans,
  traceId,
  traceParent,
} from '../../src/telemetry/spans.ts'

const exporter = new InMemorySpanExporter()

beforeEach(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  spans.recorder = new Recorder(provider.getTracer('tests'))
})

afterEach(() => {
  spans.recorder = undefined
  context.disable()
  propagation.disable()
  exporter.reset()
})

function ended(name: string): ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => span.name === name)
}

/** The names of the spans of a trace, each with that of its parent. */
function shapeOf(trace: string | undefined): string[] {
  const own = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === trace)
  const names = new Map(own.map((span) => [span.spanContext().spanId, span.name]))
  return own
    .map(({ name, parentSpanContext }) => `${names.get(parentSpanContext?.spanId ?? '') ?? ''} > ${name}`)
    .sort()
}

test('a span without a trace is none, nor is one that begins after its trace has ended', async () => {
  expect(await inSpan('lonely', {}, async () => isTraced())).toBe(false)
  const { promise, resolve } = Promise.withResolvers<void>()
  let late: Promise<void> | undefined
  await inTrace('task', {}, async () => {
    late = promise.then(() => inSpan('late', {}, async () => {}))
  })
  resolve()
  await late
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['task'])
})

test('an error is a failure of a statement and of a task, and of others only noted, by its code or its type', async () => {
  const error = Object.assign(new Error('pool "secret"'), { code: 'NOT_FOUND' })
  await expect(
    inTrace('task', {}, () =>
      inSpan('work', {}, () => inDatabaseSpan('statement', () => Promise.reject(error))),
    ),
  ).rejects.toBe(error)
  for (const { name, status, attributes, events } of exporter.getFinishedSpans()) {
    expect(attributes['error.type']).toBe('NOT_FOUND')
    expect(status, name).toEqual({ code: name === 'work' ? 0 : 2 })
    expect(events).toEqual([])
  }
  expect(exporter.getFinishedSpans()).toHaveLength(3)
})

test('a trace has a bounded number of spans, and says how many it has gone without', async () => {
  await inTrace('task', {}, async () => {
    for (let i = 0; i < 1_234; i++) await inSpan('step', {}, async () => {})
  })
  expect(ended('step')).toHaveLength(1_000)
  expect(ended('task')[0]?.attributes).toMatchObject({ 'promo_codes.spans_left_out': 234 })
})

test('work elsewhere can become part of a trace, by its traceparent', async () => {
  let id: string | undefined
  const parent = await inTrace('request', {}, async () => {
    id = traceId()
    return traceParent()
  })
  await inTrace('task', {}, async () => {}, parent)
  expect(shapeOf(id)).toEqual([' > request', 'request > task'])
  expect(traceParent()).toBeUndefined()
})

test('a log line within a trace has its id, and no other', async () => {
  const lines: string[] = []
  const log = openLog({}, { write: (line) => lines.push(line) })
  log.info('before')
  const id = await inTrace('task', {}, async () => {
    log.child({ taskId: 1 }).info('within')
    return traceId()
  })
  expect(lines[0]).not.toContain('traceId')
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({ traceId: id, taskId: 1, msg: 'within' })
})

test('what a scheduler starts later runs in the trace that has asked for it', async () => {
  const scheduler = new Scheduler()
  const runs = Array.from({ length: 200 }, () =>
    inTrace('request', {}, async () => {
      const own = traceId()
      expect(await scheduler.run('key', async () => traceId())).toBe(own)
    }),
  )
  await Promise.all(runs)
})

test('a poll that is woken within a trace runs outside of it', async () => {
  const log = openLog({ level: 'silent' })
  const traced: boolean[] = []
  const poll = new Poll({ purpose: 'poll', run: async () => traced.push(isTraced()) > 1, log })
  await inTrace('request', {}, async () => {
    poll.wake()
    await poll.idle()
  })
  expect(traced).toEqual([false])
})

describe('a group', () => {
  const key = ['key'] as const
  const begun = new Date('2026-11-26T12:00:00Z')
  type Commit = PromiseWithResolvers<void>
  /** The transactions of the groups, once they wait for their commits. */
  let waiting: PromiseWithResolvers<Commit>[]
  let groups: Groups<typeof key, string, string>

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: begun })
    waiting = [Promise.withResolvers(), Promise.withResolvers()]
    const next = waiting.values()
    groups = new Groups({
      of: 'items',
      maxGroups: 1,
      maxItems: 1_000,
      serve: (_key, group) =>
        inSpan('transaction', {}, async () => {
          // Closed when there is a connection, as in a real one.
          await Promise.resolve()
          const items = group.close()
          const commit = Promise.withResolvers<void>()
          next.next().value?.resolve(commit)
          await commit.promise
          await inDatabaseSpan('commit', async () => {})
          return [...items]
        }),
    })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  /** Has an item served within a trace. Resolves to the id of the trace. */
  function addTraced(item: string): Promise<string> {
    return inTrace('request', {}, async () => {
      await inSpan('claim', {}, () => groups.add(key, item))
      return traceId() ?? ''
    })
  }

  const servedShape = [
    'claim > group of items',
    'group of items > transaction',
    'request > claim',
    'transaction > commit',
  ]

  test('is in the trace of each of its items with all its work, after the time that it waited', async () => {
    const first = addTraced('first')
    const commit1 = await waiting[0]?.promise
    const others = [addTraced('second'), addTraced('third'), groups.add(key, 'untraced')]
    vi.setSystemTime(begun.getTime() + 50)
    commit1?.resolve()
    const commit2 = await waiting[1]?.promise
    commit2?.resolve()
    const [second, third] = await Promise.all(others)

    expect(shapeOf(await first)).toEqual([' > request', ...servedShape])
    for (const id of [second, third]) {
      expect(shapeOf(id)).toEqual([' > request', 'claim > wait for a group of items', ...servedShape].sort())
    }
    expect(ended('wait for a group of items').map(({ duration }) => duration)).toEqual([
      [0, 50_000_000],
      [0, 50_000_000],
    ])
    const [one, two] = ended('group of items').slice(1)
    for (const group of [one, two]) expect(group?.attributes).toEqual({ 'promo_codes.group.size': 3 })
    expect(one?.links.map(({ context }) => context.spanId)).toEqual([two?.spanContext().spanId])
    expect(two?.links.map(({ context }) => context.spanId)).toEqual([one?.spanContext().spanId])
  })

  test('that was begun for somebody who is not traced is in the traces of the others', async () => {
    const untraced = groups.add(key, 'untraced')
    const traced = addTraced('traced')
    const commit1 = await waiting[0]?.promise
    commit1?.resolve()
    await untraced
    expect(shapeOf(await traced)).toEqual([' > request', ...servedShape])
  })

  test('is shown in a bounded number of traces, and the others link to one of them', async () => {
    const all = Array.from({ length: 120 }, (_, i) => addTraced(String(i)))
    const commit1 = await waiting[0]?.promise
    commit1?.resolve()
    await Promise.all(all)
    const groups = ended('group of items')
    expect(groups).toHaveLength(100)
    const linked = ended('claim').filter(({ links }) => links.length > 0)
    expect(linked).toHaveLength(20)
    for (const { links } of linked) expect(links[0]?.context).toEqual(groups[0]?.spanContext())
  })

  test('that fails ends its spans', async () => {
    const failed = addTraced('failed')
    const commit1 = await waiting[0]?.promise
    commit1?.reject(new TypeError('broken'))
    await expect(failed).rejects.toThrow('broken')
    for (const name of ['group of items', 'transaction', 'claim'])
      expect(ended(name)[0]?.attributes).toMatchObject({ 'error.type': 'TypeError' })
  })
})
