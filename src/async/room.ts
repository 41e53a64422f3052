import { beginWait } from '../telemetry/spans.ts'

// The share of the room that one key may use, so that some is left for others.
const maxShareOfKey = 1 / 2

interface Entry {
  needed: number
  isWanted: () => boolean
  /** Says whether the work begins; otherwise it is dropped. */
  decide: (begins: boolean) => void
}

/** The work of one key. */
interface KeyState {
  waiting: Entry[]
  /** How much of the room its running work has acquired. */
  used: number
}

interface Next {
  key: string
  queue: KeyState
  entry: Entry
}

/**
 * A weighted semaphore that is fair among keys. Each job acquires as much of the room as it needs, or all of it if it
 * needs more, and releases it at the end. A key has at most half of the room, unless a single job needs more. Work starts
 * round-robin by key, first of keys that have nothing running; within a key, in order of arrival.
 */
export class Room {
  readonly #size: number
  /** Keys with waiting or running work, in the order in which they are served. */
  readonly #queues = new Map<string, KeyState>()
  #free: number

  constructor(size: number) {
    this.#size = size
    this.#free = size
  }

  /**
   * Runs `work` as soon as there is room, and settles as it does. Resolves to undefined without running it if `isWanted`
   * returns false just before.
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
    queue.waiting.push({ needed: acquired, isWanted, decide: resolve })
    const endWait = beginWait('wait for memory')
    this.#beginNext()
    const begins = await promise
    endWait()
    if (!begins) return undefined
    try {
      return await work()
    } finally {
      queue.used -= acquired
      this.#free += acquired
      this.#moveToEnd(key, queue)
      this.#beginNext()
    }
  }

  /** Starts what fits. Work that does not fit yet holds back everything after it, so that it cannot starve. */
  #beginNext(): void {
    for (let next = this.#findNext(); next !== undefined; next = this.#findNext()) {
      const { key, queue, entry } = next
      if (entry.needed > this.#free) return
      queue.waiting.shift()
      queue.used += entry.needed
      this.#free -= entry.needed
      this.#moveToEnd(key, queue)
      entry.decide(true)
    }
  }

  #findNext(): Next | undefined {
    let next: Next | undefined
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

  /** Moves a key to the end of the order, or removes it if nothing of it waits or runs. */
  #moveToEnd(key: string, queue: KeyState): void {
    this.#queues.delete(key)
    if (queue.used > 0 || queue.waiting.length > 0) this.#queues.set(key, queue)
  }
}

/** Drops entries that are no longer wanted, up to the first one that is. */
function dropUnwanted({ waiting }: KeyState): void {
  const found = waiting.findIndex(({ isWanted }) => isWanted())
  const dropped = waiting.splice(0, found === -1 ? waiting.length : found)
  for (const { decide } of dropped) decide(false)
}
