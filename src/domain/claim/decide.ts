import { randomBytes } from 'node:crypto'
import { min } from '../../bigint.ts'
import { RunAgainError } from '../../database/errors.ts'
import { earliest } from '../../dates.ts'
import type { BookTransaction } from '../books/books.ts'
import {
  IdempotencyConflictError,
  InvalidInputError,
  NotFoundError,
  type UserError,
} from '../books/errors.ts'
import { findKeys, insertKeys, type UsedKey } from '../books/idempotency.ts'
import { maxFileWhileUnready } from '../format/backfill.ts'
import { availableForGeneration, type Format } from '../format/format.ts'
import { formatForRefill, isRefillable, recordShortage, refill } from '../generation/refill.ts'
import { adviceOnShortage } from '../generation/shortage.ts'
import { type Batch, readBatches } from '../pool/batch.ts'
import { refusalToIssue } from '../pool/issuing.ts'
import { lineTime, lockPool, NotEnoughCodesError, type Pool, writePoolCounters } from '../pool/pool.ts'
import { findHeld, readNewest } from './recipients.ts'
import { type ClaimRequest, operations } from './request.ts'

/** What one recipient of a request gets: the codes from the position `first` on. */
export interface Grant {
  first: bigint
  /** Whether the recipient had the code before, or has it from an earlier place of the same list. */
  alreadyHeld: boolean
}

/** What a request gets. */
export interface Granted {
  /** For each of its recipients. */
  grants: readonly Grant[]
  /** The positions [from, to) that it has claimed in this transaction; none if they are equal. */
  from: bigint
  to: bigint
  /** Until when the codes of these are good. */
  expiresAt: Date | undefined
}

export type Decision = Granted | UserError

/** What a transaction has done for a group of requests. */
export interface GroupResult {
  /** In the order of the requests. */
  decisions: Decision[]
  /** Whether the pool has one code for each recipient. */
  onePerRecipient: boolean
  /** The positions that it has claimed, [from, to). */
  from: bigint
  to: bigint
  /** The batches that hold those of them whose codes are answered. */
  batches: Batch[]
  at: Date
  /** Stored with each claim of the group, to find out whether its transaction has committed. */
  nonce: bigint
}

/** Whether the codes that a request has just claimed are computed for its answer, one after the other. */
export function answersNewCodes(
  { operation, count, recipients }: ClaimRequest,
  { from, to }: Granted,
): boolean {
  return operation !== 'claimFile' && from < to && to - from === count * BigInt(recipients.length)
}

/** What a transaction expects before it knows. */
export interface Expected {
  /** That the pool has one code for each recipient. Then this saves a round trip. */
  onePerRecipient: boolean
  /** That no key of the group was used before: then none is looked up, unless its request would be refused. */
  newKeys: boolean
}

/**
 * Decides a group of requests for codes of one pool, writes the result, and refills the pool if necessary. Rejects with a
 * RunAgainError if keys were used, but not `expected` to be, or if another transaction uses one of them at the same moment.
 */
export async function decideGroup(
  tx: BookTransaction,
  poolId: string,
  group: readonly ClaimRequest[],
  expected: Expected,
): Promise<GroupResult> {
  const nonce = randomBytes(8).readBigInt64BE()
  const recipients = [...new Set(group.flatMap((request) => request.recipients))]
  const readHeld = () =>
    readNewest(
      tx,
      poolId,
      recipients.filter((recipient) => recipient !== undefined),
    )
  // In one round trip. They run in this order, so what is read is as of the lock.
  const [pool, found, newest] = await Promise.all([
    lockPool(tx, poolId),
    expected.newKeys ? undefined : findUses(tx, group),
    expected.onePerRecipient ? readHeld() : undefined,
  ])
  if (pool === undefined) {
    const decisions = group.map(() => new NotFoundError('pool', ['poolId']))
    return { decisions, onePerRecipient: false, from: 0n, to: 0n, batches: [], at: tx.now(), nonce }
  }
  const at = lineTime(tx, pool)
  const { onePerRecipient } = pool.terms
  const held = onePerRecipient ? await findHeld(tx, pool, newest ?? (await readHeld())) : undefined
  let settled = await settle(tx, pool, group, { at, uses: found ?? new Map(), held })
  // A request that would be refused may repeat one that was granted.
  const isRefused = ({ idempotencyKey }: ClaimRequest, i: number) =>
    idempotencyKey !== undefined && !isGranted(settled.decisions[i])
  if (found === undefined && group.some(isRefused))
    settled = await settle(tx, pool, group, { at, uses: await findUses(tx, group), held })

  const { ledger, format, decisions } = settled
  const before = pool.total - pool.claimed
  const { from, to } = ledger
  tx.actorId = ledger.lastKeyId
  if (format !== undefined && isRefillable(pool, tx.now())) await refill(tx, pool, format, to - from)
  pool.claimed = to
  const after = pool.total - pool.claimed
  const refilledOrClaimed = from < to || format !== undefined
  if (refilledOrClaimed) recordShortage(tx, pool, before, after)
  const [batches] = await Promise.all([
    readBatchesOf(tx, pool, group, decisions),
    insertUses(tx, pool, ledger),
    insertClaims(tx, pool, ledger, at, nonce),
    refilledOrClaimed ? writePoolCounters(tx, pool) : undefined,
  ])
  const advice = decisions.includes('short') ? await adviceOnShortage(tx, pool, format) : ''
  return {
    decisions: decisions.map((decision, i) =>
      decision === 'short'
        ? new NotEnoughCodesError(pool, after, advice, [
            group[i]?.operation === 'claimForRecipients' ? 'recipients' : 'count',
          ])
        : decision,
    ),
    onePerRecipient,
    from,
    to,
    batches,
    at,
    nonce,
  }
}

