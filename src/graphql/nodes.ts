import DataLoader, { type CacheMap } from 'dataloader'
import { Semaphore } from '../async/semaphore.ts'
import type { FileBeginning } from '../codefile/first-rows.ts'
import type { Books } from '../domain/books/books.ts'
import { readClaimedCodes } from '../domain/code/claimed-codes.ts'
import type { Code } from '../domain/code/code.ts'
import { type Format, readFormats } from '../domain/format/format.ts'
import { type Accepted, asAccepted, readTasks, type Task } from '../domain/generation/task.ts'
import type { ClaimedPlace } from '../domain/pool/batch.ts'
import { type PoolState, readPools } from '../domain/pool/pool.ts'
import { readRedemptions } from '../domain/redemption/redemption.ts'
import { type AddedCodes, readAddedCodes } from '../domain/stock/added-codes.ts'
import { readBeginnings } from '../domain/upload/beginning.ts'
import { readUploadWaits, type UploadWait } from '../domain/upload/queue.ts'
import { type Redemption, readUsage, type Usage } from '../domain/usage/usage.ts'
import { readOverlapEnds } from '../domain/webhook/secrets.ts'
import { type Backlog, readBacklogs, readWebhooks, type Webhook } from '../domain/webhook/webhook.ts'
import type { ApiKey } from '../generated/prisma/client.ts'

const maxBatchSize = 10_000

// A long list of codes is loaded in several batches. They must not occupy the database's connections.
const maxCodes = 1_000
const maxCodeReads = 2

/**
 * Loads nodes of an account by their ids, null where there is none. Loads of the same iteration of the event loop share
 * a query.
 *
 * With `cache`, as for the payload of a mutation, each node is loaded once, so that it is the same throughout the answer
 * even if it changes in the meantime. Otherwise nothing is cached, since a subscription is long-lived.
 *
 * Where Prisma is used, and where not: pools, formats and tasks are read by SQL in the domain, which the rules need for its
 * locks and its BigInts, and have one shape everywhere. Accounts and API keys are Prisma's rows, and so are the types of
 * their nodes. Fields that lead to a node use these loaders, not the relations of Pothos's Prisma plugin, which would return
 * the node as it is now instead of as of `showAsOf`. Pages do not use `prismaConnection`, which silently shortens a page that
 * is too large and has an Int for totalCount.
 */
export class Nodes {
  readonly #books: Books
  readonly #accountId: string
  readonly #cache: boolean
  readonly #reading = new Semaphore(maxCodeReads)
  #moment: Partial<Accepted> = {}
  // Made on first use: most operations need one of them, or none.
  #apiKey: DataLoader<string, ApiKey | null> | undefined
  #format: DataLoader<string, Format | null> | undefined
  #pool: DataLoader<string, PoolState | null> | undefined
  #task: DataLoader<string, Task | null> | undefined
  #uploadWait: DataLoader<string, UploadWait | null> | undefined
  #addedCodes: DataLoader<string, AddedCodes> | undefined
  #uploadBeginning: DataLoader<string, FileBeginning | null> | undefined
  #usage: DataLoader<ClaimedPlace, Usage> | undefined
  #redemption: DataLoader<string, Redemption | null> | undefined
  #claimedCode: DataLoader<ClaimedPlace, Code, string> | undefined
  #webhook: DataLoader<string, Webhook | null> | undefined
  #webhookBacklog: DataLoader<string, Backlog | null> | undefined
  #webhookOverlap: DataLoader<string, Date | null> | undefined

  constructor(books: Books, accountId: string, { cache }: { cache: boolean }) {
    this.#books = books
    this.#accountId = accountId
    this.#cache = cache
  }

