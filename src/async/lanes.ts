/** Items of one key that are served together. */
export interface Group<Item> {
  /**
   * Closes the group and returns its items, at least one, in order of arrival. What arrives later is for the next group:
   * call it when the connection is in hand, not before. Further calls return the same items.
   */
  close(): readonly Item[]
  /** Lets the next group start before `serve` has resolved. Further calls do nothing. */
  release(): void
}

export interface LanesOptions<Key extends readonly string[], Item, Result> {
  /** Groups in flight at a time, of all keys together. */
  maxGroups: number
  /** Groups of one key in flight at a time; 1 if not given. */
  maxGroupsOfKey?: number
  /** Items of one group. */
  maxItems: number
  /**
   * Serves a group, and resolves to one result for each of its items, in their order. A result may be a promise: it settles
   * its own item alone, whenever it is settled itself. Create promises that reject after the last `await`, or they count as
   * unhandled. If `serve` rejects, so does every item of the group.
   */
  serve: (key: Key, group: Group<Item>) => Promise<readonly (Result | Promise<Result>)[]>
}

/** What one key has waiting and in flight. */
interface Lane<Key, Item, Result> {
  key: Key
  waiting: Map<Item, PromiseWithResolvers<Result>>
  groups: number
  /** Whether a group of it has started and is not closed yet. */
  isOpen: boolean
}

/**
 * Group commit by key. An item that comes alone is served at once; items of a key that arrive while it has as many groups
 * in flight as it may have are served together by the next one. Where keys wait for each other, each gets one group, in
 * the order in which they began to wait.
 *
 * Items that are equal, as keys of a Map are, and wait for the same key are one item with one result.
 */
export class Lanes<Key extends readonly string[], Item, Result> {
  readonly #options: LanesOptions<Key, Item, Result>
  /** All keys that have items waiting or groups in flight. */
  readonly #lanes = new Map<string, Lane<Key, Item, Result>>()
  /** Lanes whose next group may start, as far as only they are concerned. */
  readonly #ready = new Set<Lane<Key, Item, Result>>()
  #groups = 0

  constructor(options: LanesOptions<Key, Item, Result>) {
    this.#options = options
  }

  /** How many items of a key wait. Those of groups that are closed do not. */
  waiting(key: Key): number {
    return this.#lanes.get(nameOf(key))?.waiting.size ?? 0
  }

  isWaiting(key: Key, item: Item): boolean {
    return this.#lanes.get(nameOf(key))?.waiting.has(item) ?? false
  }

  /**
   * Has an item served, and settles as its result does; rejects with the error of its group if that fails. The parts of a
   * key must not contain spaces.
   */
  add(key: Key, item: Item): Promise<Result> {
    const lane = this.#lanes.get(nameOf(key)) ?? { key, waiting: new Map(), groups: 0, isOpen: false }
    this.#lanes.set(nameOf(key), lane)
    const entry = lane.waiting.get(item) ?? Promise.withResolvers<Result>()
    lane.waiting.set(item, entry)
    this.#startNext(lane)
    return entry.promise
  }

  /** Starts what may start now that something has changed in a lane. */
  #startNext(changed: Lane<Key, Item, Result>): void {
    const { maxGroups, maxGroupsOfKey = 1 } = this.#options
    if (changed.waiting.size > 0) {
      if (!changed.isOpen && changed.groups < maxGroupsOfKey) this.#ready.add(changed)
    } else if (changed.groups === 0) this.#lanes.delete(nameOf(changed.key))
    for (const lane of this.#ready) {
      if (this.#groups >= maxGroups) return
      this.#ready.delete(lane)
      void this.#serve(lane)
    }
  }

  /** Serves one group. Never rejects: a failure rejects its items. */
  async #serve(lane: Lane<Key, Item, Result>): Promise<void> {
    this.#groups += 1
    lane.groups += 1
    lane.isOpen = true
    let closed: { items: readonly Item[]; entries: PromiseWithResolvers<Result>[] } | undefined
    const close = () => {
      if (closed === undefined) {
        closed = removeFirst(lane.waiting, this.#options.maxItems)
        lane.isOpen = false
        this.#startNext(lane)
      }
      return closed
    }
    let isReleased = false
    const release = () => {
      if (isReleased) return
      isReleased = true
      this.#groups -= 1
      lane.groups -= 1
      this.#startNext(lane)
    }
    try {
      const results = await this.#options.serve(lane.key, { close: () => close().items, release })
      const { entries } = close()
      if (results.length !== entries.length)
        throw new Error(`A group of ${entries.length} items was given ${results.length} results.`)
      for (const [at, result] of results.entries()) entries[at]?.resolve(result)
    } catch (error) {
      // A group that fails before it is closed fails for those who were waiting for it.
      for (const { reject } of close().entries) reject(error)
    } finally {
      release()
    }
  }
}

function removeFirst<Item, Entry>(
  waiting: Map<Item, Entry>,
  count: number,
): { items: Item[]; entries: Entry[] } {
  const items: Item[] = []
  const entries: Entry[] = []
  for (const [item, entry] of waiting) {
    if (items.length === count) break
    waiting.delete(item)
    items.push(item)
    entries.push(entry)
  }
  return { items, entries }
}

function nameOf(key: readonly string[]): string {
  return key.join(' ')
}