/**
 * Decides a group, by the uses of its keys that are known, and by the codes that its recipients hold in a pool with one code for
 * each. Locks the format that the pool is refilled from, if the group calls for it.
 */
async function settle(
  tx: BookTransaction,
  pool: Pool,
  group: readonly ClaimRequest[],
  { at, uses, held }: { at: Date; uses: Uses; held: ReadonlyMap<string, bigint> | undefined },
): Promise<{ ledger: Ledger; format: Format | undefined; decisions: (Decision | 'short')[] }> {
  const ledger = new Ledger(pool, { at, now: tx.now() }, uses, held && new Map(held))
  const before = pool.total - pool.claimed
  const demand = group.reduce((sum, request) => sum + ledger.needs(request), 0n)
  // Without new claims nothing changes, even if the pool needs a refill.
  const format = demand === 0n ? undefined : await formatForRefill(tx, pool, before - demand)
  const supply = before + (format === undefined ? 0n : availableForGeneration(format))
  const fileSupply = format?.takenTo === undefined ? supply : min(supply, before + maxFileWhileUnready)
  const decisions = group.map((request) =>
    ledger.decide(request, request.operation === 'claimFile' ? fileSupply : supply),
  )
  return { ledger, format, decisions }
}

function isGranted(decision: Decision | 'short' | undefined): decision is Granted {
  return decision !== undefined && decision !== 'short' && !(decision instanceof Error)
}

/** The uses of idempotency keys: `operation key` → its use. */
type Uses = Map<string, UsedKey>

interface NewClaim {
  first: bigint
  count: bigint
  recipient: string | undefined
  expiresAt: Date | undefined
}

/** What the requests of a group get, one after the other. */
class Ledger {
  readonly #pool: Pool
  readonly #now: Date
  readonly #uses: Uses
  /** In a pool with one code for each recipient: the positions of the codes that recipients hold. */
  readonly #held: Map<string, bigint> | undefined
  readonly #refusal: UserError | undefined
  /** Until when codes that are claimed now are good by the terms. */
  readonly #validUntil: Date | undefined
  readonly from: bigint
  to: bigint
  readonly claims: NewClaim[] = []
  /** The uses of keys to be written, each with its operation. */
  readonly newUses: { operation: ClaimRequest['operation']; use: UsedKey }[] = []
  /** The API key of the last request that has claimed something. */
  lastKeyId: string | undefined

  /** `at`: the time of the claims. `now`: that of the transaction, by which it is judged what may be claimed. */
  constructor(
    pool: Pool,
    { at, now }: { at: Date; now: Date },
    uses: Uses,
    held: Map<string, bigint> | undefined,
  ) {
    this.#pool = pool
    this.#now = now
    this.#uses = uses
    this.#held = held
    this.#refusal = refusalToIssue(pool, now)
    this.#validUntil = validityEnds(pool, at)
    this.from = pool.claimed
    this.to = pool.claimed
  }

