import type { Logger } from 'pino'
import { isUnavailable } from '../../database/errors.ts'
import type { Pool, Task } from '../../generated/prisma/client.ts'
import type { Books } from '../books/books.ts'
import { Sleeper, Sleepers } from '../sleepers.ts'
// biome-ignore lint/plugin: what uploads wait for is still read here
import { readUploadWaits, type UploadWait } from '../upload/receive.ts'

const lookEveryMs = 1_000

const readAtOnce = 5_000

/** What names a row. */
export interface RowName {
  accountId: string
  id: string
}

export interface WatchOptions<Row> {
  /** What the rows are, for the log. */
  what: string
  /** Reads those of the rows that exist. */
  read: (names: readonly RowName[]) => Promise<Row[]>
  /** Whether a row has changed in a way that a watcher would want to hear of. */
  differs: (a: Row, b: Row) => boolean
  log: Logger
}

/**
 * Follows rows for those who watch them. Whoever changes a row tells nobody, so that it costs nothing where nobody
 * watches: once a second, the rows that somebody in this process watches are read, all together. Those that are shown
 * the same state are shown the same object.
 */
export class Watch<Row extends RowName> {
  readonly #options: WatchOptions<Row>
  readonly #timer: NodeJS.Timeout
  readonly #watched = new Map<string, Watched<Row>>()
  #looking = false
  /** How many looks have begun. */
  #looks = 0

  constructor(options: WatchOptions<Row>) {
    this.#options = options
    this.#timer = setInterval(() => this.#look(), lookEveryMs)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** `row`, then as it is whenever it has changed, at most once a second, until `signal` is aborted. */
  async *after(row: Row, signal: AbortSignal): AsyncGenerator<Row> {
    const { differs } = this.#options
    const watched = this.#watch(row)
    const sleeper = new Sleeper(signal)
    // One that has begun already may find the row as it was before `row` was read.
    const firstLook = this.#looks + 1
    watched.newestFirstLook = firstLook
    try {
      let shown = row
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

  #watch(row: Row): Watched<Row> {
    const watched = this.#watched.get(textOf(row)) ?? new Watched<Row>(row)
    this.#watched.set(textOf(row), watched)
    watched.watchers += 1
    return watched
  }

  #leave(watched: Watched<Row>): void {
    watched.watchers -= 1
    if (watched.watchers === 0) this.#watched.delete(textOf(watched))
  }

  #look(): void {
    if (this.#watched.size === 0 || this.#looking) return
    this.#looking = true
    this.#looks += 1
    const { what, log } = this.#options
    this.#read([...this.#watched.values()])
      .catch((error: unknown) => {
        if (isUnavailable(error)) log.warn({ err: error }, `watched ${what} are out of reach; trying again`)
        else log.error({ err: error }, `watched ${what} could not be read; trying again`)
      })
      .finally(() => {
        this.#looking = false
      })
  }

  async #read(watched: readonly Watched<Row>[]): Promise<void> {
    const { read, differs } = this.#options
    for (let start = 0; start < watched.length; start += readAtOnce)
      for (const row of await read(watched.slice(start, start + readAtOnce)))
        this.#watched.get(textOf(row))?.tell(row, this.#looks, differs)
  }
}

/** A row that somebody watches. */
class Watched<Row extends RowName> {
  readonly accountId: string
  readonly id: string
  readonly sleepers = new Sleepers()
  watchers = 0
  /** The first look that tells something to the watcher who came last. */
  newestFirstLook = 0
  /** As it was at the last look, and which one that was; nothing before the first. */
  now: Row | undefined
  look = 0

  constructor({ accountId, id }: Row) {
    this.accountId = accountId
    this.id = id
  }

  tell(row: Row, look: number, differs: (a: Row, b: Row) => boolean): void {
    const isOther = this.now === undefined || differs(row, this.now)
    if (isOther) this.now = row
    this.look = look
    if (isOther || look <= this.newestFirstLook) this.sleepers.wakeAll()
  }
}

function textOf({ accountId, id }: RowName): string {
  return `${accountId} ${id}`
}

/** Follows the counts, the settings and the names of pools. */
export function watchPools({ prisma }: Books, log: Logger): Watch<Pool> {
  // One statement whatever their number: a condition for each would take longer to write and to plan than to answer.
  const read = (names: readonly RowName[]) => prisma.$queryRaw<Pool[]>`
    SELECT account_id AS "accountId", id, name, method, format_id AS "formatId", quantity,
      auto_generate AS "autoGenerate", refill_threshold AS "refillThreshold", total, claimed,
      refill_failed_at AS "refillFailedAt", created_at AS "createdAt"
    FROM unnest(${names.map(({ accountId }) => accountId)}::uuid[], ${names.map(({ id }) => id)}::uuid[])
      AS watched (account, pool)
    CROSS JOIN LATERAL (SELECT * FROM pool WHERE account_id = watched.account AND id = watched.pool LIMIT 1) AS pool`
  return new Watch({ what: 'pools', read, differs: poolsDiffer, log })
}

/** A task, and what it waits for, if it is an upload that waits. */
export type WatchedTask = Task & { waitingFor: UploadWait | undefined }

/**
 * Follows how far uploads have come and what they wait for; few are ever under way. Changes of their status are events.
 */
export function watchTasks(books: Books, log: Logger): Watch<WatchedTask> {
  const read = async (names: readonly RowName[]) => {
    const tasks = await books.prisma.task.findMany({
      where: { OR: names.map(({ accountId, id }) => ({ accountId, id })) },
    })
    const waits = new Map<string, UploadWait>()
    for (const [accountId, ofAccount] of Map.groupBy(tasks, (task) => task.accountId)) {
      const ids = ofAccount.map(({ id }) => id)
      for (const [id, wait] of await readUploadWaits(books, accountId, ids)) waits.set(id, wait)
    }
    return tasks.map((task) => ({ ...task, waitingFor: waits.get(task.id) }))
  }
  const differs = (a: WatchedTask, b: WatchedTask) =>
    a.bytesRead !== b.bytesRead || a.rowsRead !== b.rowsRead || a.waitingFor !== b.waitingFor
  return new Watch({ what: 'tasks', read, differs, log })
}

function poolsDiffer(a: Pool, b: Pool): boolean {
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
