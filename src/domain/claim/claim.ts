import { LRUCache } from 'lru-cache'
import { type Group, Groups } from '../../async/groups.ts'
import { yieldToEventLoop } from '../../async/pacer.ts'
import { CommitUnansweredError } from '../../database/errors.ts'
import { facts } from '../../telemetry/facts.ts'
import { inSpan } from '../../telemetry/spans.ts'
import type { Books } from '../books/books.ts'
import { readClaimedCodes } from '../code/claimed-codes.ts'
import { type Code, type CodeText, computeCodes, readPositions } from '../code/code.ts'
import { HolesAhead } from '../code/holes.ts'
import { type Claim, readClaim, readClaimNonce } from '../pool/claim-rows.ts'
import { lockPool } from '../pool/pool.ts'
import { answersNewCodes, decideGroup, type Granted, type GroupResult } from './decide.ts'
import {
  type ClaimCodesInput,
  type ClaimFileInput,
  type ClaimForRecipientsInput,
  type ClaimRequest,
  maxClaim,
  requestForCodes,
  requestForFile,
  requestForList,
} from './request.ts'

// A larger group delays the claims behind it by more than it saves them.
const maxGroup = 1_000

// A claim holds its pool's lock until its commit is flushed to disk. Two keep the disk busy; more only queue for it.
const maxTransactions = 2

// Those that wait for the lock of their pool do not use the disk, but each has one of the process's 16 connections. As many
// redemptions may wait, and this leaves 6 connections to everything else.
const maxSlowTransactions = 3

const maxExpected = 1_000

/** The codes of a claim. */
export interface Claimed {
  /** The claim that they belong to. It can have more codes, if the recipient already held the first of them. */
  claim: Claim
  /** Whether the recipient already held the code, so that nothing was claimed. */
  alreadyHeld: boolean
  codes: Code[]
}

/** The code of a recipient of a list. */
export interface RecipientClaim {
  recipient: string
  /** Whether the recipient already held the code, or appears earlier in the list. */
  alreadyHeld: boolean
  code: Code
}

/** The answer to a request. */
interface Answer {
  granted: Granted
  /** None for a file. */
  codes: Code[]
}

type PoolKey = [accountId: string, poolId: string]

/**
 * Claims codes of pools. Claims of a pool that arrive while a transaction of this process claims from it are served
 * together by the next one. At most `maxTransactions` are in flight, over all pools, and besides `maxSlowTransactions` that
 * take longer than `slowMs`, as while another process holds the lock of their pool; other claims wait.
 *
 * All of them are all or nothing, and no code is ever claimed twice. With an idempotencyKey that was used for the same input
 * before, they resolve to the same codes again and claim nothing. In a pool with one code for each recipient, a recipient that
 * holds a code gets the same one again, whatever the pool does now.
 *
 * They reject with an InvalidInputError, NotFoundError, NotEnoughCodesError, PoolNotIssuingError, PoolArchivedError or
 * IdempotencyConflictError. After a DatabaseUnavailableError it is not known whether the codes were claimed: retry with the
 * same idempotencyKey. `keyId`: the API key that claims, for the events of a refill.
 */
export class Claims {
  readonly #books: Books
  readonly #groups: Groups<PoolKey, ClaimRequest, Answer>
  /** Pools that had one code for each recipient when they were last claimed from: what to expect, not what is so. */
  readonly #onePerRecipient = new LRUCache<string, true>({ max: maxExpected })
  readonly #holes: HolesAhead