  /** How many codes a request would claim, if nothing was decided since. */
  needs(request: ClaimRequest): bigint {
    if (this.#byKey(request) !== undefined || this.#refuse(request) !== undefined) return 0n
    const { count, recipients } = request
    return count * BigInt(recipients.filter((recipient) => this.#heldBy(recipient) === undefined).length)
  }

  /** Decides on a request, given how many codes the group can have. */
  decide(request: ClaimRequest, supply: bigint): Decision | 'short' {
    // An earlier request of this group may have used the same key.
    const decided = this.#byKey(request) ?? this.#misuse(request)
    if (decided !== undefined) return decided
    const claims: NewClaim[] = []
    const grants: Grant[] = []
    const own = new Map<string, bigint>()
    const expiresAt = request.expiresAt ?? this.#validUntil
    let to = this.to
    for (const recipient of request.recipients) {
      const { count } = request
      const held = this.#heldBy(recipient) ?? (recipient === undefined ? undefined : own.get(recipient))
      grants.push({ first: held ?? to, alreadyHeld: held !== undefined })
      if (held !== undefined) continue
      if (this.#held !== undefined && recipient !== undefined) own.set(recipient, to)
      claims.push({ first: to, count, recipient, expiresAt })
      to += count
    }
    // Somebody who already holds a code gets it, whatever the pool does now.
    const refused = claims.length === 0 ? undefined : this.#refuse(request)
    if (refused !== undefined) return refused
    if (to > this.from + supply) return 'short'
    return this.#accept(request, { grants, claims, to, own, expiresAt })
  }

  #accept(
    request: ClaimRequest,
    {
      grants,
      claims,
      to,
      own,
      expiresAt,
    }: Omit<Granted, 'from'> & { claims: NewClaim[]; own: Map<string, bigint> },
  ): Granted {
    const from = this.to
    for (const claim of claims) this.claims.push(claim)
    for (const [recipient, first] of own) this.#held?.set(recipient, first)
    if (claims.length > 0) this.lastKeyId = request.keyId
    this.to = to
    const { operation, idempotencyKey: key, hash } = request
    if (key !== undefined) {
      const someHeld = grants.some(({ alreadyHeld }) => alreadyHeld)
      const isList = operation === 'claimForRecipients'
      const use: UsedKey = {
        key,
        hash,
        poolId: this.#pool.id,
        first: !isList ? grants[0]?.first : from < to ? from : undefined,
        alreadyHeld: someHeld && !isList,
        positions: isList && someHeld ? grants.map(({ first }) => first) : undefined,
        taskId: undefined,
      }
      this.#uses.set(`${operation} ${key}`, use)
      this.newUses.push({ operation, use })
    }
    return { grants, from, to, expiresAt }
  }

  #heldBy(recipient: string | undefined): bigint | undefined {
    return recipient === undefined ? undefined : this.#held?.get(recipient)
  }

  /** What was granted, or a conflict, if the request's key has been used; otherwise undefined. */
  #byKey({ operation, idempotencyKey: key, hash, recipients }: ClaimRequest): Decision | undefined {
    const use = key === undefined ? undefined : this.#uses.get(`${operation} ${key}`)
    if (use === undefined) return undefined
    if (use.hash !== hash) return new IdempotencyConflictError()
    const { first, positions, alreadyHeld } = use
    // Nothing is claimed now.
    const none = { from: 0n, to: 0n, expiresAt: undefined }
    if (positions !== undefined) {
      const seen = new Set<bigint>()
      const grants = positions.map((position): Grant => {
        const isNew = first !== undefined && position >= first && !seen.has(position)
        seen.add(position)
        return { first: position, alreadyHeld: !isNew }
      })
      return { grants, ...none }
    }
    if (first === undefined) throw new Error(`The key ${key} of ${operation} does not say what was claimed.`)
    return { grants: recipients.map((_, i) => ({ first: first + BigInt(i), alreadyHeld })), ...none }
  }

  /** Why nothing is claimed for the request, apart from a lack of codes. */
  #refuse(request: ClaimRequest): UserError | undefined {
    return this.#misuse(request) ?? this.#refusal ?? this.#wrongExpiry(request)
  }

  /** In a pool with one code for each recipient, a claim is for one code with a recipient. */
  #misuse({ operation, count, recipients }: ClaimRequest): UserError | undefined {
    if (this.#held === undefined) return undefined
    const onePer = `The pool "${this.#pool.name}" has one code for each recipient (onePerRecipient)`
    if (operation === 'claimFile')
      return invalid(['poolId'], `${onePer}, so its codes are not claimed as a file. Use claimForRecipients.`)
    if (recipients.includes(undefined)) return invalid(['recipient'], `${onePer}: say who the code is for.`)
    if (count > 1n)
      return invalid(['count'], `${onePer}: claim one code at a time, or use claimForRecipients.`)
    return undefined
  }

