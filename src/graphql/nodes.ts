import DataLoader from 'dataloader'
import type { Books } from '../domain/books/books.ts'
import type { TaskSnapshot } from '../domain/books/event-log.ts'
import { type Format, readFormats } from '../domain/format/format.ts'
import type { Moment } from '../domain/pool/pool.ts'
import { type Pool, readPools } from '../domain/pool/pool.ts'
import { readUploadWaits, type UploadWait } from '../domain/upload/queue.ts'
import { Prisma, type Task } from '../generated/prisma/client.ts'

const maxBatchSize = 10_000

/**
 * Loads nodes of an account by their ids, null where there is none. Loads of the same iteration of the event loop share
 * a query.
 *
 * With `cache`, as for the payload of a mutation, each node is loaded once, so that it is the same throughout the answer
 * even if it changes in the meantime. Otherwise nothing is cached, since a subscription is long-lived.
 *
 * Where Prisma is used, and where not: pools and formats are read by SQL in the domain, which the rules need for its locks
 * and its BigInts, and have one shape everywhere (see Pool and Format there). Tasks, accounts and API keys are Prisma's
 * rows, and so are the types of their nodes. Fields that return a node use these loaders, not the relations and variants
 * of Pothos's Prisma plugin: those load the parent again unless a `prismaField` has read it, and would return the node as
 * it is now instead of as of `showAsOf`. Pages do not use `prismaConnection`, which silently shortens a page that is too
 * large and has an Int for totalCount.
 */
export class Nodes {
  readonly format: DataLoader<string, Format | null>
  readonly pool: DataLoader<string, Pool | null>
  readonly task: DataLoader<string, Task | null>
  /** What an upload waits for. Null for one that does not wait. */
  readonly uploadWait: DataLoader<string, UploadWait | null>
  #moment: Moment = {}

  constructor(books: Books, accountId: string, { cache }: { cache: boolean }) {
    this.format = byId(cache, async (ids) =>
      asOf(await readFormats(books, accountId, ids), this.#moment.format),
    )
    this.pool = byId(cache, async (ids) => {
      const refs = ids.map((id) => ({ accountId, id }))
      return asOf(await readPools(books, refs), this.#moment.pool)
    })
    this.task = byId(cache, async (ids) => {
      const tasks = await books.prisma.task.findMany({ where: { accountId, id: { in: padded(ids) } } })
      return tasks.map((task) => taskAtMoment(task, this.#moment.task))
    })
    this.uploadWait = new DataLoader(
      async (ids) => {
        const waits = await readUploadWaits(books, accountId, [...new Set(ids)])
        return ids.map((id) => waits.get(id) ?? null)
      },
      { cache, maxBatchSize },
    )
  }

  /** From now on, loads these nodes as they were at that moment. */
  showAsOf(moment: Moment): void {
    this.#moment = moment
  }
}

/** A row that another one refers to. Rejects if there is none, which the foreign keys of the database rule out. */
export async function existing<Row>(rows: DataLoader<string, Row | null>, id: string): Promise<Row> {
  const row = await rows.load(id)
  if (row === null) throw new Error('A row that another row refers to does not exist.')
  return row
}

/**
 * The ids, with the last one repeated until their number is a power of two. Prisma caches a query plan for each number of
 * ids, which clients choose: for 300 different numbers above a thousand the plans took 18 MB.
 */
function padded(ids: readonly string[]): string[] {
  const count = 2 ** Math.ceil(Math.log2(ids.length))
  return [...ids, ...ids.slice(-1).flatMap((last) => Array<string>(count - ids.length).fill(last))]
}

function byId<Row extends { id: string }>(
  cache: boolean,
  load: (ids: readonly string[]) => Promise<Row[]>,
): DataLoader<string, Row | null> {
  return new DataLoader(
    async (ids) => {
      const rows = new Map((await load([...new Set(ids)])).map((row) => [row.id, row]))
      return ids.map((id) => rows.get(id) ?? null)
    },
    { cache, maxBatchSize },
  )
}

/** The rows, one of them as a transaction has read or changed it, if it did. */
function asOf<Row extends { id: string }>(rows: readonly Row[], then: Row | undefined): Row[] {
  return rows.map((row) => (row.id === then?.id ? then : row))
}

function taskAtMoment(row: Task, task: TaskSnapshot | undefined): Task {
  if (row.id !== task?.taskId) return row
  const asOf = taskAsOf(row, task)
  return task.status === 'AWAITING_EXECUTION' ? { ...asOf, ...unread } : asOf
}

/** The progress of an upload whose file has not been read yet. */
const unread = {
  bytesRead: 0n,
  rowsRead: 0n,
  accepted: 0n,
  duplicatesInFile: 0n,
  duplicatesInAccount: 0n,
  refused: 0n,
  layout: null,
}

/**
 * A task as of a snapshot of it. Whatever is not in a snapshot never changes, or is the progress of an upload, which stays
 * that of the row.
 */
export function taskAsOf(task: Task, snapshot: TaskSnapshot): Task {
  return {
    ...task,
    status: snapshot.status,
    generated: new Prisma.Decimal(snapshot.generated),
    added: new Prisma.Decimal(snapshot.added),
    startedAt: snapshot.startedAt === null ? null : new Date(snapshot.startedAt),
    finishedAt: snapshot.finishedAt === null ? null : new Date(snapshot.finishedAt),
    failureCode: snapshot.failureCode,
    failureMessage: snapshot.failureMessage,
  }
}
