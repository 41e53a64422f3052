import { v7 as newId } from 'uuid'
import { type Group, Groups } from '../../async/groups.ts'
import { CommitUnansweredError, RunAgainError } from '../../database/errors.ts'
import { dayMs, earliest, latest } from '../../dates.ts'
import { grouped } from '../../grouped.ts'
import { facts } from '../../telemetry/facts.ts'
import { inSpan } from '../../telemetry/spans.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { InvalidInputError, NotFoundError, UserError } from '../books/errors.ts'
import { InputCheck } from '../books/input.ts'
import type { Code } from '../code/code.ts'
import type { GuessLimit } from '../code/guess-limit.ts'
import type { LookUps } from '../code/lookup.ts'
import type { Claim } from '../pool/claim-rows.ts'
import { lockUsage } from '../usage/lock.ts'
import { type CodeVoid, hasExpired, type Redemption, readUsage, type Usage, unused } from '../usage/usage.ts'
import { countRedemptions } from './counts.ts'
import {
  CodeExpiredError,
  CodeNotClaimedError,
  CodeRedeemedError,
  CodeVoidedError,
  RecipientMismatchError,
} from './errors.ts'
import { composedReference, faultOfReference, readRedemptions } from './redemption.ts'

export const maxPlaceLength = 255

/** How far a given time may be ahead of this process's clock, as the clocks of tills differ. It then counts as now. */
const maxAheadMs = 60_000

// A larger group delays the redemptions behind it by more than it saves them.
const maxGroup = 1_000

// As for claims: two keep the disk busy, and more only queue for it. Those that wait for a lock only take up connections.
const maxTransactions = 2
const maxSlowTransactions = 3

export interface RedeemCodeInput {
  /** As a person types it. */
  code: string
  reference: string
  place?: string | undefined
  at?: Date | undefined
  recipient?: string | undefined
}

export interface Redeemed {
  code: Code
  redemption: Redemption
  /** Whether an earlier request with the same reference has redeemed the code. */
  alreadyRedeemed: boolean
}

/** A request to redeem a claimed code. */
interface RedeemRequest {
  code: ClaimedCode
  reference: string
  place: string | undefined
  /** The time that the caller gave. */
  at: Date | undefined
}

type ClaimedCode = Code & { claim: Claim }

type Decision = { redemption: Redemption; alreadyRedeemed: boolean } | UserError

/** What a transaction has done for a group of requests. */
interface GroupResult {
  /** In the order of the requests. */
  decisions: Decision[]
  /** The redemptions that it has made. */
  made: Redemption[]
}

type PoolKey = [accountId: string, poolId: string]

export interface RedemptionsOptions {
  lookUps: LookUps
  guesses: GuessLimit
  /** How long ago a code may have been used when it is redeemed, in days. */
  maxAgeDays: number
}

/**
 * Redeems codes. Redemptions of a pool's codes that arrive while a transaction of this process redeems codes of the same pool
 * are served together by the next one. At most `maxTransactions` are in flight, over all pools, and besides
 * `maxSlowTransactions` that take longer than `slowMs`, as while codes of their pool are being voided; others wait.
 */
export class Redemptions {
  readonly #books: Books
  readonly #options: RedemptionsOptions
  readonly #groups: Groups<PoolKey, RedeemRequest, Decision>

