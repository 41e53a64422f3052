import { facts } from '../telemetry/facts.ts'
import { beginGroupWait, inGroup, type WaitingTrace } from '../telemetry/spans.ts'

/** After how long a group in flight is slow. Such a transaction usually waits for a lock, and does not use the disk. */
export const slowMs = 100

/** Items of one key that are served together. */
export interface Group<Item> {
  /**
   * Closes the group and returns its items, at least one, in order of arrival. Later items go into the next group, so
   * call it as late as possible: when a connection has been acquired. Further calls return the same items.
   */
  close(): readonly Item[]
  /** Lets the next group start before `serve` has resolved. Further calls do nothing. */
  release(): void
}

export interface GroupsOptions<Key extends readonly string[], Item, Result> {
  /** What the items are, as metrics and traces say it: "claims". */
  of: string
  /** Groups in flight at a time, of all keys, besides `maxSlowGroups`. */
  maxGroups: number
  /**
   * Slow groups that do not count toward `maxGroups`, so that a key that waits for a lock does not hold back the others. At
   * most `maxGroups` + `maxSlowGroups` groups are in flight; further slow ones count like others. 0 by default.
   */
  maxSlowGroups?: number
  /** Groups of one key in flight at a time, besides `maxSlowGroupsOfKey`; 1 by default. */
  maxGroupsOfKey?: number
  /** Slow groups of one key that do not count toward `maxGroupsOfKey`; 0 by default. */
  maxSlowGroupsOfKey?: number
  /** The weight of one group, in items; an item that weighs more is a group of its own. */
  maxItems: number
  /** How many usual items an item counts for; 1 by default. */
  weightOf?: (item: Item) => number
  /**
   * Serves a group. Resolves to one result for each item, in their order. A result may be a promise, which settles its own
   * item alone. Create promises that reject after the last `await`: before, their rejections would be unhandled. If
   * `serve` rejects, so does each item of the group.
   */
  serve: (key: Key, group: Group<Item>) => Promise<readonly (Result | Promise<Result>)[]>
}

/** The result of an item, and who waits for it. */
interface Entry<Result> extends PromiseWithResolvers<Result> {
  /** Since when it has waited: only if somebody wants to know, otherwise 0. */
  since: number
  /** The traces that it belongs to. */
  traces: WaitingTrace[]
}

/** The waiting items and the groups in flight of one key. */
interface KeyGroups<Key, Item, Result> {
  name: string
  key: Key
  waiting: Map<Item, Entry<Result>>
  groups: number
  slowGroups: number
  /** Whether one of the groups has not been closed yet. */
  isOpen: boolean
}

/**
 * Group commit by key. An item is served immediately if its key has fewer than `maxGroupsOfKey` groups in flight, and all
 * keys together fewer than `maxGroups`, not counting up to `maxSlowGroupsOfKey` and `maxSlowGroups` that have been in flight
 * for `slowMs`. Items that wait for the same key are served together by its next group. Keys that wait for each other get one
 * group each, in the order in which they began to wait.
 *
 * Equal items (as keys of a Map) that wait for the same key are one item with one result.
 */
export class Groups<Key extends readonly string[], Item, Result> {
  readonly #options: GroupsOptions<Key, Item, Result>
  /** The keys with waiting items or groups in flight, by name. */
  readonly #keys = new Map<string, KeyGroups<Key, Item, Result>>()
  /** Those whose next group may start as soon as `maxGroups` allows. */
  readonly #ready = new Set<KeyGroups<Key, Item, Result>>()
  /** In flight, slow or not. */
  #groups = 0
  #slowGroups = 0

  constructor(options: GroupsOptions<Key, Item, Result>) {
    this.#options = options
  }

  /** How many items of a key wait. Items of closed groups no longer do. */
  waiting(key: Key): number {
    return this.#keys.get(nameOf(key))?.waiting.size ?? 0
  }

  isWaiting(key: Key, item: Item): boolean {
    return this.#keys.get(nameOf(key))?.waiting.has(item) ?? false
  }

  /**
   * Has an item served. Settles as its result does, and rejects with the error of its group if that fails. The parts of a
   * key must not contain spaces.
   */
  add(key: Key, item: Item): Promise<Result> {
    const name = nameOf(key)
    const ofKey = this.#keys.get(name) ?? newKeyGroups<Key, Item, Result>(name, key)
    this.#keys.set(name, ofKey)
    const entry = ofKey.waiting.get(item) ?? newEntry<Result>()
    ofKey.waiting.set(item, entry)
    const trace = beginGroupWait()
    if (trace !== undefined) entry.traces.push(trace)
    this.#startNext(ofKey)
    return entry.promise
  }

