import { randomBytes } from 'node:crypto'
import type { BookTransaction } from '../books/books.ts'
import { IdempotencyConflictError, NotFoundError, type UserError } from '../books/errors.ts'
import { findKeys, insertKeys, type UsedKey } from '../books/idempotency.ts'
import { availableForGeneration } from '../format/format.ts'
import { formatForRefill, isRefillable, recordShortage, refill } from '../generation/refill.ts'
import { adviceOnShortage } from '../generation/shortage.ts'
import { type Batch, readBatches } from '../pool/batch.ts'
import { lockPool, NotEnoughCodesError, type Pool, writePoolCounters } from '../pool/pool.ts'

export interface ClaimCodesInput {
  poolId: string
  count: number
  recipient?: string | undefined
  idempotencyKey?: string | undefined
}

/** A claim that is to be decided. */
export interface ClaimRequest {
  input: ClaimCodesInput
  hash: string
}

/** A request gets the positions from `first` on, in this transaction or (`replayed`) in an earlier one, or an error. */
export type Decision = { first: bigint; replayed: boolean } | UserError

/** A request that gets new codes: as many as it asks for, from the position `first` on. */
export interface AcceptedClaim {
  first: bigint
  request: ClaimRequest
}

/** What a transaction has done for a group. */
export interface GroupResult {
  /** In the order of the requests. */
  decisions: Decision[]
  /** Those with new codes, in the order of their positions. */
  accepted: AcceptedClaim[]
  /** The positions that it has claimed, [from, to), and the batches that hold them. */
  from: bigint
  to: bigint
  batches: Batch[]
  at: Date
  /** Every claim of the group carries it: by it, the group recognises what it wrote. */
  nonce: bigint
}

const operation = 'claimCodes'

/** Decides a group of claims of one pool and writes the result; refills the pool if that is due. */
export async function claimGroup(
  tx: BookTransaction,
  poolId: string,
  group: readonly ClaimRequest[],
): Promise<GroupResult> {
  const at = new Date()
  const nonce = randomBytes(8).readBigInt64BE()
  const pool = await lockPool(tx, poolId)
  if (pool === undefined) {
    const decisions = group.map(() => new NotFoundError('pool', ['poolId']))
    return { decisions, accepted: [], from: 0n, to: 0n, batches: [], at, nonce }
  }
  const keys = await findUsedKeys(tx, group)
  const before = pool.total - pool.claimed
  const known = group.map((request) => decideByKey(request, keys))
  const demand = group.reduce(
    (sum, request, i) => (known[i] === undefined ? sum + BigInt(request.input.count) : sum),
    0n,
  )
  // Replays and conflicts change nothing, even if a refill is due.
  const format = demand === 0n ? undefined : await formatForRefill(tx, pool, before - demand)
  const supply = before + (format === undefined ? 0n : availableForGeneration(format))

  const from = pool.claimed
  let to = from
  const accepted: AcceptedClaim[] = []
  const decisions = group.map((request, i): Decision | 'short' => {
    // A key may have been used by an earlier request of this group, too.
    const decided = known[i] ?? decideByKey(request, keys)
    if (decided !== undefined) return decided
    const { count, idempotencyKey: key } = request.input
    if (to - from + BigInt(count) > supply) return 'short'
    const first = to
    to += BigInt(count)
    accepted.push({ first, request })
    if (key !== undefined) keys.set(key, { key, hash: request.hash, poolId, first, taskId: undefined })
    return { first, replayed: false }
  })

  if (format !== undefined && isRefillable(pool)) await refill(tx, pool, format, to - from)
  pool.claimed = to
  const after = pool.total - pool.claimed
  const refilledOrClaimed = accepted.length > 0 || format !== undefined
  if (refilledOrClaimed) recordShortage(tx, pool, before, after)
  const [batches] = await Promise.all([
    from === to ? [] : readBatches(tx, tx.accountId, poolId, from, to),
    insertClaims(tx, pool, accepted, at, nonce),
    refilledOrClaimed ? writePoolCounters(tx, pool) : undefined,
  ])
  const advice = decisions.includes('short') ? await adviceOnShortage(tx, pool, format) : ''
  return {
    decisions: decisions.map((decision) =>
      decision === 'short' ? new NotEnoughCodesError(pool, after, advice) : decision,
    ),
    accepted,
    from,
    to,
    batches,
    at,
    nonce,
  }
}

async function findUsedKeys(
  tx: BookTransaction,
  group: readonly ClaimRequest[],
): Promise<Map<string, UsedKey>> {
  const keys = group.map((request) => request.input.idempotencyKey).filter((key) => key !== undefined)
  return keys.length === 0 ? new Map() : await findKeys(tx, operation, [...new Set(keys)])
}

/** A replay or a conflict if the request's key has been used, otherwise nothing. */
function decideByKey(
  { input, hash }: ClaimRequest,
  used: ReadonlyMap<string, UsedKey>,
): Decision | undefined {
  const use = input.idempotencyKey === undefined ? undefined : used.get(input.idempotencyKey)
  if (use === undefined) return undefined
  if (use.hash !== hash || use.first === undefined) return new IdempotencyConflictError()
  return { first: use.first, replayed: true }
}

async function insertClaims(
  tx: BookTransaction,
  pool: Pool,
  accepted: readonly AcceptedClaim[],
  at: Date,
  nonce: bigint,
): Promise<void> {
  if (accepted.length === 0) return
  const uses = accepted.flatMap(({ first, request }): UsedKey[] => {
    const { idempotencyKey: key } = request.input
    return key === undefined ? [] : [{ key, hash: request.hash, poolId: pool.id, first, taskId: undefined }]
  })
  const keys = uses.length === 0 ? undefined : insertKeys(tx, operation, uses)
  const claims = tx.execute({
    name: 'insert-claims',
    text: `
      INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce)
      SELECT $1, $2, claim.first, claim.count, claim.recipient, $6, $7
      FROM unnest($3::numeric[], $4::integer[], $5::text[]) AS claim (first, count, recipient)`,
    values: [
      tx.accountId,
      pool.id,
      accepted.map(({ first }) => first),
      accepted.map(({ request }) => request.input.count),
      accepted.map(({ request }) => request.input.recipient ?? null),
      at,
      nonce,
    ],
  })
  await Promise.all([keys, claims])
}