  constructor(books: Books, options: RedemptionsOptions) {
    this.#books = books
    this.#options = options
    this.#groups = new Groups({
      of: 'redemptions',
      maxGroups: maxTransactions,
      maxSlowGroups: maxSlowTransactions,
      maxItems: maxGroup,
      serve: (key, group) => this.#serve(key, group),
    })
  }

  /**
   * Redeems the code that a person means by a text, for `reference`. If the code is already redeemed for the same reference,
   * resolves to that redemption, whatever has happened since, so that a request can be sent again. After that redemption has
   * been rolled back, the code is redeemed anew. The time is `at`, but never later than now or earlier than the code's claim;
   * by default now. Whether the code has expired is judged as of that time, by the clock of this process.
   *
   * Rejects with an InvalidInputError, a NotFoundError (which counts as a guess of the key), CodeNotClaimedError,
   * RecipientMismatchError, CodeRedeemedError, CodeVoidedError or CodeExpiredError; and with a RateLimitedError after too many
   * guesses. After a DatabaseUnavailableError it is not known whether the code was redeemed: send the request again.
   */
  async redeem(accountId: string, keyId: string, input: RedeemCodeInput): Promise<Redeemed> {
    const { reference, recipient } = checkInput(input, this.#books.now())
    const { lookUps, guesses } = this.#options
    const code = await guesses.attempt(keyId, () => lookUps.find(accountId, input.code))
    if (code === undefined) throw new NotFoundError('code', ['code'], noSuchCode)
    if (!isClaimed(code)) throw new CodeNotClaimedError(code.lane)
    if (!isHeldBy(code, recipient)) throw new RecipientMismatchError()
    const request = { code, reference, place: input.place, at: input.at }
    const decision = await inSpan('redeem', { 'promo_codes.pool_id': code.poolId }, () =>
      this.#groups.add([accountId, code.poolId], request),
    )
    if (decision instanceof UserError) throw decision
    return { code, ...decision }
  }

  async #serve(key: PoolKey, group: Group<RedeemRequest>): Promise<Decision[]> {
    const { decisions, made } = await this.#redeemGroup(key, group)
    if (facts.redeemed.isWanted) {
      const refused = decisions.filter((decision) => decision instanceof UserError).length
      const redeemed = made.length
      facts.redeemed.tell({ redeemed, refused, repeated: decisions.length - refused - redeemed })
    }
    return decisions
  }

  async #redeemGroup(key: PoolKey, group: Group<RedeemRequest>): Promise<GroupResult> {
    const [accountId, poolId] = key
    const maxAgeMs = this.#options.maxAgeDays * dayMs
    for (;;) {
      let result: GroupResult | undefined
      try {
        return await this.#books.write(accountId, async (tx) => {
          result = await redeemGroup(tx, poolId, group.close(), maxAgeMs)
          return result
        })
      } catch (error) {
        if (!(error instanceof CommitUnansweredError) || result === undefined) throw error
        if (await this.#hasCommitted(key, result)) return result
      }
    }
  }

  /** Whether a transaction whose COMMIT was not answered has committed. Waits until it has ended. */
  async #hasCommitted([accountId, poolId]: PoolKey, { made }: GroupResult): Promise<boolean> {
    const [first] = made
    if (first === undefined) return false
    return await this.#books.write(accountId, async (tx) => {
      // The other transaction held this lock until it ended.
      await lockUsage(tx, poolId)
      return (await readRedemptions(tx, accountId, [first.id])).length > 0
    })
  }
}

const noSuchCode =
  'No code in your account matches this text, or several match it equally well. Check the spelling.'

/** Throws an InvalidInputError. Returns the reference and the recipient in Unicode's composed form. */
function checkInput(input: RedeemCodeInput, now: Date): { reference: string; recipient: string | undefined } {
  const check = new InputCheck()
  const reference = composedReference(input.reference)
  const fault = faultOfReference(reference)
  if (fault !== undefined) check.issue(['reference'], fault)
  if (input.place !== undefined) check.text(['place'], input.place, maxPlaceLength, 'optional')
  if (input.at !== undefined && input.at.getTime() > now.getTime() + maxAheadMs)
    check.issue(
      ['at'],
      `It is ${input.at.toISOString()}, which is in the future: it is ${now.toISOString()} now. Give the time at which the ` +
        'code was used, or leave it out.',
    )
  const recipient =
    input.recipient === undefined ? undefined : check.recipient(['recipient'], input.recipient, 'optional')
  check.done()
  return { reference, recipient }
}

function isClaimed(code: Code): code is ClaimedCode {
  return code.claim !== undefined
}

/** Whether a recipient may hold the code. A claim without a recipient is anybody's. */
function isHeldBy({ claim }: ClaimedCode, recipient: string | undefined): boolean {
  return (
    recipient === undefined || claim.recipient === undefined || claim.recipient.normalize('NFC') === recipient
  )
}

/** Decides a group of requests for codes of one pool, and writes the result. */
async function redeemGroup(
  tx: BookTransaction,
  poolId: string,
  group: readonly RedeemRequest[],
  maxAgeMs: number,
): Promise<GroupResult> {
  // Asked for before the lock is held: the order of redemptions does not depend on their times.
  const times = { now: tx.now(), maxAgeMs }
  const decisions = new Map<RedeemRequest, Decision>()
  const made = new Map<string, Redemption>()
  const note = (inserted: readonly Redemption[]) => {
    for (const redemption of inserted) made.set(redemption.id, redemption)
  }
  // Usually, no code of a group has been used before, and no code of its pool is void: then this is all, in one round trip.
  const hoped = draft(
    group,
    group.map(() => unused),
    times,
    decisions,
  )
  const [locked, inserted] = await Promise.all([
    lockUsage(tx, poolId),
    insertRedemptions(tx, poolId, hoped, 'unless voids'),
    countRedemptions(tx, poolId, hoped, 1),
  ])
  note(inserted)
  const version = locked + 1n
  const rest = group.filter((request) => {
    const decision = decisions.get(request)
    return decision instanceof UserError || decision === undefined || !made.has(decision.redemption.id)
  })
  if (rest.length > 0) {
    const missed = hoped.filter(({ id }) => !made.has(id))
    const places = rest.map(({ code }) => code)
    const [found] = await Promise.all([
      readUsage(tx, tx.accountId, places),
      countRedemptions(tx, poolId, missed, -1, version),
    ])
    const more = draft(rest, found, times, decisions)
    const [insertedMore] = await Promise.all([
      insertRedemptions(tx, poolId, more, version),
      countRedemptions(tx, poolId, more, 1, version),
    ])
    if (insertedMore.length < more.length)
      throw new RunAgainError('A code was redeemed by another transaction at the same moment.')
    note(insertedMore)
  }
  return { decisions: group.map((request) => decisions.get(request) as Decision), made: [...made.values()] }
}

