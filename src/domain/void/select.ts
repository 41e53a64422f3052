import type { Queryable } from '../../database/transaction.ts'
import { grouped } from '../../grouped.ts'
import { InvalidInputError, NotFoundError, noSuch } from '../books/errors.ts'
import type { InputCheck } from '../books/input.ts'
import { rangesOfRecipient } from '../claim/recipients.ts'
import type { CodeOrigin } from '../code/code.ts'
import { type ClaimedPlace, placeOfIndex, placeOfUploaded } from '../pool/batch.ts'
import { type ClaimRef, readClaims } from '../pool/claim-rows.ts'
import { readPool } from '../pool/pool.ts'
import { countOf, type LineRange } from '../pool/ranges.ts'

export const maxSelectedCodes = 10_000
export const maxSelectedPools = 1_000
const maxSelectedClaims = 100_000

/** A choice of codes: one by one, or those of a claim, of a task, or of a recipient in one pool or in all. */
export type Select =
  | { codes: readonly CodeOrigin[] }
  | { claim: ClaimRef }
  | { taskId: string }
  | { recipient: string; poolId: string | undefined }

/** The codes of a choice. Claimed codes never move, so the ranges stay right whatever happens meanwhile. */
export interface Selected {
  /**
   * Those that have been claimed. No two ranges overlap or are adjacent, and those of a pool are in order, one behind the
   * other.
   */
  ranges: readonly LineRange[]
  /** How many have not. Of a claim and of a recipient, none. */
  notClaimed: bigint
}

/** The choice with its recipient as recipients are stored. */
export function checkSelect(check: InputCheck, select: Select): Select {
  if ('codes' in select) {
    const { length } = select.codes
    if (length < 1 || length > maxSelectedCodes)
      check.issue(
        ['select', 'codeIds'],
        `There are ${grouped(length)} ids. Give from 1 to ${grouped(maxSelectedCodes)} at a time.`,
      )
  }
  if (!('recipient' in select)) return select
  const recipient = check.recipient(['select', 'recipient', 'recipient'], select.recipient, 'required')
  return { ...select, recipient }
}

/**
 * Finds the codes of a choice that `checkSelect` has accepted. Rejects with a NotFoundError if something that the choice
 * names does not exist, and with an InvalidInputError if its codes are in too many pools or claims.
 */
export async function findSelected(books: Queryable, accountId: string, select: Select): Promise<Selected> {
  const selected = await find(books, accountId, select)
  const pools = new Set(selected.ranges.map(({ poolId }) => poolId)).size
  if (pools > maxSelectedPools)
    throw new InvalidInputError([
      {
        path: ['select'],
        message: `These codes are in ${grouped(pools)} pools, and at most ${grouped(maxSelectedPools)} can be changed at a time. Choose the codes of one pool at a time.`,
      },
    ])
  return selected
}

function find(books: Queryable, accountId: string, select: Select): Promise<Selected> {
  if ('codes' in select) return selectCodes(books, accountId, select.codes)
  if ('claim' in select) return selectClaim(books, accountId, select.claim)
  if ('taskId' in select) return selectTask(books, accountId, select.taskId)
  return selectRecipient(books, accountId, select)
}

async function selectCodes(
  books: Queryable,
  accountId: string,
  codes: readonly CodeOrigin[],
): Promise<Selected> {
  const asked = new Map(
    codes.map((code, number) => [`${code.formatId} ${code.uploadId} ${code.index}`, { code, number }]),
  )
  const positions: ClaimedPlace[] = []
  const unknown: number[] = []
  let notClaimed = 0n
  for (const part of parts([...asked.values()], maxPlaces)) {
    const places = await findPlaces(
      books,
      accountId,
      part.map(({ code }) => code),
    )
    for (const [i, place] of places.entries())
      if (place === undefined) unknown.push(part[i]?.number ?? 0)
      else if (place.claimed) positions.push(place)
      else notClaimed += 1n
  }
  const [number] = unknown
  if (number !== undefined)
    throw new NotFoundError('code', ['select', 'codeIds', String(number)], unknownCode(unknown.length))
  return { ranges: joined(positions), notClaimed }
}

function unknownCode(count: number): string {
  return count === 1
    ? noSuch('code')
    : `${grouped(count)} of these ids name no code in your account; this is the first of them. Nothing was changed.`
}

// Of one statement. The places of more would hold the event loop while they are decoded.
const maxPlaces = 1_000

function* parts<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size)
}

type FoundPlace = ClaimedPlace & { claimed: boolean }

