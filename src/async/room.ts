// What the work of one key may take of it together, so that there is always some left for another key.
const maxShareOfKey = 1 / 2

interface Entry {
  needed: number
  isWanted: () => boolean
  begin: () => void
  drop: () => void
}

/** The work of one key. */
interface Lane {
  waiting: Entry[]
  /** How much of the room its work has. */
  taken: number
}

interface Turn {
  key: string
  lane: Lane
  entry: Entry
}

/**
 * Room that work takes while it is done, each piece as much as it needs, and never more together than there is. A key has
 * half of it at most, unless a single piece needs more. Where work has to wait, keys take turns, those first that have
 * nothing under way; work of one key begins in the order in which it came. What needs more than there is takes all of it.
 */
export class Room {
  readonly #size: number
  /** Those that have work waiting or under way, in the order of their turns. */
  readonly #lanes = new Map<string, Lane>()
  #free: number

  constructor(size: number) {
    this.#size = size
    this.#free = size
  }

  /**
   * Resolves to what `work` resolves to; to nothing if nobody wants it any more when its turn has come: then it is not
   * begun. `isWanted` is asked then, and not again.
   */
  async run<T>(
    key: string,
    { needed, isWanted }: { needed: number; isWanted: () => boolean },
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    const lane = this.#lanes.get(key) ?? { waiting: [], taken: 0 }
    this.#lanes.set(key, lane)
    const taken = Math.min(needed, this.#size)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    lane.waiting.push({
      needed: taken,
      isWanted,
      begin: () => resolve(true),
      drop: () => resolve(false),
    })
    this.#beginNext()
    if (!(await promise)) return undefined
    try {
      return await work()
    } finally {
      lane.taken -= taken
      this.#free += taken
      this.#toEnd(key, lane)
      this.#beginNext()
    }
  }

  /** Begins what there is room for, unless it is the turn of something else that has to wait for more. */
  #beginNext(): void {
    for (let turn = this.#nextTurn(); turn !== undefined; turn = this.#nextTurn()) {
      const { key, lane, entry } = turn
      if (entry.needed > this.#free) return
      lane.waiting.shift()
      lane.taken += entry.needed
      this.#free -= entry.needed
      this.#toEnd(key, lane)
      entry.begin()
    }
  }

  /** What is to begin next. */
  #nextTurn(): Turn | undefined {
    let next: Turn | undefined
    for (const [key, lane] of this.#lanes) {
      dropUnwanted(lane)
      const [entry] = lane.waiting
      if (entry === undefined) {
        if (lane.taken === 0) this.#lanes.delete(key)
      } else if (lane.taken === 0) return { key, lane, entry }
      else if (lane.taken + entry.needed <= this.#size * maxShareOfKey) next ??= { key, lane, entry }
    }
    return next
  }

  /** Gives a key that has just had something the last place in the order; one that needs nothing more has none. */
  #toEnd(key: string, lane: Lane): void {
    this.#lanes.delete(key)
    if (lane.taken > 0 || lane.waiting.length > 0) this.#lanes.set(key, lane)
  }
}

/** Drops what waits in front and is not wanted. */
function dropUnwanted({ waiting }: Lane): void {
  const found = waiting.findIndex(({ isWanted }) => isWanted())
  const dropped = waiting.splice(0, found === -1 ? waiting.length : found)
  for (const { drop } of dropped) drop()
}
