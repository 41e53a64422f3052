import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Group, Groups, type GroupsOptions, slowMs } from '../../src/async/groups.ts'
import { yieldToEventLoop } from '../../src/async/pacer.ts'

type Key = [string]
type Results = readonly (string | Promise<string>)[]
type Options = GroupsOptions<Key, string, string>
type Limits = Partial<
  Pick<
    Options,
    'maxGroups' | 'maxSlowGroups' | 'maxGroupsOfKey' | 'maxSlowGroupsOfKey' | 'maxItems' | 'weightOf'
  >
>

/** Groups that are closed and served on demand. The result of an item is its text in upper case. */
function open(limits: Limits = {}) {
  const started: { key: string; group: Group<string>; serving: PromiseWithResolvers<Results> }[] = []
  const groups = new Groups<Key, string, string>({
    of: 'items',
    maxGroups: 2,
    maxItems: 3,
    ...limits,
    serve: ([key], group) => {
      const serving = Promise.withResolvers<Results>()
      started.push({ key, group, serving })
      return serving.promise
    },
  })
  const add = (key: string, ...items: string[]) => Promise.all(items.map((item) => groups.add([key], item)))
  const at = (index: number) => {
    const found = started[index]
    if (found === undefined) throw new Error(`No group ${index} has started.`)
    return found
  }
  const serve = async (index: number) => {
    const { group, serving } = at(index)
    const items = group.close()
    serving.resolve(items.map((item) => item.toUpperCase()))
    await yieldToEventLoop()
    return items
  }
  return { groups, add, at, serve, keys: () => started.map(({ key }) => key) }
}

describe('a group', () => {
  test('of a single item starts at once', async () => {
    const { add, serve, keys } = open()
    const result = add('a', 'x')
    expect(keys()).toEqual(['a'])
    await serve(0)
    expect(await result).toEqual(['X'])
  })

  test('contains the items that arrived before it was closed; the next one contains the later ones', async () => {
    const { add, at, serve, keys } = open()
    const first = add('a', 'x', 'y')
    expect(at(0).group.close()).toEqual(['x', 'y'])
    const second = add('a', 'z')
    expect(at(0).group.close()).toEqual(['x', 'y'])
    expect(keys()).toEqual(['a'])
    await serve(0)
    expect(await serve(1)).toEqual(['z'])
    expect([await first, await second]).toEqual([['X', 'Y'], ['Z']])
  })

  test('contains the first maxItems items', async () => {
    const { add, serve } = open()
    const results = add('a', 'p', 'q', 'r', 's', 't')
    expect(await serve(0)).toEqual(['p', 'q', 'r'])
    expect(await serve(1)).toEqual(['s', 't'])
    expect(await results).toEqual(['P', 'Q', 'R', 'S', 'T'])
  })

  test('has no more than the weight of maxItems, unless it is a single item that weighs more', async () => {
    const { add, serve } = open({ weightOf: (item) => item.length })
    void add('a', 'xx', 'yy', 'zzzzz', 'u', 'vv', 'w')
    const groups: (readonly string[])[] = []
    for (let i = 0; i < 5; i++) groups.push(await serve(i))
    expect(groups).toEqual([['xx'], ['yy'], ['zzzzz'], ['u', 'vv'], ['w']])
  })

  test('contains equal items once', async () => {
    const { groups, add, at, serve } = open()
    const results = add('a', 'x', 'x')
    expect([groups.waiting(['a']), groups.isWaiting(['a'], 'x')]).toEqual([1, true])
    expect(at(0).group.close()).toEqual(['x'])
    expect([groups.waiting(['a']), groups.isWaiting(['a'], 'x')]).toEqual([0, false])
    const later = add('a', 'x')
    await serve(0)
    expect(await results).toEqual(['X', 'X'])
    expect(await serve(1)).toEqual(['x'])
    expect(await later).toEqual(['X'])
  })
})

describe('groups in flight', () => {
  test('are limited over all keys, which get one each in order', async () => {
    const { add, serve, keys } = open()
    const results = ['a', 'b', 'c', 'd'].map((key) => add(key, 'x'))
    expect(keys()).toEqual(['a', 'b'])
    await serve(0)
    results.push(add('a', 'y'))
    for (let i = 1; i < 5; i++) await serve(i)
    expect(keys()).toEqual(['a', 'b', 'c', 'd', 'a'])
    expect((await Promise.all(results)).flat()).toEqual(['X', 'X', 'X', 'X', 'Y'])
  })

  test('are limited for each key', async () => {
    const { add, at, keys } = open({ maxGroups: Number.POSITIVE_INFINITY, maxGroupsOfKey: 2 })
    void add('a', 'p', 'q', 'r', 's')
    // Until it is closed, a group still gets new items.
    expect(keys()).toEqual(['a'])
    at(0).group.close()
    expect(keys()).toEqual(['a', 'a'])
    expect(at(1).group.close()).toEqual(['s'])
    void add('a', 't')
    void add('b', 'x')
    expect(keys()).toEqual(['a', 'a', 'b'])
  })

  test('let the next one start as soon as they are released', async () => {
    const { add, at, serve, keys } = open({ maxGroups: 1 })
    const first = add('a', 'x')
    at(0).group.close()
    const second = add('a', 'y')
    const third = add('b', 'z')
    at(0).group.release()
    at(0).group.release()
    expect(keys()).toEqual(['a', 'b'])
    await serve(1)
    await serve(2)
    await serve(0)
    expect(await Promise.all([first, second, third])).toEqual([['X'], ['Y'], ['Z']])
  })
})

