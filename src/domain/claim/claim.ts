import { randomBytes } from 'node:crypto'
import { type Group, Lanes } from '../../async/lanes.ts'
import { yieldToEventLoop } from '../../async/pacer.ts'
import { CommitUnansweredError } from '../../database/errors.ts'
import { grouped } from '../../grouped.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { IdempotencyConflictError, NotFoundError, type UserError } from '../books/errors.ts'
import { checkIdempotencyKey, findKeys, hashInput, insertKeys, type UsedKey } from '../books/idempotency.ts'
import { InputCheck } from '../books/input.ts'
import { type Code, type CodeText, computeCodes } from '../code/code.ts'
import { availableForGeneration } from '../format/format.ts'
import { formatForRefill, isRefillable, recordShortage, refill } from '../generation/refill.ts'
import { adviceOnShortage } from '../generation/shortage.ts'
import { type Batch, readBatches } from '../pool/batch.ts'
import { type Claim, readClaimNonce, readClaims } from '../pool/claim-rows.ts'
import { lineTime, lockPool, NotEnoughCodesError, type Pool, writePoolCounters } from '../pool/pool.ts'

export const maxClaim = 10_000
export const maxRecipientLength = 1_000

// A larger group delays the claims behind it by more than it saves them.
const maxGroup = 1_000

// A claim holds its pool's lock until its commit is flushed to disk. Two keep the disk busy; more only queue for it.
const maxTransactions = 2

const operation = 'claimCodes'

export interface ClaimCodesInput {
  poolId: string
  count: number
  recipient?: string | undefined
  idempotencyKey?: string | undefined
}

interface ClaimRequest {
  input: ClaimCodesInput
  hash: string
}

/** A request gets the positions from `first` on, in this transaction or (`replayed`) in an earlier one, or an error. */
type Decision = { first: bigint; replayed: boolean } | UserError

/** A request that gets new codes, from the position `first` on. */
interface AcceptedClaim {
  first: bigint
  request: ClaimRequest
}

/** What a transaction has done for a group of requests. */
interface GroupResult {
  /** In the order of the requests. */
  decisions: Decision[]
  /** In the order of their positions. */
  accepted: AcceptedClaim[]
  /** The positions that it has claimed, [from, to), and the batches that hold them. */
  from: bigint
  to: bigint
  batches: Batch[]
  at: Date
  /** Stored with each claim of the group, to find out whether its transaction has committed. */
  nonce: bigint
}

type PoolKey = [accountId: string, poolId: string]

/**
 * Claims codes of pools. Claims of a pool that arrive while a transaction of this process claims from it are served
 * together by the next one. At most `maxTransactions` are in flight, over all pools; other claims wait.
 */
export class Claims {
  readonly #books: Books
  readonly #lanes: Lanes<PoolKey, ClaimRequest, Code[]>