/** Decides requests, given what has become of their codes so far. Returns the redemptions to be made, one for a code. */
function draft(
  requests: readonly RedeemRequest[],
  found: readonly Usage[],
  times: { now: Date; maxAgeMs: number },
  decisions: Map<RedeemRequest, Decision>,
): Redemption[] {
  const drafts = new Map<bigint, Redemption>()
  for (const [i, request] of requests.entries()) {
    const { position } = request.code
    const usage = found[i] ?? unused
    // An earlier request of the group may redeem the same code.
    const decision = decide(request, usage.redemption ?? drafts.get(position), usage.void, times)
    decisions.set(request, decision)
    if (!(decision instanceof UserError) && !decision.alreadyRedeemed)
      drafts.set(position, decision.redemption)
  }
  return [...drafts.values()]
}

/** `redemption` and `codeVoid`: what has become of the code so far. */
function decide(
  { code, reference, place, at: given }: RedeemRequest,
  redemption: Redemption | undefined,
  codeVoid: CodeVoid | undefined,
  { now, maxAgeMs }: { now: Date; maxAgeMs: number },
): Decision {
  if (redemption?.reference === reference) return { redemption, alreadyRedeemed: true }
  // Only after the case above, so that a request can be sent again however long it has been under way.
  if (given !== undefined && given.getTime() < now.getTime() - maxAgeMs) return tooLongAgo(given, maxAgeMs)
  if (redemption !== undefined) return new CodeRedeemedError(redemption)
  if (codeVoid !== undefined) return new CodeVoidedError(codeVoid)
  const { poolId, position, claim } = code
  const used = given === undefined ? now : earliest(given, now)
  // The time of the claim can be ahead of this process's clock: that does not make a code expire.
  if (claim.expiresAt !== undefined && hasExpired(claim, used)) return new CodeExpiredError(claim.expiresAt)
  const at = latest(claim.at, used)
  return {
    redemption: { id: newId(), poolId, position, reference, place, at, rolledBackAt: undefined },
    alreadyRedeemed: false,
  }
}

function tooLongAgo(at: Date, maxAgeMs: number): InvalidInputError {
  const days = maxAgeMs / dayMs
  return new InvalidInputError([
    {
      path: ['at'],
      message:
        `It is ${at.toISOString()}, which is too long ago: a use of a code can be reported for up to ${grouped(days)} ` +
        `${days === 1 ? 'day' : 'days'}. Give a later time, or leave it out.`,
    },
  ])
}

/**
 * Inserts those of the redemptions whose codes are not redeemed, and resolves to these. Their version is that of the usage,
 * which this transaction has locked and increased; or, 'unless voids', is about to increase: then none is inserted if codes
 * of the pool are void.
 */
async function insertRedemptions(
  tx: BookTransaction,
  poolId: string,
  redemptions: readonly Redemption[],
  version: bigint | 'unless voids',
): Promise<Redemption[]> {
  if (redemptions.length === 0) return []
  const inserted = await tx.rows<{ id: string }>({
    name: 'insert-redemptions',
    text: `
      INSERT INTO redemption (account_id, id, pool_id, position, reference, place, at, version)
      SELECT $1, made.id, $2, made.position, made.reference, made.place, made.at, coalesce($3, usage.version + 1)
      FROM unnest($4::uuid[], $5::numeric[], $6::text[], $7::text[], $8::timestamptz[])
        AS made (id, position, reference, place, at)
      CROSS JOIN (SELECT version, voided FROM pool_usage WHERE account_id = $1 AND pool_id = $2) AS usage
      WHERE $3::bigint IS NOT NULL OR usage.voided = 0
      ON CONFLICT (account_id, pool_id, position) WHERE rolled_back_version IS NULL DO NOTHING
      RETURNING id`,
    values: [
      tx.accountId,
      poolId,
      version === 'unless voids' ? null : version,
      redemptions.map(({ id }) => id),
      redemptions.map(({ position }) => position),
      redemptions.map(({ reference }) => reference),
      redemptions.map(({ place }) => place ?? null),
      redemptions.map(({ at }) => at),
    ],
  })
  const ids = new Set(inserted.map(({ id }) => id))
  return redemptions.filter(({ id }) => ids.has(id))
}