describe('slow groups', () => {
  const fakeTime = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  afterEach(() => vi.useRealTimers())

  test('let groups of other keys start, but none of their own', () => {
    fakeTime()
    const { add, at, keys } = open({ maxSlowGroups: 2 })
    for (const key of ['a', 'b', 'c', 'd', 'e']) void add(key, 'x')
    at(0).group.close()
    void add('a', 'y')
    vi.advanceTimersByTime(slowMs - 1)
    expect(keys()).toEqual(['a', 'b'])
    vi.advanceTimersByTime(1)
    expect(keys()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('let up to maxSlowGroupsOfKey groups of their own key start, too', async () => {
    fakeTime()
    const { add, at, serve, keys } = open({ maxGroups: 10, maxSlowGroupsOfKey: 2 })
    void add('a', 'x')
    for (const index of [0, 1, 2]) {
      at(index).group.close()
      void add('a', 'y')
      vi.advanceTimersByTime(slowMs)
      expect(keys()).toHaveLength(Math.min(index + 2, 3))
    }
    await serve(1)
    expect(keys()).toHaveLength(4)
  })

  test('beyond maxSlowGroups count like others, until a slow one is done', async () => {
    fakeTime()
    const { add, serve, keys } = open({ maxSlowGroups: 1 })
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) void add(key, 'x')
    vi.advanceTimersByTime(slowMs)
    expect(keys()).toEqual(['a', 'b', 'c'])
    vi.advanceTimersByTime(10 * slowMs)
    expect(keys()).toEqual(['a', 'b', 'c'])
    // Of three slow groups, one is done: still, one of two counts.
    await serve(1)
    expect(keys()).toEqual(['a', 'b', 'c', 'd'])
    await serve(0)
    expect(keys()).toEqual(['a', 'b', 'c', 'd', 'e'])
    // Then one slow group is left, and one that is not slow.
    await serve(3)
    expect(keys()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('leave no room behind when they are done', async () => {
    fakeTime()
    const { add, serve, keys } = open({ maxSlowGroups: 2 })
    for (const key of ['a', 'b']) void add(key, 'x')
    vi.advanceTimersByTime(slowMs)
    await serve(0)
    await serve(1)
    for (const key of ['c', 'd', 'e', 'f']) void add(key, 'x')
    expect(keys()).toEqual(['a', 'b', 'c', 'd'])
    // Those that are done do not become slow.
    await serve(2)
    await serve(3)
    expect(keys()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('count like others unless maxSlowGroups is given', () => {
    fakeTime()
    const { add, keys } = open()
    for (const key of ['a', 'b', 'c']) void add(key, 'x')
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(10 * slowMs)
    expect(keys()).toEqual(['a', 'b'])
  })

  test('need one timer for each group, which ends with it', async () => {
    fakeTime()
    const { add, at, serve } = open({ maxSlowGroups: 2, maxGroupsOfKey: 2 })
    void add('a', 'x', 'y', 'z')
    expect(vi.getTimerCount()).toBe(1)
    at(0).group.close()
    const failing = add('a', 'x')
    expect(vi.getTimerCount()).toBe(2)
    at(0).group.release()
    expect(vi.getTimerCount()).toBe(1)
    at(1).serving.reject(new Error('no connection'))
    await expect(failing).rejects.toThrow('no connection')
    await serve(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('do not keep the process alive', () => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    try {
      void open({ maxSlowGroups: 2 }).add('a', 'x')
      expect(timers.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([false])
    } finally {
      timers.mockRestore()
    }
  })
})

describe('an item', () => {
  test('settles on its own if its result is a promise, without holding back other groups', async () => {
    const { groups, at, serve } = open()
    const [good, bad, late] = ['good', 'bad', 'late'].map((item) => groups.add(['a'], item))
    const later = Promise.withResolvers<string>()
    at(0).group.close()
    const next = groups.add(['a'], 'next')
    at(0).serving.resolve(['fine', Promise.reject(new Error('bad input')), later.promise])
    await expect(bad).rejects.toThrow('bad input')
    expect(await good).toBe('fine')
    await serve(1)
    expect(await next).toBe('NEXT')
    later.resolve('at last')
    expect(await late).toBe('at last')
  })

  test.each([true, false])(
    'fails with its group (closed before: %s), and the next is served',
    async (isClosed) => {
      const { groups, add, at, serve } = open()
      const failing = ['p', 'q', 'r'].map((item) => groups.add(['a'], item))
      const next = add('a', 's')
      if (isClosed) at(0).group.close()
      at(0).serving.reject(new Error('no connection'))
      for (const result of failing) await expect(result).rejects.toThrow('no connection')
      await serve(1)
      expect(await next).toEqual(['S'])
    },
  )

  test('fails if its group does not get a result for each item', async () => {
    const { groups, at } = open()
    const results = ['p', 'q'].map((item) => groups.add(['a'], item))
    at(0).group.close()
    at(0).serving.resolve(['P'])
    for (const result of results) await expect(result).rejects.toThrow('A group of 2 items got 1 results.')
  })
})