  get apiKey(): DataLoader<string, ApiKey | null> {
    this.#apiKey ??= this.#byId('API key', (ids) =>
      this.#books.prisma.apiKey.findMany({ where: { accountId: this.#accountId, id: { in: [...ids] } } }),
    )
    return this.#apiKey
  }

  get format(): DataLoader<string, Format | null> {
    this.#format ??= this.#byId('format', async (ids) =>
      asOf(await readFormats(this.#books, this.#accountId, ids), this.#moment.format),
    )
    return this.#format
  }

  get pool(): DataLoader<string, PoolState | null> {
    this.#pool ??= this.#byId('pool', async (ids) =>
      asOf(await readPools(this.#books, this.#accountId, ids), this.#moment.pool),
    )
    return this.#pool
  }

  get task(): DataLoader<string, Task | null> {
    this.#task ??= this.#byId('task', async (ids) => {
      const tasks = await readTasks(this.#books, this.#accountId, ids)
      return tasks.map((task) => (task.id === this.#moment.taskId ? asAccepted(task) : task))
    })
    return this.#task
  }

  /** What an upload waits for. Null for one that does not wait. */
  get uploadWait(): DataLoader<string, UploadWait | null> {
    this.#uploadWait ??= this.#found((ids) => readUploadWaits(this.#books, this.#accountId, ids))
    return this.#uploadWait
  }

  /** Where the codes are that a task has added. */
  get addedCodes(): DataLoader<string, AddedCodes> {
    this.#addedCodes ??= new DataLoader((ids) => readAddedCodes(this.#books, this.#accountId, ids), {
      cache: this.#cache,
      maxBatchSize,
    })
    return this.#addedCodes
  }

  /** How the file of an upload begins. Null if that is not known yet, or no longer. */
  get uploadBeginning(): DataLoader<string, FileBeginning | null> {
    this.#uploadBeginning ??= this.#found((ids) => readBeginnings(this.#books, this.#accountId, ids))
    return this.#uploadBeginning
  }

  /** What has become of claimed codes. Loaded once for each object that stands for a code, so that its fields agree. */
  get usage(): DataLoader<ClaimedPlace, Usage> {
    this.#usage ??= new DataLoader(
      (places) => this.#reading.run(() => readUsage(this.#books, this.#accountId, places)),
      { cacheMap: whileInMemory(), maxBatchSize: maxCodes },
    )
    return this.#usage
  }

  get redemption(): DataLoader<string, Redemption | null> {
    this.#redemption ??= this.#byId('redemption', (ids) => readRedemptions(this.#books, this.#accountId, ids))
    return this.#redemption
  }

  /** Claimed codes by where they are. */
  get claimedCode(): DataLoader<ClaimedPlace, Code, string> {
    this.#claimedCode ??= new DataLoader(
      (places) => this.#reading.run(() => readClaimedCodes(this.#books, this.#accountId, places)),
      {
        cache: this.#cache,
        maxBatchSize: maxCodes,
        cacheKeyFn: ({ poolId, position }) => `${poolId}:${position}`,
      },
    )
    return this.#claimedCode
  }

  get webhook(): DataLoader<string, Webhook | null> {
    this.#webhook ??= this.#byId('webhook', (ids) => readWebhooks(this.#books, this.#accountId, ids))
    return this.#webhook
  }

  /** The events that a webhook has not come to. Null if it does not exist any more. */
  get webhookBacklog(): DataLoader<string, Backlog | null> {
    this.#webhookBacklog ??= this.#found((ids) => readBacklogs(this.#books, this.#accountId, ids))
    return this.#webhookBacklog
  }

  /** Until when a secret of a webhook signs that has been replaced. Null if none does. */
  get webhookOverlap(): DataLoader<string, Date | null> {
    this.#webhookOverlap ??= this.#found((ids) =>
      readOverlapEnds(this.#books, this.#accountId, ids, this.#books.now()),
    )
    return this.#webhookOverlap
  }

  /** From now on, loads this pool and this format as they are here, and the task as it was when it was accepted. */
  showAsOf(moment: Partial<Accepted>): void {
    this.#moment = moment
  }

  /** Loads rows by their ids, under a name for errors. */
  #byId<Row extends { id: string }>(
    name: string,
    load: (ids: readonly string[]) => Promise<Row[]>,
  ): DataLoader<string, Row | null> {
    return this.#found(async (ids) => new Map((await load(ids)).map((row) => [row.id, row])), name)
  }

  /** Loads what there is for ids, and null for the others. */
  #found<Value>(
    load: (ids: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
    name: string | null = null,
  ): DataLoader<string, Value | null> {
    return new DataLoader(
      async (ids) => {
        const found = await load([...new Set(ids)])
        return ids.map((id) => found.get(id) ?? null)
      },
      { name, cache: this.#cache, maxBatchSize },
    )
  }
}

/** A row that another one refers to. Rejects if there is none, which foreign keys rule out (of events: the audit). */
export async function existing<Row>(rows: DataLoader<string, Row | null>, id: string): Promise<Row> {
  const row = await rows.load(id)
  if (row === null)
    throw new Error(`The ${rows.name} ${id} does not exist, although another row refers to it.`)
  return row
}

/** Caches values of objects for as long as these are in memory. */
function whileInMemory<Key extends object, Value>(): CacheMap<Key, Value> {
  let values = new WeakMap<Key, Value>()
  return {
    get: (key) => values.get(key),
    set: (key, value) => values.set(key, value),
    delete: (key) => values.delete(key),
    clear: () => {
      values = new WeakMap()
    },
  }
}

/** The rows, one of them as a transaction has read or changed it, if it did. */
function asOf<Row extends Then, Then extends { id: string }>(
  rows: readonly Row[],
  then: Then | undefined,
): Row[] {
  return rows.map((row) => (row.id === then?.id ? { ...row, ...then } : row))
}
