import DataLoader from 'dataloader'
import type { Books } from '../domain/books/books.ts'
import type { TaskSnapshot } from '../domain/books/event-log.ts'
import type { FormatUse } from '../domain/format/format.ts'
import type { Moment } from '../domain/pool/moment.ts'
import type { Pool as PoolState } from '../domain/pool/pool.ts'
import { readUploadWaits, type UploadWait } from '../domain/upload/queue.ts'
import { type Format, type Pool, Prisma, type Task } from '../generated/prisma/client.ts'

const maxBatchSize = 10_000

/**
 * Nodes of an account by their ids; null where there is none. What is asked for in one turn is loaded together.
 *
 * A mutation's payload tells each node once, wherever it leads to it: a pool that is claimed from meanwhile does not have
 * two counts in one answer. Elsewhere nothing is kept, since a subscription lives long, and a node is told as it is now.
 */
export class Nodes {
  readonly format: DataLoader<string, Format | null>
  readonly pool: DataLoader<string, Pool | null>
  readonly task: DataLoader<string, Task | null>
  /** What an upload waits for; null for one that does not wait. */
  readonly uploadWait: DataLoader<string, UploadWait | null>
  #moment: Moment = {}

  constructor(books: Books, accountId: string, { toldOnce }: { toldOnce: boolean }) {
    const { prisma } = books
    const of = (ids: readonly string[]) => ({ where: { accountId, id: { in: padded(ids) } } })
    this.format = byId(toldOnce, async (ids) =>
      (await prisma.format.findMany(of(ids))).map((row) => formatAsOf(row, this.#moment.format)),
    )
    this.pool = byId(toldOnce, async (ids) =>
      (await prisma.pool.findMany(of(ids))).map((row) => poolAsOf(row, this.#moment.pool)),
    )
    this.task = byId(toldOnce, async (ids) =>
      (await prisma.task.findMany(of(ids))).map((row) => taskAtMoment(row, this.#moment.task)),
    )
    this.uploadWait = new DataLoader(
      async (ids) => {
        const waits = await readUploadWaits(books, accountId, [...new Set(ids)])
        return ids.map((id) => waits.get(id) ?? null)
      },
      { cache: toldOnce, maxBatchSize },
    )
  }

  /** From here on these are told as they were at that moment, whatever has become of them since. */
  tellAsOf(moment: Moment): void {
    this.#moment = moment
  }
}

/**
 * The ids, of which the last comes again until they are a power of two. Prisma keeps how it runs a query for each number
 * of ids, which a client chooses: for 300 numbers above a thousand that took 18 MB.
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

function decimal(count: bigint): Prisma.Decimal {
  return new Prisma.Decimal(String(count))
}

function poolAsOf(row: Pool, pool: PoolState | undefined): Pool {
  if (row.id !== pool?.id) return row
  return {
    ...row,
    name: pool.name,
    method: pool.method,
    formatId: pool.formatId ?? null,
    quantity: pool.quantity === undefined ? null : decimal(pool.quantity),
    autoGenerate: pool.autoGenerate,
    refillThreshold: decimal(pool.refillThreshold),
    total: decimal(pool.total),
    claimed: decimal(pool.claimed),
  }
}

function formatAsOf(row: Format, format: FormatUse | undefined): Format {
  if (row.id !== format?.id) return row
  return {
    ...row,
    name: format.name,
    next: decimal(format.next),
    reserved: decimal(format.reserved),
    takenAhead: decimal(format.takenAhead),
    generated: decimal(format.generated),
  }
}

function taskAtMoment(row: Task, task: TaskSnapshot | undefined): Task {
  if (row.id !== task?.taskId) return row
  const asOf = taskAsOf(row, task)
  return task.status === 'AWAITING_EXECUTION' ? { ...asOf, ...unread } : asOf
}

/** How far a file has been read before it is. */
const unread = {
  bytesRead: 0n,
  rowsRead: 0n,
  accepted: 0n,
  duplicatesInFile: 0n,
  duplicatesInAccount: 0n,
  refused: 0n,
  layout: null,
}

/** A task as it was when a snapshot of it was taken. What a snapshot does not tell of never changes, or is how far an upload has come. */
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
