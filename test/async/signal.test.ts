import { expect, test } from 'vitest'
import { yieldToEventLoop } from '../../src/async/pacer.ts'
import { Signal, Waiter } from '../../src/async/signal.ts'

/** Waits for the next call of `wakeAll`. */
function wait(signal: Signal, { seen = signal.version, abort = new AbortController() } = {}) {
  const state = { isAwake: false, abort }
  void signal.wait(new Waiter(abort.signal), seen).then(() => {
    state.isAwake = true
  })
  return state
}

test('wakes all waiters', async () => {
  const signal = new Signal()
  const waiting = [wait(signal), wait(signal)]
  await yieldToEventLoop()
  expect(waiting.map(({ isAwake }) => isAwake)).toEqual([false, false])
  signal.wakeAll()
  await yieldToEventLoop()
  expect(waiting.map(({ isAwake }) => isAwake)).toEqual([true, true])
})

test('resolves a wait at once if it was called since the seen version', async () => {
  const signal = new Signal()
  const seen = signal.version
  signal.wakeAll()
  const waiting = [wait(signal, { seen }), wait(signal)]
  await yieldToEventLoop()
  expect(waiting.map(({ isAwake }) => isAwake)).toEqual([true, false])
})

test('wakes thousands over several iterations of the event loop', async () => {
  const signal = new Signal()
  const waiting = Array.from({ length: 1_200 }, () => wait(signal))
  const awake = () => waiting.filter(({ isAwake }) => isAwake).length
  signal.wakeAll()
  const counts: number[] = []
  for (let i = 0; i < 2; i++) {
    await yieldToEventLoop()
    counts.push(awake())
  }
  // The first 500 resumed in the iteration in which they were woken.
  expect(counts).toEqual([1_000, 1_200])
})

test.each([1, 0])(
  'wakes those who begin to wait during a call only if there is another (%s more)',
  async (more) => {
    const signal = new Signal()
    for (let i = 0; i < 600; i++) wait(signal)
    signal.wakeAll()
    const late = wait(signal)
    for (let i = 0; i < more; i++) signal.wakeAll()
    for (let i = 0; i < 3; i++) await yieldToEventLoop()
    expect(late.isAwake).toBe(more > 0)
  },
)

test('wakes a waiter whose AbortSignal is aborted, before the wait or during it, and no other', async () => {
  const signal = new Signal()
  const waiting = [wait(signal), wait(signal, { abort: abortedController() }), wait(signal)]
  waiting[0]?.abort.abort()
  await yieldToEventLoop()
  expect(waiting.map(({ isAwake }) => isAwake)).toEqual([true, true, false])
})

test('can wake one waiter any number of times', async () => {
  const [signal, waiter] = [new Signal(), new Waiter(new AbortController().signal)]
  for (let i = 0; i < 3; i++) {
    const waiting = signal.wait(waiter, signal.version)
    signal.wakeAll()
    await waiting
  }
  expect(signal.version).toBe(3)
})

function abortedController(): AbortController {
  const controller = new AbortController()
  controller.abort()
  return controller
}
