import { type Group, Lanes } from '../../async/lanes.ts'
import { yieldToEventLoop } from '../../async/pacer.ts'
import { CommitUnansweredError } from '../../database/errors.ts'
import { grouped } from '../../grouped.ts'
import type { Books } from '../books/books.ts'
import { checkIdempotencyKey, hashInput } from '../books/idempotency.ts'
import { InputCheck } from '../books/input.ts'
import { type Code, type CodeText, computeCodes } from '../code/code.ts'
import { readBatches } from '../pool/batch.ts'
import { readClaims } from '../pool/claim-rows.ts'
import { lockPool } from '../pool/pool.ts'
import {
  type AcceptedClaim,
  type ClaimCodesInput,
  type ClaimRequest,
  claimGroup,
  type GroupResult,
} from './claim-group.ts'

export const maxClaim = 10_000
export const maxRecipientLength = 1_000

// A larger group delays the claims behind it by more than it saves them.
const maxGroup = 1_000

// A claim holds its pool's lock until its commit is flushed to disk. Two keep the disk busy; more only queue for it.
const maxTransactions = 2

type PoolKey = [accountId: string, poolId: string]

/**
 * Claims codes of pools. Claims of a pool that arrive while a transaction of this process is claiming from it are served
 * together by the next one; a claim that comes alone is served at once.
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
   * Claims `count` codes of a pool, all or none; no code is ever handed out twice. With an idempotencyKey that was used
   * for the same input, resolves to the same codes again and claims nothing.
   *
   * Rejects with an InvalidInputError, NotFoundError, NotEnoughCodesError or IdempotencyConflictError; with a
   * DatabaseUnavailableError when it cannot be known whether the codes were claimed: retrying with the same idempotencyKey
   * is safe.
   */
  async claim(accountId: string, input: ClaimCodesInput): Promise<Code[]> {
    checkClaim(input)
    const hash = hashInput({ poolId: input.poolId, count: input.count, recipient: input.recipient })
    return await this.#lanes.add([accountId, input.poolId], { input, hash })
  }

  async #serve(key: PoolKey, group: Group<ClaimRequest>): Promise<Promise<Code[]>[]> {
    const result = await this.#claimGroup(key, group)
    // The next transaction waits for the disk while this process computes codes.
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
      const [claim] = await readClaims(tx, accountId, poolId, from, from + 1n)
      return claim?.first === from && claim.nonce === nonce
    })
  }

  /** The codes of each request, or why it gets none. */
  #answer(key: PoolKey, requests: readonly ClaimRequest[], result: GroupResult): Promise<Code[]>[] {
    const codes = this.#compute(key, result)
    return requests.map((request, i) => {
      const decision = result.decisions[i]
      if (decision instanceof Error) return Promise.reject(decision)
      if (decision?.replayed === true) return this.#replay(key, decision.first)
      return codes.get(request) ?? Promise.reject(new Error('A claim was left without a decision.'))
    })
  }

  /** The codes of the claims that were accepted, which are computed outside the transaction and its locks. */
  #compute(
    [accountId, poolId]: PoolKey,
    { accepted, batches, at }: GroupResult,
  ): Map<ClaimRequest, Promise<Code[]>> {
    // No closure here holds on to `answers`: codes can be many, and are released once they have been handed out.
    const answers = new Map<ClaimRequest, Promise<Code[]>>()
    let previous = Promise.resolve()
    for (const { from, to, claims } of spansOf(accepted)) {
      const computed = previous.then(() => computeCodes(this.#books, accountId, batches, from, to))
      // Whatever becomes of a span, the next one begins after it, in another iteration of the event loop.
      previous = computed.then(yieldToEventLoop, yieldToEventLoop)
      for (const { first, request } of claims) {
        const { count, recipient } = request.input
        const offset = Number(first - from)
        const codesOf = (codes: CodeText[]) =>
          claimedBy(codes.slice(offset, offset + count), poolId, { at, recipient })
        answers.set(request, computed.then(codesOf))
      }
    }
    return answers
  }

  /** The codes of a claim that was made before. */
  async #replay([accountId, poolId]: PoolKey, first: bigint): Promise<Code[]> {
    const [claim] = await readClaims(this.#books, accountId, poolId, first, first + 1n)
    if (claim?.first !== first) throw new Error(`The claim at ${first} of the pool ${poolId} is gone.`)
    const to = first + BigInt(claim.count)
    const batches = await readBatches(this.#books, accountId, poolId, first, to)
    const codes = await computeCodes(this.#books, accountId, batches, first, to)
    return claimedBy(codes, poolId, { at: claim.at, recipient: claim.recipient })
  }
}

function claimedBy(codes: readonly CodeText[], poolId: string, claim: Code['claim']): Code[] {
  return codes.map((code) => ({ ...code, poolId, claim }))
}

/** Claims whose codes are computed together: positions [from, to). */
interface Span {
  from: bigint
  to: bigint
  claims: AcceptedClaim[]
}

/** Divides claims, each of which begins where the one before it ends, into spans of at most `maxClaim` codes. */
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