/** The places of codes, in their order; undefined for one that is in no pool. */
async function findPlaces(
  books: Queryable,
  accountId: string,
  codes: readonly CodeOrigin[],
): Promise<(FoundPlace | undefined)[]> {
  const rows = await books.rows<{ pool_id: string | null; position: string; claimed: boolean }>({
    // A code and how far its pool is claimed are read in one statement: a code that is available could move in between.
    text: `
      SELECT place.pool_id, place.position, NOT place.withdrawn AND place.position < pool.claimed AS claimed
      FROM unnest($2::uuid[], $3::uuid[], $4::numeric[]) WITH ORDINALITY AS asked (format_id, task_id, index, number)
      LEFT JOIN LATERAL (SELECT * FROM ${placeOfIndex} AS place UNION ALL SELECT * FROM ${placeOfUploaded} AS place)
        AS place ON true
      LEFT JOIN LATERAL (SELECT claimed FROM pool WHERE account_id = $1 AND id = place.pool_id LIMIT 1) AS pool ON true
      ORDER BY asked.number`,
    values: [
      accountId,
      codes.map(({ formatId }) => formatId ?? null),
      codes.map(({ uploadId }) => uploadId ?? null),
      codes.map(({ index }) => index),
    ],
  })
  return rows.map(({ pool_id: poolId, position, claimed }) =>
    poolId === null ? undefined : { poolId, position: BigInt(position), claimed },
  )
}

/** Positions that differ, as ranges. */
function joined(positions: readonly ClaimedPlace[]): LineRange[] {
  const sorted = positions.toSorted((a, b) =>
    a.poolId === b.poolId ? (a.position < b.position ? -1 : 1) : a.poolId < b.poolId ? -1 : 1,
  )
  const ranges: LineRange[] = []
  for (const { poolId, position } of sorted) {
    const last = ranges.at(-1)
    if (last?.poolId === poolId && last.to === position) last.to += 1n
    else ranges.push({ poolId, from: position, to: position + 1n })
  }
  return ranges
}

async function selectClaim(books: Queryable, accountId: string, claim: ClaimRef): Promise<Selected> {
  const { poolId, first } = claim
  const [found] = await readClaims(books, accountId, poolId, first, first + 1n)
  if (found?.first !== first) throw new NotFoundError('claim', ['select', 'claimId'])
  return { ranges: [{ poolId, from: first, to: first + found.count }], notClaimed: 0n }
}

async function selectTask(books: Queryable, accountId: string, taskId: string): Promise<Selected> {
  const rows = await books.rows<{ pool_id: string; added: string; low: string | null; high: string }>({
    // How far the pool is claimed, and the batches up to there, are read in one statement: those behind can move. `gap` counts
    // the positions before a batch that are not of the task: the same for adjacent batches.
    text: `
      SELECT task.pool_id, task.added, range.low, least(range.high, pool.claimed) AS high
      FROM task
      CROSS JOIN LATERAL (SELECT claimed FROM pool WHERE account_id = $1 AND id = task.pool_id LIMIT 1) AS pool
      LEFT JOIN LATERAL (
        SELECT min(start) AS low, max(start + count) AS high
        FROM (
          SELECT start, count, start + count - sum(count) OVER (ORDER BY start ROWS UNBOUNDED PRECEDING) AS gap
          FROM batch WHERE account_id = $1 AND task_id = $2 AND NOT withdrawn AND start < pool.claimed
        ) AS part
        GROUP BY gap
      ) AS range ON true
      WHERE task.account_id = $1 AND task.id = $2
      ORDER BY range.low`,
    values: [accountId, taskId],
  })
  const [task] = rows
  if (task === undefined) throw new NotFoundError('task', ['select', 'taskId'])
  const ranges = rows.flatMap(({ pool_id: poolId, low, high }) =>
    low === null ? [] : [{ poolId, from: BigInt(low), to: BigInt(high) }],
  )
  return { ranges, notClaimed: BigInt(task.added) - countOf(ranges) }
}

async function selectRecipient(
  books: Queryable,
  accountId: string,
  { recipient, poolId }: Extract<Select, { recipient: string }>,
): Promise<Selected> {
  if (poolId !== undefined && (await readPool(books, accountId, poolId)) === undefined)
    throw new NotFoundError('pool', ['select', 'recipient', 'poolId'])
  const ranges = await rangesOfRecipient(books, accountId, { recipient, poolId }, maxSelectedClaims)
  if (ranges !== undefined) return { ranges, notClaimed: 0n }
  throw new InvalidInputError([
    {
      path: ['select', 'recipient'],
      message: `The recipient has more than ${grouped(maxSelectedClaims)} claims. Choose those of one pool, or one claim at a time.`,
    },
  ])
}
