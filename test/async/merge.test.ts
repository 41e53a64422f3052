import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { merge } from '../../src/async/merge.ts'

/** A source that yields values as soon as they are pushed, until its signal is aborted. */
function source() {
  let given = Promise.withResolvers<string | undefined>()
  let ended = false
  const give = (value: string | undefined) => {
    given.resolve(value)
    given = Promise.withResolvers()
  }
  async function* open(signal: AbortSignal) {
    try {
      for (;;) {
        const value = await Promise.race([given.promise, once(signal, 'abort').then(() => undefined)])
        if (value === undefined) return
        yield value
      }
    } finally {
      ended = true
    }
  }
  return { open, give, fail: (error: Error) => given.reject(error), isEnded: () => ended }
}

function mergeTwo() {
  const [a, b, leaving] = [source(), source(), new AbortController()]
  return { a, b, leaving, merged: merge(leaving.signal, [a.open, b.open]) }
}

describe('merged sources', () => {
  test('yield values in order of arrival, until the first of them ends', async () => {
    const { a, b, merged } = mergeTwo()
    for (const [from, value] of [
      [a, 'one'],
      [b, 'two'],
      [b, 'three'],
      [a, 'four'],
    ] as const) {
      const next = merged.next()
      from.give(value)
      expect(await next).toEqual({ done: false, value })
    }
    const last = merged.next()
    a.give(undefined)
    expect(await last).toEqual({ done: true, value: undefined })
    expect([a.isEnded(), b.isEnded()]).toEqual([true, true])
  })

  test('yield values that arrived at the same time one after the other', async () => {
    const { a, b, merged } = mergeTwo()
    const first = merged.next()
    a.give('one')
    b.give('two')
    expect([await first, await merged.next()].map(({ value }) => value).sort()).toEqual(['one', 'two'])
    await merged.return()
  })

  test('end when their signal is aborted, even if all of them are waiting', async () => {
    const { a, b, leaving, merged } = mergeTwo()
    const next = merged.next()
    leaving.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect([a.isEnded(), b.isEnded()]).toEqual([true, true])
  })

  test('end when the consumer returns', async () => {
    const { a, b, merged } = mergeTwo()
    const next = merged.next()
    b.give('one')
    await next
    await merged.return()
    expect([a.isEnded(), b.isEnded()]).toEqual([true, true])
  })

  test('all end when one of them fails', async () => {
    const { a, b, merged } = mergeTwo()
    const failing = expect(merged.next()).rejects.toThrow('broken')
    a.fail(new Error('broken'))
    await failing
    expect(b.isEnded()).toBe(true)
  })
})