  constructor(books: Books) {
    this.#books = books
    this.#lanes = new Lanes({
      maxGroups: maxTransactions,
      maxItems: maxGroup,
      serve: (key, group) => this.#serve(key, group),
    })
  }

  /**
   * Claims `count` codes of a pool, all or none. No code is ever claimed twice. With an idempotencyKey that was used for
   * the same input before, resolves to the same codes again and claims nothing.
   *
   * Rejects with an InvalidInputError, NotFoundError, NotEnoughCodesError or IdempotencyConflictError. After a
   * DatabaseUnavailableError it is not known whether the codes were claimed: retry with the same idempotencyKey.
   */
  async claim(accountId: string, input: ClaimCodesInput): Promise<Code[]> {
    checkClaim(input)
    const hash = hashInput({ poolId: input.poolId, count: input.count, recipient: input.recipient })
    return await this.#lanes.add([accountId, input.poolId], { input, hash })
  }

  async #serve(key: PoolKey, group: Group<ClaimRequest>): Promise<Promise<Code[]>[]> {
    const result = await this.#claimGroup(key, group)
    // While this process computes codes, the next transaction can wait for the disk.
    group.release()
    return this.#answer(key, group.close(), result)
  }

  async #claimGroup(key: PoolKey, group: Group<ClaimRequest>): Promise<GroupResult> {
    const [accountId, poolId] = key
    for (;;) {
      let result: GroupResult | undefined
      try {
        return await this.#books.write(accountId, async (tx) => {
          result = await claimGroup(tx, poolId, group.close())
          return result
        })
      } catch (error) {
        if (!(error instanceof CommitUnansweredError) || result === undefined) throw error
        if (await this.#hasCommitted(key, result)) return result
      }
    }
  }

  /** Whether a transaction whose COMMIT was not answered has committed. Waits until it has ended. */
  async #hasCommitted([accountId, poolId]: PoolKey, { from, to, nonce }: GroupResult): Promise<boolean> {
    if (from === to) return false
    return await this.#books.write(accountId, async (tx) => {
      // The other transaction held this lock until it ended.
      await lockPool(tx, poolId)
      return (await readClaimNonce(tx, accountId, { poolId, first: from })) === nonce
    })
  }

  /** The codes of each request, or the error that it gets. */
  #answer(key: PoolKey, requests: readonly ClaimRequest[], result: GroupResult): Promise<Code[]>[] {
    const codes = this.#compute(key, result)
    return requests.map((request, i) => {
      const decision = result.decisions[i]
      if (decision instanceof Error) return Promise.reject(decision)
      if (decision?.replayed === true) return this.#replay(key, decision.first)
      return codes.get(request) ?? Promise.reject(new Error('A claim was not decided.'))
    })
  }

  /** Computes the codes of the accepted claims, after the transaction has released its locks. */
  #compute(
    [accountId, poolId]: PoolKey,
    { accepted, batches, at }: GroupResult,
  ): Map<ClaimRequest, Promise<Code[]>> {
    // No closure here references `answers`, so codes are garbage once they have been answered.
    const answers = new Map<ClaimRequest, Promise<Code[]>>()
    let previous = Promise.resolve()
    for (const { from, to, claims } of spansOf(accepted)) {
      const computed = previous.then(() => computeCodes(this.#books, accountId, batches, from, to))
      // The next span begins in another iteration of the event loop, even if this one fails.
      previous = computed.then(yieldToEventLoop, yieldToEventLoop)
      for (const { first, request } of claims) {
        const { count, recipient } = request.input
        const offset = Number(first - from)
        const claim = { poolId, first, count: BigInt(count), recipient, at, expiresAt: undefined }
        const codesOf = (codes: CodeText[]) => claimedBy(codes.slice(offset, offset + count), claim)
        answers.set(request, computed.then(codesOf))
      }
    }
    return answers
  }

  /** The codes of an earlier claim. */
  async #replay([accountId, poolId]: PoolKey, first: bigint): Promise<Code[]> {
    const [claim] = await readClaims(this.#books, accountId, poolId, first, first + 1n)
    if (claim?.first !== first) throw new Error(`The claim at ${first} of the pool ${poolId} is gone.`)
    const to = first + claim.count
    const batches = await readBatches(this.#books, accountId, poolId, first, to)
    const codes = await computeCodes(this.#books, accountId, batches, first, to)
    return claimedBy(codes, claim)
  }
}

function checkClaim(input: ClaimCodesInput): void {
  const check = new InputCheck()
  if (input.count < 1 || input.count > maxClaim)
    check.issue(
      ['count'],
      `The count is ${grouped(input.count)}. Claim from 1 to ${grouped(maxClaim)} codes at a time.`,
    )
  if (input.recipient !== undefined) check.text(['recipient'], input.recipient, maxRecipientLength)
  checkIdempotencyKey(check, input.idempotencyKey)
  check.done()
}

/** Decides a group of claims of one pool, writes the result, and refills the pool if necessary. */
async function claimGroup(
  tx: BookTransaction,
  poolId: string,
  group: readonly ClaimRequest[],
): Promise<GroupResult> {
  const nonce = randomBytes(8).readBigInt64BE()
  const pool = await lockPool(tx, poolId)
  if (pool === undefined) {
    const decisions = group.map(() => new NotFoundError('pool', ['poolId']))
    return { decisions, accepted: [], from: 0n, to: 0n, batches: [], at: tx.now(), nonce }
  }
  const at = lineTime(tx, pool)
  const asked = group.map((request) => request.input.idempotencyKey).filter((key) => key !== undefined)
  const keys = await findKeys(tx, operation, [...new Set(asked)])
  const before = pool.total - pool.claimed
  const known = group.map((request) => decideByKey(request, keys))
  const demand = group.reduce(
    (sum, request, i) => (known[i] === undefined ? sum + BigInt(request.input.count) : sum),
    0n,
  )
  // Without new claims nothing changes, even if the pool needs a refill.
  const format = demand === 0n ? undefined : await formatForRefill(tx, pool, before - demand)
  const supply = before + (format === undefined ? 0n : availableForGeneration(format))

  const from = pool.claimed
  let to = from
  const accepted: AcceptedClaim[] = []
  const decisions = group.map((request, i): Decision | 'short' => {
    // An earlier request of this group may have used the same key.
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

  if (format !== undefined && isRefillable(pool, tx.now())) await refill(tx, pool, format, to - from)
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

/** A replay or a conflict if the request's key has been used; otherwise undefined. */
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
      FROM unnest($3::numeric[], $4::numeric[], $5::text[]) AS claim (first, count, recipient)`,
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

/** The codes of a claim, in order. */
function claimedBy(codes: readonly CodeText[], claim: Claim): Code[] {
  const { poolId, first } = claim
  return codes.map((code, i) => ({ ...code, poolId, lane: 'LINE', position: first + BigInt(i), claim }))
}

/** Claims whose codes are computed together, at the positions [from, to). */
interface Span {
  from: bigint
  to: bigint
  claims: AcceptedClaim[]
}

/** Divides adjacent claims into spans of at most `maxClaim` codes. */
function spansOf(accepted: readonly AcceptedClaim[]): Span[] {
  const spans: Span[] = []
  for (const claim of accepted) {
    const to = claim.first + BigInt(claim.request.input.count)
    const span = spans.at(-1)
    if (span === undefined || to - span.from > maxClaim)
      spans.push({ from: claim.first, to, claims: [claim] })
    else {
      span.to = to
      span.claims.push(claim)
    }
  }
  return spans
}