  #wrongExpiry({ expiresAt }: ClaimRequest): UserError | undefined {
    if (expiresAt === undefined) return undefined
    const latest = this.#validUntil
    const allowed = `later than now${latest === undefined ? '' : `, and ${latest.toISOString()} at the latest`}`
    if (expiresAt <= this.#now)
      return invalid(
        ['expiresAt'],
        `It is ${expiresAt.toISOString()}, which is in the past: the codes would have expired already. It must be ${allowed}.`,
      )
    if (latest !== undefined && expiresAt > latest)
      return invalid(
        ['expiresAt'],
        `It is ${expiresAt.toISOString()}, which is later than the terms of the pool allow. It must be ${allowed}.`,
      )
    return undefined
  }
}

function invalid(path: string[], message: string): InvalidInputError {
  return new InvalidInputError([{ path, message }])
}

/** Until when a code that is claimed at the time `at` is good by the terms of its pool. */
function validityEnds({ terms: { validUntil, validForMs } }: Pool, at: Date): Date | undefined {
  if (validForMs === undefined) return validUntil
  const end = new Date(at.getTime() + Number(validForMs))
  return earliest(end, validUntil ?? end)
}

async function findUses(tx: BookTransaction, group: readonly ClaimRequest[]): Promise<Uses> {
  const uses: Uses = new Map()
  await Promise.all(
    operations.map(async (operation) => {
      const keys = group
        .filter((request) => request.operation === operation)
        .map((request) => request.idempotencyKey)
        .filter((key) => key !== undefined)
      for (const [key, use] of await findKeys(tx, operation, [...new Set(keys)]))
        uses.set(`${operation} ${key}`, use)
    }),
  )
  return uses
}

/** The batches that hold the new codes of those requests whose codes are answered. */
async function readBatchesOf(
  tx: BookTransaction,
  pool: Pool,
  group: readonly ClaimRequest[],
  decisions: readonly (Decision | 'short')[],
): Promise<Batch[]> {
  const ranges: { from: bigint; to: bigint }[] = []
  for (const [i, request] of group.entries()) {
    const decision = decisions[i]
    if (!isGranted(decision) || !answersNewCodes(request, decision)) continue
    const { from, to } = decision
    const last = ranges.at(-1)
    if (last?.to === from) last.to = to
    else ranges.push({ from, to })
  }
  const read = await Promise.all(
    ranges.map(({ from, to }) => readBatches(tx, tx.accountId, pool.id, from, to)),
  )
  // Two ranges can have codes of one batch.
  return [...new Map(read.flat().map((batch) => [batch.start, batch])).values()]
}

/** Notes what the keys of the group were used for. Rejects with a RunAgainError if one was used before. */
async function insertUses(tx: BookTransaction, pool: Pool, { newUses }: Ledger): Promise<void> {
  const areNew = operations.map((operation) => {
    const uses = newUses.filter((one) => one.operation === operation).map(({ use }) => use)
    return uses.length === 0 || insertKeys(tx, operation, pool.id, uses)
  })
  if ((await Promise.all(areNew)).includes(false))
    throw new RunAgainError('An idempotency key of a claim was used before.')
}

async function insertClaims(
  tx: BookTransaction,
  pool: Pool,
  { claims }: Ledger,
  at: Date,
  nonce: bigint,
): Promise<void> {
  if (claims.length === 0) return
  await tx.execute({
    name: 'insert-claims',
    text: `
      INSERT INTO claim (account_id, pool_id, first, count, recipient, at, expires_at, nonce)
      SELECT $1, $2, claim.first, claim.count, claim.recipient, $6, claim.expires_at, $7
      FROM unnest($3::numeric[], $4::numeric[], $5::text[], $8::timestamptz[]) AS claim (first, count, recipient, expires_at)`,
    values: [
      tx.accountId,
      pool.id,
      claims.map(({ first }) => first),
      claims.map(({ count }) => count),
      claims.map(({ recipient }) => recipient ?? null),
      at,
      nonce,
      claims.map(({ expiresAt }) => expiresAt ?? null),
    ],
  })
}