  constructor(books: Books) {
    this.#books = books
    this.#holes = new HolesAhead(books)
    this.#groups = new Groups({
      of: 'claims',
      maxGroups: maxTransactions,
      maxSlowGroups: maxSlowTransactions,
      maxItems: maxGroup,
      weightOf: ({ recipients }) => recipients.length,
      serve: (key, group) => this.#serve(key, group),
    })
  }

  /** Claims `count` codes of a pool. */
  async claim(accountId: string, input: ClaimCodesInput, keyId?: string): Promise<Claimed> {
    const request = requestForCodes(input, keyId)
    const { granted, codes } = await this.#claim([accountId, input.poolId], request)
    const claim = codes[0]?.claim
    if (claim === undefined) throw new Error('A claim has no codes.')
    return { claim, alreadyHeld: granted.grants[0]?.alreadyHeld === true, codes }
  }

  /** Claims a code for each recipient, in their order. */
  async claimForRecipients(
    accountId: string,
    input: ClaimForRecipientsInput,
    keyId?: string,
  ): Promise<RecipientClaim[]> {
    const request = await requestForList(input, keyId)
    const { granted, codes } = await this.#claim([accountId, input.poolId], request)
    return codes.map((code, i) => {
      const [recipient, grant] = [request.recipients[i], granted.grants[i]]
      if (recipient === undefined || grant === undefined)
        throw new Error('A list has more codes than recipients.')
      return { recipient, alreadyHeld: grant.alreadyHeld, code }
    })
  }

  /** Claims any number of codes at once, which are not computed: they are read as a file. */
  async claimFile(accountId: string, input: ClaimFileInput, keyId?: string): Promise<Claim> {
    const request = requestForFile(input, keyId)
    const { granted } = await this.#claim([accountId, input.poolId], request)
    const first = granted.grants[0]?.first
    const claim =
      first === undefined
        ? undefined
        : await readClaim(this.#books, accountId, { poolId: input.poolId, first })
    if (claim === undefined) throw new Error(`The claim at ${first} of the pool ${input.poolId} is gone.`)
    return claim
  }

  #claim(key: PoolKey, request: ClaimRequest): Promise<Answer> {
    const { count, recipients } = request
    const attributes = {
      'promo_codes.pool_id': key[1],
      'promo_codes.codes': Number(count) * recipients.length,
    }
    return inSpan('claim', attributes, () => this.#groups.add(key, request))
  }

  async #serve(key: PoolKey, group: Group<ClaimRequest>): Promise<Promise<Answer>[]> {
    const result = await this.#claimGroup(key, group)
    if (result.onePerRecipient) this.#onePerRecipient.set(key[1], true)
    else this.#onePerRecipient.delete(key[1])
    if (facts.claimed.isWanted)
      facts.claimed.tell({ claims: claimsOf(result), codes: result.to - result.from })
    // While this process computes codes, the next transaction can wait for the disk.
    group.release()
    return this.#answer(key, group.close(), result)
  }

  async #claimGroup(key: PoolKey, group: Group<ClaimRequest>): Promise<GroupResult> {
    const [accountId, poolId] = key
    // A transaction that finds a key of which this is not so runs again.
    let newKeys = true
    for (;;) {
      let result: GroupResult | undefined
      try {
        return await this.#books.write(accountId, async (tx) => {
          const expected = { onePerRecipient: this.#onePerRecipient.has(poolId), newKeys }
          newKeys = false
          result = await decideGroup(tx, poolId, group.close(), expected)
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
    // Without claims, it may have noted idempotency keys: then they are found.
    if (from === to) return false
    return await this.#books.write(accountId, async (tx) => {
      // The other transaction held this lock until it ended.
      await lockPool(tx, poolId)
      return (await readClaimNonce(tx, accountId, { poolId, first: from })) === nonce
    })
  }

  /** The answer to each request, or the error that it gets. */
  #answer(key: PoolKey, requests: readonly ClaimRequest[], result: GroupResult): Promise<Answer>[] {
    const codes = this.#compute(key, requests, result)
    return requests.map(async (request, i) => {
      const granted = result.decisions[i]
      if (granted === undefined) throw new Error('A claim was not decided.')
      if (granted instanceof Error) throw granted
      if (request.operation === 'claimFile') return { granted, codes: [] }
      return { granted, codes: await (codes.get(request) ?? this.#read(key, request, granted)) }
    })
  }

  /** Computes the codes that were claimed just now, after the transaction has released its locks. */
  #compute(
    [accountId, poolId]: PoolKey,
    requests: readonly ClaimRequest[],
    { decisions, batches, at }: GroupResult,
  ): Map<ClaimRequest, Promise<Code[]>> {
    // No closure here references `answers`, so codes are garbage once they have been answered.
    const answers = new Map<ClaimRequest, Promise<Code[]>>()
    let previous = Promise.resolve()
    for (const { from, to, claims } of spansOf(requests, decisions)) {
      const computed = previous.then(() =>
        computeCodes(this.#books, accountId, batches, from, to, this.#holes),
      )
      // The next span begins in another iteration of the event loop, even if this one fails.
      previous = computed.then(yieldToEventLoop, yieldToEventLoop)
      for (const { request, granted } of claims) {
        const [start, end] = [Number(granted.from - from), Number(granted.to - from)]
        const codesOf = (codes: CodeText[]) =>
          claimedBy(codes.slice(start, end), { poolId, request, granted, at })
        answers.set(request, computed.then(codesOf))
      }
    }
    return answers
  }

  /** The codes that were claimed earlier, at least in part. */
  async #read(
    [accountId, poolId]: PoolKey,
    { count, recipients }: ClaimRequest,
    { grants }: Granted,
  ): Promise<Code[]> {
    const from = grants[0]?.first ?? 0n
    const isRun = grants.every(({ first }, i) => first === from + BigInt(i))
    if (!isRun) {
      const places = grants.map(({ first: position }) => ({ poolId, position }))
      return await readClaimedCodes(this.#books, accountId, places)
    }
    const to = from + count * BigInt(recipients.length)
    return await readPositions(this.#books, accountId, poolId, { lane: 'LINE', from, to }, true)
  }
}

/** How many claims a transaction has made: one for each recipient that got new codes. */
function claimsOf({ decisions }: GroupResult): number {
  let claims = 0
  for (const decision of decisions)
    if (!(decision instanceof Error))
      for (const { alreadyHeld } of decision.grants)
        if (!alreadyHeld && decision.from < decision.to) claims += 1
  return claims
}

/** The codes that a request has claimed, in order, each with its claim. */
function claimedBy(
  codes: readonly CodeText[],
  { poolId, request, granted, at }: { poolId: string; request: ClaimRequest; granted: Granted; at: Date },
): Code[] {
  const { count, recipients } = request
  const { from, expiresAt } = granted
  const claims = recipients.map(
    (recipient, i): Claim => ({ poolId, first: from + BigInt(i) * count, count, recipient, at, expiresAt }),
  )
  const each = Number(count)
  return codes.map((code, i) => ({
    ...code,
    poolId,
    lane: 'LINE',
    position: from + BigInt(i),
    claim: claims[Math.floor(i / each)],
  }))
}

/** Requests whose codes are computed together, at the positions [from, to). */
interface Span {
  from: bigint
  to: bigint
  claims: { request: ClaimRequest; granted: Granted }[]
}

/** Divides the requests whose new codes are answered into spans of at most `maxClaim` codes. */
function spansOf(requests: readonly ClaimRequest[], decisions: GroupResult['decisions']): Span[] {
  const spans: Span[] = []
  for (const [i, request] of requests.entries()) {
    const granted = decisions[i]
    if (granted === undefined || granted instanceof Error || !answersNewCodes(request, granted)) continue
    const { from, to } = granted
    const span = spans.at(-1)
    if (span === undefined || from !== span.to || to - span.from > maxClaim)
      spans.push({ from, to, claims: [{ request, granted }] })
    else {
      span.to = to
      span.claims.push({ request, granted })
    }
  }
  return spans
}
