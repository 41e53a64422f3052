import type { Queryable } from '../../database/transaction.ts'
import { readAccounts } from '../books/accounts.ts'
import { effectOf, type FormatUse, type MarginEffect } from './margin.ts'

/** What a follow-up does to an account, as of now. */
export interface AccountPlan {
  accountId: string
  accountName: string
  formats: ({ id: string; name: string } & MarginEffect)[]
  /** How many pools have available codes, and how many codes these are. */
  stockedPools: number
  available: bigint
  /** How many codes are withdrawn already. */
  withdrawn: bigint
  /** How many uploads have not finished. */
  uploads: number
}

/** Plans the follow-up of a rewind, account by account, without changing anything. `margin`: see `FollowUp`. */
export async function* planFollowUp(
  books: Queryable,
  margin: bigint | undefined,
): AsyncGenerator<AccountPlan> {
  for await (const page of readAccounts(books))
    for (const account of page) yield await planAccount(books, account, margin)
}

async function planAccount(
  books: Queryable,
  { id, name }: { id: string; name: string },
  margin: bigint | undefined,
): Promise<AccountPlan> {
  const uses = await readFormatUses(books, id)
  const [pools] = await books.rows<{ stocked: string; available: string; withdrawn: string }>({
    text: `
      SELECT count(*) FILTER (WHERE total > claimed) AS stocked, coalesce(sum(total - claimed), 0) AS available,
        coalesce(sum(withdrawn), 0) AS withdrawn
      FROM pool WHERE account_id = $1`,
    values: [id],
  })
  return {
    accountId: id,
    accountName: name,
    formats: uses.map((use) => ({ id: use.id, name: use.name, ...effectOf(use, margin) })),
    stockedPools: Number(pools?.stocked ?? 0),
    available: BigInt(pools?.available ?? 0),
    withdrawn: BigInt(pools?.withdrawn ?? 0),
    uploads: (await readUnfinishedUploads(books, id, new Date())).length,
  }
}

export type NamedUse = FormatUse & { id: string; name: string }

/** The formats of an account, and how fast they are used. */
export async function readFormatUses(books: Queryable, accountId: string): Promise<NamedUse[]> {
  const formats = await books.rows<Record<keyof Omit<NamedUse, 'quantities' | 'largest'>, string>>({
    text: `
      SELECT id, name, capacity, next, reserved, taken_ahead AS "takenAhead", generated
      FROM format WHERE account_id = $1 ORDER BY id`,
    values: [accountId],
  })
  const { ofPools, largest } = await readQuantities(books, accountId)
  return formats.map(({ id, name, ...use }) => ({
    id,
    name,
    capacity: BigInt(use.capacity),
    next: BigInt(use.next),
    reserved: BigInt(use.reserved),
    takenAhead: BigInt(use.takenAhead),
    generated: BigInt(use.generated),
    quantities: ofPools.get(id) ?? 0n,
    largest,
  }))
}

/** The sum of the quantities of an account's pools by their format, and the largest quantity of its generations. */
async function readQuantities(
  books: Queryable,
  accountId: string,
): Promise<{ ofPools: Map<string, bigint>; largest: bigint }> {
  const pools = await books.rows<{ id: string; quantity: string }>({
    text: `
      SELECT format_id AS id, sum(quantity) AS quantity FROM pool
      WHERE account_id = $1 AND format_id IS NOT NULL AND quantity IS NOT NULL GROUP BY format_id`,
    values: [accountId],
  })
  const [tasks] = await books.rows<{ largest: string | null }>({
    text: `SELECT max(quantity) AS largest FROM task WHERE account_id = $1 AND kind = 'GENERATION'`,
    values: [accountId],
  })
  return {
    ofPools: new Map(pools.map(({ id, quantity }) => [id, BigInt(quantity)])),
    largest: BigInt(tasks?.largest ?? 0),
  }
}

/** The uploads of an account, other than dry runs, that were received before a time and have not finished. */
export async function readUnfinishedUploads(
  books: Queryable,
  accountId: string,
  before: Date,
): Promise<string[]> {
  const rows = await books.rows<{ id: string }>({
    text: `
      SELECT id FROM task
      WHERE account_id = $1 AND status IN ('AWAITING_EXECUTION', 'RUNNING') AND kind = 'UPLOAD' AND NOT dry_run
        AND created_at < $2
      ORDER BY id`,
    values: [accountId, before],
  })
  return rows.map(({ id }) => id)
}
