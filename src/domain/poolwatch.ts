import type { Logger } from 'pino'
import { isUnavailable } from '../database/errors.ts'
import type { Pool } from '../generated/prisma/client.ts'
import type { Books } from './books.ts'

const lookEveryMs = 1_000

/**
 * Follows pools for those who watch their counts. Claims tell nobody of themselves, so that they cost nothing
 * where nobody watches: once a second, the pools that somebody in this process watches are read, all together.
 */
export class PoolWatch {
  readonly #books: Books
  readonly #log: Logger
  readonly #timer: NodeJS.Timeout
  /** Who waits for the next look, by account and pool. */
  #asking = new Map<string, Asking>()
  #looking = false

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
    let shown = pool
    yield shown
    while (!signal.aborted) {
      const now = await this.#next(pool, signal)
      if (now === undefined || !differs(now, shown)) continue
      shown = now
      yield shown
    }
  }

  /** The pool as the next look finds it; nothing when `signal` is aborted first. */
  async #next({ accountId, id }: Pool, signal: AbortSignal): Promise<Pool | undefined> {
    const { promise, resolve } = Promise.withResolvers<Pool | undefined>()
    const leave = () => resolve(undefined)
    const name = `${accountId} ${id}`
    const asking = this.#asking.get(name) ?? { accountId, id, waiting: new Set() }
    asking.waiting.add(resolve)
    this.#asking.set(name, asking)
    signal.addEventListener('abort', leave)
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  #look(): void {
    if (this.#asking.size === 0 || this.#looking) return
    const asking = this.#asking
    this.#asking = new Map()
    this.#looking = true
    this.#read([...asking.values()])
      .catch((error: unknown) => {
        if (isUnavailable(error))
          this.#log.warn({ err: error }, 'watched pools are out of reach; trying again')
        else this.#log.error({ err: error }, 'watched pools could not be read; trying again')
        for (const { waiting } of asking.values()) for (const resolve of waiting) resolve(undefined)
      })
      .finally(() => {
        this.#looking = false
      })
  }

  async #read(asking: readonly Asking[]): Promise<void> {
    const pools = await this.#books.prisma.pool.findMany({
      where: { OR: asking.map(({ accountId, id }) => ({ accountId, id })) },
    })
    const found = new Map(pools.map((pool) => [`${pool.accountId} ${pool.id}`, pool]))
    for (const { accountId, id, waiting } of asking)
      for (const resolve of waiting) resolve(found.get(`${accountId} ${id}`))
  }
}

/** Who waits for a pool. */
interface Asking {
  accountId: string
  id: string
  waiting: Set<(pool: Pool | undefined) => void>
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
