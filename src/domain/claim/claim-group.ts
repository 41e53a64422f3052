import { randomBytes } from 'node:crypto'
import type { BookTransaction } from '../books/books.ts'
import { IdempotencyConflictError, NotFoundError, type UserError } from '../books/errors.ts'
import { findKeys, insertKeys, type KeyUse } from '../books/idempotency.ts'
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

/** A claim to be decided about. */
export interface ClaimRequest {
  input: ClaimCodesInput
  /** The hash of its input. */
  hash: string
}

/** What a transaction has decided about a request: an interval of the pool's line, or why there is none. */
export type Decision = { first: bigint; replayed: boolean } | UserError

/** A request that was given an interval of the pool's line. */
interface AcceptedClaim {
  first: bigint
  request: ClaimRequest
}

/** What a transaction has decided about all of a group. */
export interface GroupResult {
  /** One for each request, in their order. */
  decisions: Decision[]
  /** The positions that were claimed, [from, to), and the batches that hold them. */
  from: bigint
  to: bigint
  batches: Batch[]
  at: Date
  nonce: bigint
}

const operation = 'claimCodes'

/** Decides about a group of claims of one pool and writes what was decided, refilling the pool if that is due. */
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
    return { decisions, from: 0n, to: 0n, batches: [], at, nonce }
  }
  const keys = await findUsedKeys(tx, group)
  const before = pool.total - pool.claimed
  const known = group.map((request) => decideByKey(request, keys))
  const demand = group.reduce(
    (sum, request, i) => (known[i] === undefined ? sum + BigInt(request.input.count) : sum),
    0n,
  )
  // Replays and conflicts change nothing, also where a refill is due.
  const format = demand === 0n ? undefined : await formatForRefill(tx, pool, before - demand)
  const supply = before + (format === undefined ? 0n : availableForGeneration(format))

  const from = pool.claimed
  let to = from
  const accepted: AcceptedClaim[] = []
  const decisions = group.map((request, i): Decision | 'short' => {
    // By a claim that is served in this very group, too: a key that comes twice in it belongs to that one.
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
): Promise<Map<string, KeyUse>> {
  const keys = group.map((request) => request.input.idempotencyKey).filter((key) => key !== undefined)
  return keys.length === 0 ? new Map() : await findKeys(tx, operation, [...new Set(keys)])
}

/** What its key decides about a request: a replay or a conflict; nothing if it has none, or one not used so far. */
function decideByKey({ input, hash }: ClaimRequest, used: ReadonlyMap<string, KeyUse>): Decision | undefined {
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
  const uses = accepted.flatMap(({ first, request }): KeyUse[] => {
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