  /** Starts the groups that may start, after a change of a key. */
  #startNext(changed: KeyGroups<Key, Item, Result>): void {
    const { maxGroupsOfKey = 1, maxSlowGroupsOfKey = 0 } = this.#options
    if (changed.waiting.size > 0) {
      const counted = changed.groups - Math.min(changed.slowGroups, maxSlowGroupsOfKey)
      if (!changed.isOpen && counted < maxGroupsOfKey) this.#ready.add(changed)
    } else if (changed.groups === 0) this.#keys.delete(changed.name)
    this.#startReady()
  }

  #startReady(): void {
    const { maxGroups, maxSlowGroups = 0 } = this.#options
    for (const ofKey of this.#ready) {
      if (this.#groups - Math.min(this.#slowGroups, maxSlowGroups) >= maxGroups) return
      this.#ready.delete(ofKey)
      void this.#serve(ofKey)
    }
  }

  /** Serves one group. A failure rejects its items, not this promise. */
  async #serve(ofKey: KeyGroups<Key, Item, Result>): Promise<void> {
    this.#groups += 1
    ofKey.groups += 1
    ofKey.isOpen = true
    let closed: { items: readonly Item[]; entries: Entry<Result>[] } | undefined
    const began = facts.group.isWanted ? performance.now() : 0
    let waitsMs: readonly number[] = []
    const close = () => {
      if (closed === undefined) {
        closed = removeFirst(ofKey.waiting, this.#options)
        if (began > 0) waitsMs = waitsUntil(performance.now(), closed.entries)
        ofKey.isOpen = false
        this.#startNext(ofKey)
      }
      return closed
    }
    const stopWatch = this.#watch(ofKey)
    let isReleased = false
    const release = () => {
      if (isReleased) return
      isReleased = true
      stopWatch()
      this.#groups -= 1
      ofKey.groups -= 1
      this.#startNext(ofKey)
      if (began > 0)
        facts.group.tell({ of: this.#options.of, waitsMs, durationMs: performance.now() - began })
    }
    const { of, serve } = this.#options
    // Others may still join it.
    const [first] = ofKey.waiting.values()
    try {
      const results = await inGroup(of, first?.traces ?? [], (span) =>
        serve(ofKey.key, {
          close: () => {
            const { items, entries } = close()
            span?.join(
              entries.flatMap(({ traces }) => traces),
              items.length,
            )
            return items
          },
          release,
        }),
      )
      const { entries } = close()
      if (results.length !== entries.length)
        throw new Error(`A group of ${entries.length} items got ${results.length} results.`)
      for (const [at, result] of results.entries()) entries[at]?.resolve(result)
    } catch (error) {
      // A group that was not closed yet fails for the items that were waiting for it.
      for (const { reject } of close().entries) reject(error)
    } finally {
      release()
    }
  }

  /** Counts a group as slow from `slowMs` after its start until the returned function is called. */
  #watch(ofKey: KeyGroups<Key, Item, Result>): () => void {
    const { maxSlowGroups = 0, maxSlowGroupsOfKey = 0 } = this.#options
    if (maxSlowGroups === 0 && maxSlowGroupsOfKey === 0) return () => {}
    const count = (change: 1 | -1) => {
      this.#slowGroups += change
      ofKey.slowGroups += change
    }
    let isSlow = false
    const timeout = setTimeout(() => {
      isSlow = true
      count(1)
      this.#startNext(ofKey)
    }, slowMs).unref()
    return () => {
      clearTimeout(timeout)
      if (isSlow) count(-1)
    }
  }
}

function newKeyGroups<Key, Item, Result>(name: string, key: Key): KeyGroups<Key, Item, Result> {
  return { name, key, waiting: new Map(), groups: 0, slowGroups: 0, isOpen: false }
}

function newEntry<Result>(): Entry<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>()
  return { promise, resolve, reject, since: facts.group.isWanted ? performance.now() : 0, traces: [] }
}

/** How long each of the entries has waited by now, without those that came before somebody wanted to know. */
function waitsUntil(now: number, entries: readonly { since: number }[]): number[] {
  return entries.filter(({ since }) => since > 0).map(({ since }) => now - since)
}

function removeFirst<Item, Entry>(
  waiting: Map<Item, Entry>,
  { maxItems, weightOf = () => 1 }: { maxItems: number; weightOf?: (item: Item) => number },
): { items: Item[]; entries: Entry[] } {
  const items: Item[] = []
  const entries: Entry[] = []
  let weight = 0
  for (const [item, entry] of waiting) {
    weight += weightOf(item)
    if (weight > maxItems && items.length > 0) break
    waiting.delete(item)
    items.push(item)
    entries.push(entry)
  }
  return { items, entries }
}

function nameOf(key: readonly string[]): string {
  return key.join(' ')
}
