// What the work of one key may use, so that there is always some left for another key.
const maxShareOfKey = 1 / 2

interface Entry {
  needed: number
  isWanted: () => boolean
  begin: () => void
  drop: () => void
}

/** The work of one key. */
interface KeyQueue {
  waiting: Entry[]
  /** How much of the room its running work uses. */
  used: number
}

interface Candidate {
  key: string
  queue: KeyQueue
  entry: Entry
}

/**
 * A weighted semaphore that is fair among keys: each piece of work acquires as much of a fixed size as it needs, and
 * releases it when it is done. One that needs more than the whole acquires the whole. A key has at most half, unless a
 * single piece needs more. Work that waits begins round-robin by key, first for keys that have nothing running; within a
 * key in order of arrival. Semaphore has neither weights nor keys, and lets one caller use all of it.
 */
export class Room {
  readonly #size: number
  /** Keys that have work waiting or running, in the order in which they are served. */
  readonly #queues = new Map<string, KeyQueue>()
  #free: number

  constructor(size: number) {
    this.#size = size
    this.#free = size
  }

  /**
   * Runs `work` as soon as there is room, and settles as it does. `isWanted` is called once, just before that: if it
   * returns false, `work` is not run, and this resolves to undefined.
   */
  async run<T>(
    key: string,
    { needed, isWanted }: { needed: number; isWanted: () => boolean },
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    const queue = this.#queues.get(key) ?? { waiting: [], used: 0 }
    this.#queues.set(key, queue)
    const acquired = Math.min(needed, this.#size)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    queue.waiting.push({
      needed: acquired,
      isWanted,
      begin: () => resolve(true),
      drop: () => resolve(false),
    })
    this.#beginNext()
    if (!(await promise)) return undefined
    try {
      return await work()
    } finally {
      queue.used -= acquired
      this.#free += acquired
      this.#moveToEnd(key, queue)
      this.#beginNext()
    }
  }

  /** Begins what fits. Work that does not fit holds back all that comes after it, so that it cannot starve. */
  #beginNext(): void {
    for (let next = this.#findNext(); next !== undefined; next = this.#findNext()) {
      const { key, queue, entry } = next
      if (entry.needed > this.#free) return
      queue.waiting.shift()
      queue.used += entry.needed
      this.#free -= entry.needed
      this.#moveToEnd(key, queue)
      entry.begin()
    }
  }

  #findNext(): Candidate | undefined {
    let next: Candidate | undefined
    for (const [key, queue] of this.#queues) {
      dropUnwanted(queue)
      const [entry] = queue.waiting
      if (entry === undefined) {
        if (queue.used === 0) this.#queues.delete(key)
      } else if (queue.used === 0) return { key, queue, entry }
      else if (queue.used + entry.needed <= this.#size * maxShareOfKey) next ??= { key, queue, entry }
    }
    return next
  }

  /** Moves a key to the end of the order, or removes it if it has nothing waiting or running. */
  #moveToEnd(key: string, queue: KeyQueue): void {
    this.#queues.delete(key)
    if (queue.used > 0 || queue.waiting.length > 0) this.#queues.set(key, queue)
  }
}

/** Drops the entries at the front that are no longer wanted. */
function dropUnwanted({ waiting }: KeyQueue): void {
  const found = waiting.findIndex(({ isWanted }) => isWanted())
  const dropped = waiting.splice(0, found === -1 ? waiting.length : found)
  for (const { drop } of dropped) drop()
}
