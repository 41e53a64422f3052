import type { Logger } from 'pino'
import { isUnavailable } from '../database/errors.ts'
import type { Pool } from '../generated/prisma/client.ts'
import type { Books } from './books.ts'
import { Sleeper, Sleepers } from './sleepers.ts'

const lookEveryMs = 1_000

// Each pool is two parameters of a statement, which can have a few ten thousand.
const readAtOnce = 5_000

/**
 * Follows pools for those who watch their counts. Claims tell nobody of themselves, so that they cost nothing
 * where nobody watches: once a second, the pools that somebody in this process watches are read, all together.
 * Those that are shown the same state are shown the same object.
 */
export class PoolWatch {
  readonly #books: Books
  readonly #log: Logger
  readonly #timer: NodeJS.Timeout
  readonly #watched = new Map<string, Watched>()
  #looking = false
  /** How many looks have begun. */
  #looks = 0

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.#log = log
    this.#timer = setInterval(() => this.#look(), lookEveryMs)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** `pool`, then as it is whenever it has changed, at most once a second, until `signal` is aborted. */
  async *after(pool: Pool, signal: AbortSignal): AsyncGenerator<Pool> {
    const watched = this.#watch(pool)
    const sleeper = new Sleeper(signal)
    // One that has begun already may find the pool as it was before `pool` was read.
    const firstLook = this.#looks + 1
    watched.newestFirstLook = firstLook
    try {
      let shown = pool
      yield shown
      while (!signal.aborted) {
        const seen = watched.sleepers.calls
        const { now, look } = watched
        if (now !== undefined && look >= firstLook && differs(now, shown)) {
          shown = now
          yield shown
        } else await watched.sleepers.sleep(sleeper, seen)
      }
    } finally {
      this.#leave(watched)
    }
  }

  #watch(pool: Pool): Watched {
    const name = nameOf(pool)
    const watched = this.#watched.get(name) ?? new Watched(pool)
    this.#watched.set(name, watched)
    watched.watchers += 1
    return watched
  }

  #leave(watched: Watched): void {
    watched.watchers -= 1
    if (watched.watchers === 0) this.#watched.delete(nameOf(watched))
  }

  #look(): void {
    if (this.#watched.size === 0 || this.#looking) return
    this.#looking = true
    this.#looks += 1
    this.#read([...this.#watched.values()])
      .catch((error: unknown) => {
        if (isUnavailable(error))
          this.#log.warn({ err: error }, 'watched pools are out of reach; trying again')
        else this.#log.error({ err: error }, 'watched pools could not be read; trying again')
      })
      .finally(() => {
        this.#looking = false
      })
  }

  async #read(watched: readonly Watched[]): Promise<void> {
    for (let start = 0; start < watched.length; start += readAtOnce) {
      const page = watched.slice(start, start + readAtOnce)
      const pools = await this.#books.prisma.pool.findMany({
        where: { OR: page.map(({ accountId, id }) => ({ accountId, id })) },
      })
      for (const pool of pools) this.#watched.get(nameOf(pool))?.tell(pool, this.#looks)
    }
  }
}

/** A pool that somebody watches. */
class Watched {
  readonly accountId: string
  readonly id: string
  readonly sleepers = new Sleepers()
  watchers = 0
  /** The first look that tells something to the watcher who came last. */
  newestFirstLook = 0
  /** As it was at the last look, and which one that was; nothing before the first. */
  now: Pool | undefined
  look = 0

  constructor({ accountId, id }: Pool) {
    this.accountId = accountId
    this.id = id
  }

  tell(pool: Pool, look: number): void {
    const isOther = this.now === undefined || differs(pool, this.now)
    if (isOther) this.now = pool
    this.look = look
    if (isOther || look <= this.newestFirstLook) this.sleepers.wakeAll()
  }
}

function nameOf({ accountId, id }: Pick<Pool, 'accountId' | 'id'>): string {
  return `${accountId} ${id}`
}

function differs(a: Pool, b: Pool): boolean {
  return (
    !a.total.equals(b.total) ||
    !a.claimed.equals(b.claimed) ||
    !a.refillThreshold.equals(b.refillThreshold) ||
    a.quantity?.toFixed() !== b.quantity?.toFixed() ||
    a.autoGenerate !== b.autoGenerate ||
    a.method !== b.method ||
    a.formatId !== b.formatId ||
    a.name !== b.name
  )
}
