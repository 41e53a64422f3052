import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { Code } from '../code/code.ts'
import type { ClaimedPlace } from '../pool/batch.ts'
import type { Claim } from '../pool/claim-rows.ts'

/*
 * What became of claimed codes. A claimed code never moves, so its pool and its position name it for ever.
 */

/** The use of a code, for a reference of the caller's. */
export interface Redemption extends ClaimedPlace {
  id: string
  reference: string
  place: string | undefined
  at: Date
  /** Undefined while it stands. */
  rolledBackAt: Date | undefined
}

/** The fact that a code was voided: when, and why. */
export interface CodeVoid {
  at: Date
  reason: string | undefined
}

/** What has become of a claimed code: what stands now, not what was rolled back or unvoided. */
export interface Usage {
  redemption: Redemption | undefined
  void: CodeVoid | undefined
}

/** What has become of a code that was never claimed. */
export const unused: Usage = { redemption: undefined, void: undefined }

/** Whether a code is good, and if not, why. */
export type CodeValidity = ClaimedValidity | 'NOT_CLAIMED' | 'WITHDRAWN'

export type ClaimedValidity = 'VALID' | 'EXPIRED' | 'REDEEMED' | 'VOIDED'

/** Whether a code is good at the time `now`, and if not, why. */
export function validityOf(
  { lane, claim }: Pick<Code, 'lane' | 'claim'>,
  usage: Usage,
  now: Date,
): CodeValidity {
  if (lane === 'WITHDRAWN') return 'WITHDRAWN'
  return claim === undefined ? 'NOT_CLAIMED' : validityOfClaimed(claim, usage, now)
}

/**
 * Whether a code of a claim is good at the time `now`, and if not, why. If several reasons apply, the first of REDEEMED, VOIDED
 * and EXPIRED counts.
 */
export function validityOfClaimed(claim: Pick<Claim, 'expiresAt'>, usage: Usage, now: Date): ClaimedValidity {
  if (usage.redemption !== undefined) return 'REDEEMED'
  if (usage.void !== undefined) return 'VOIDED'
  return hasExpired(claim, now) ? 'EXPIRED' : 'VALID'
}

/** Whether the codes of a claim have expired at the time `now`. From its expiresAt on, they have. */
export function hasExpired({ expiresAt }: Pick<Claim, 'expiresAt'>, now: Date): boolean {
  return expiresAt !== undefined && expiresAt <= now
}

// More positions in one statement would hold the event loop while its answer is decoded.
const maxPlaces = 1_000

/** What has become of claimed codes, in their order. All of one moment if there are at most 1,000. */
export async function readUsage(
  books: Queryable,
  accountId: string,
  places: readonly ClaimedPlace[],
): Promise<Usage[]> {
  const usages: Usage[] = []
  for (let from = 0; from < places.length; from += maxPlaces)
    usages.push(...(await readUsageOf(books, accountId, places.slice(from, from + maxPlaces))))
  return usages
}

async function readUsageOf(
  books: Queryable,
  accountId: string,
  places: readonly ClaimedPlace[],
): Promise<Usage[]> {
  const rows = await books.rows<UsageRow>({
    name: 'read-usage',
    // Position by position, so that the plan can be kept: see `rowsById`. Each LATERAL part descends one index.
    text: `
      SELECT redemption.*, void.at AS voided_at, void.reason
      FROM unnest((SELECT $2::uuid[]), (SELECT $3::numeric[])) WITH ORDINALITY AS asked (pool_id, position, number)
      LEFT JOIN LATERAL (
        SELECT ${redemptionColumns} FROM redemption
        WHERE account_id = $1 AND pool_id = asked.pool_id AND position >= asked.position AND rolled_back_version IS NULL
        ORDER BY position LIMIT 1
      ) AS redemption ON redemption.position = asked.position
      LEFT JOIN LATERAL (
        SELECT first, count, at, reason FROM code_void
        WHERE account_id = $1 AND pool_id = asked.pool_id AND first <= asked.position AND unvoided_version IS NULL
        ORDER BY first DESC LIMIT 1
      ) AS void ON asked.position < void.first + void.count
      ORDER BY asked.number`,
    values: [accountId, places.map(({ poolId }) => poolId), places.map(({ position }) => position)],
  })
  return rows.map(({ voided_at: voidedAt, reason, ...redemption }) => ({
    redemption: isFound(redemption) ? decodeRedemption(redemption) : undefined,
    void: voidedAt === null ? undefined : { at: voidedAt, reason: reason ?? undefined },
  }))
}

type UsageRow = (RowOf<Redemption> | NoRow<Redemption>) & { voided_at: Date | null; reason: string | null }

/** A row of an outer join that found nothing. */
type NoRow<T> = { [Name in keyof T]: null }

function isFound(row: RowOf<Redemption> | NoRow<Redemption>): row is RowOf<Redemption> {
  return row.id !== null
}

export const redemptionColumns =
  'id, pool_id AS "poolId", position, reference, place, at, rolled_back_at AS "rolledBackAt"'

export function decodeRedemption(row: RowOf<Redemption>): Redemption {
  return {
    id: row.id,
    poolId: row.poolId,
    position: BigInt(row.position),
    reference: row.reference,
    place: row.place ?? undefined,
    at: row.at,
    rolledBackAt: row.rolledBackAt ?? undefined,
  }
}
