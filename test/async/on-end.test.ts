import { expect, test, vi } from 'vitest'
import { onEnd } from '../../src/async/on-end.ts'

/** Numbers from 1 to `count`, then `end`. */
async function* numbers(count: number, end: () => void = () => undefined) {
  for (let i = 1; i <= count; i++) yield i
  end()
}

/** Waits until its signal is aborted. */
async function* waiting(signal: AbortSignal): AsyncGenerator<never, void> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
}

test('yields what the source yields, and calls `end` once when it completes', async () => {
  const end = vi.fn()
  const read: number[] = []
  const source = onEnd(numbers(3), end)
  for await (const number of source) {
    expect(end).not.toHaveBeenCalled()
    read.push(number)
  }
  expect(read).toEqual([1, 2, 3])
  await source.return()
  expect(await source.next()).toEqual({ done: true, value: undefined })
  expect(end).toHaveBeenCalledTimes(1)
})

test('calls `end` when the source fails, and fails with its error', async () => {
  const end = vi.fn()
  const source = onEnd(
    numbers(0, () => {
      throw new Error('failed')
    }),
    end,
  )
  await expect(source.next()).rejects.toThrow('failed')
  expect(end).toHaveBeenCalledTimes(1)
})

test('calls `end` when the consumer returns or throws, even before the first read', async () => {
  for (const leave of [
    (source: AsyncGenerator<number>) => source.return(undefined),
    (source: AsyncGenerator<number>) => source.throw(new Error('left')).catch(() => undefined),
    (source: AsyncGenerator<number>) => source[Symbol.asyncDispose](),
  ]) {
    const end = vi.fn()
    const source = onEnd(numbers(3), end)
    await leave(source)
    expect(end).toHaveBeenCalledTimes(1)
    expect((await source.next()).done).toBe(true)
    expect(end).toHaveBeenCalledTimes(1)
  }
})

test('ends a waiting source if `end` aborts what it waits for', async () => {
  const ending = new AbortController()
  const source = onEnd(waiting(ending.signal), () => ending.abort())
  const pending = source.next()
  await source.return(undefined)
  expect((await pending).done).toBe(true)
})

test('fails a read with the error of `check`, and calls `end`', async () => {
  const end = vi.fn()
  let isOver = false
  const source = onEnd(numbers(3), end, () => {
    if (isOver) throw new Error('over')
  })
  expect((await source.next()).value).toBe(1)
  isOver = true
  await expect(source.next()).rejects.toThrow('over')
  expect(end).toHaveBeenCalledTimes(1)
})
