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
  readonly apiKey: DataLoader<string, ApiKey | null>
  readonly format: DataLoader<string, Format | null>
  readonly pool: DataLoader<string, PoolState | null>
  readonly task: DataLoader<string, Task | null>
  /** What an upload waits for. Null for one that does not wait. */
  readonly uploadWait: DataLoader<string, UploadWait | null>
  /** Where the codes are that a task has added. */
  readonly addedCodes: DataLoader<string, AddedCodes>
  /** How the file of an upload begins. Null if that is not known yet, or no longer. */
  readonly uploadBeginning: DataLoader<string, FileBeginning | null>
  /** What has become of claimed codes. Loaded once for each object that stands for a code, so that its fields agree. */
  readonly usage: DataLoader<ClaimedPlace, Usage>
  readonly redemption: DataLoader<string, Redemption | null>
  /** Claimed codes by where they are. */
  readonly claimedCode: DataLoader<ClaimedPlace, Code, string>
  readonly webhook: DataLoader<string, Webhook | null>
  /** The events that a webhook has not come to. Null if it does not exist any more. */
  readonly webhookBacklog: DataLoader<string, Backlog | null>
  /** Until when a secret of a webhook signs that has been replaced. Null if none does. */
  readonly webhookOverlap: DataLoader<string, Date | null>
  #moment: Partial<Accepted> = {}

  constructor(books: Books, accountId: string, { cache }: { cache: boolean }) {
    this.apiKey = byId('API key', cache, (ids) =>
      books.prisma.apiKey.findMany({ where: { accountId, id: { in: [...ids] } } }),
    )
    this.format = byId('format', cache, async (ids) =>
      asOf(await readFormats(books, accountId, ids), this.#moment.format),
    )
    this.pool = byId('pool', cache, async (ids) =>
      asOf(await readPools(books, accountId, ids), this.#moment.pool),
    )
    this.task = byId('task', cache, async (ids) => {
      const tasks = await readTasks(books, accountId, ids)
      return tasks.map((task) => (task.id === this.#moment.taskId ? asAccepted(task) : task))
    })
    this.uploadWait = new DataLoader(
      async (ids) => {
        const waits = await readUploadWaits(books, accountId, [...new Set(ids)])
        return ids.map((id) => waits.get(id) ?? null)
      },
      { cache, maxBatchSize },
    )
    this.addedCodes = new DataLoader((ids) => readAddedCodes(books, accountId, ids), { cache, maxBatchSize })
    this.uploadBeginning = new DataLoader(
      async (ids) => {
        const beginnings = await readBeginnings(books, accountId, [...new Set(ids)])
        return ids.map((id) => beginnings.get(id) ?? null)
      },
      { cache, maxBatchSize },
    )
    this.webhook = byId('webhook', cache, (ids) => readWebhooks(books, accountId, ids))
    this.webhookBacklog = new DataLoader(
      async (ids) => {
        const backlogs = await readBacklogs(books, accountId, ids)
        return ids.map((id) => backlogs.get(id) ?? null)
      },
      { cache, maxBatchSize },
    )
    this.webhookOverlap = new DataLoader(
      async (ids) => {
        const ends = await readOverlapEnds(books, accountId, ids, books.now())
        return ids.map((id) => ends.get(id) ?? null)
      },
      { cache, maxBatchSize },
    )
    const reading = new Semaphore(maxCodeReads)
    this.usage = new DataLoader((places) => reading.run(() => readUsage(books, accountId, places)), {
      cacheMap: whileInMemory(),
      maxBatchSize: maxCodes,
    })
    this.redemption = byId('redemption', cache, (ids) => readRedemptions(books, accountId, ids))
    this.claimedCode = new DataLoader(
      (places) => reading.run(() => readClaimedCodes(books, accountId, places)),
      { cache, maxBatchSize: maxCodes, cacheKeyFn: ({ poolId, position }) => `${poolId}:${position}` },
    )
  }

  /** From now on, loads this pool and this format as they are here, and the task as it was when it was accepted. */
  showAsOf(moment: Partial<Accepted>): void {
    this.#moment = moment
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

function byId<Row extends { id: string }>(
  name: string,
  cache: boolean,
  load: (ids: readonly string[]) => Promise<Row[]>,
): DataLoader<string, Row | null> {
  return new DataLoader(
    async (ids) => {
      const rows = new Map((await load([...new Set(ids)])).map((row) => [row.id, row]))
      return ids.map((id) => rows.get(id) ?? null)
    },
    { name, cache, maxBatchSize },
  )
}

/** The rows, one of them as a transaction has read or changed it, if it did. */
function asOf<Row extends Then, Then extends { id: string }>(
  rows: readonly Row[],
  then: Then | undefined,
): Row[] {
  return rows.map((row) => (row.id === then?.id ? { ...row, ...then } : row))
}
