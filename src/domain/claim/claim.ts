import { setImmediate as nextTurn } from 'node:timers/promises'
import { CommitUnansweredError } from '../../database/errors.ts'
import { grouped } from '../../grouped.ts'
import type { Books } from '../books/books.ts'
import { checkIdempotencyKey, hashInput, KeyJustUsedError } from '../books/idempotency.ts'
import { InputCheck } from '../books/input.ts'
import { type Code, computeCodes } from '../code/code.ts'
import { readBatches } from '../pool/batch.ts'
import { type Claim, readClaims } from '../pool/claim-rows.ts'
import { lockPool } from '../pool/pool.ts'
import { type ClaimCodesInput, type ClaimRequest, claimGroup, type GroupResult } from './claim-group.ts'

export const maxClaim = 10_000
export const maxRecipientLength = 1_000

// More in one transaction makes those behind it wait longer than it saves them.
const maxGroup = 1_000

// A claim holds its pool's lock through a flush to disk. Two at a time keep the disk busy; more only queue there.
const maxTransactions = 2

/** A claim that waits for its turn, and is told what has become of it. */
interface Request extends ClaimRequest {
  resolve: (codes: Code[]) => void
  reject: (error: unknown) => void
}

/** A request that was given an interval of the pool's line, and is still to be told its codes. */
interface AcceptedClaim {
  first: bigint
  request: Request
}

/** The requests for one pool that have piled up. */
interface Lane {
  name: string
  accountId: string
  poolId: string
  waiting: Request[]
  running: boolean
}

/**
 * Takes codes out of pools. Claims of a pool that arrive while a transaction of this process is claiming from it
 * are served together by the next one; a claim that comes alone waits for nobody.
 */
export class Claims {
  readonly #books: Books
  readonly #lanes = new Map<string, Lane>()
  #transactions = 0

  constructor(books: Books) {
    this.#books = books
  }

  /**
   * Claims `count` codes of a pool, all or none, each handed out to nobody else ever. With an idempotencyKey that
   * was used for the same input, resolves to the same codes again and claims nothing.
   *
   * Rejects with an InvalidInputError, NotFoundError, NotEnoughCodesError or IdempotencyConflictError; with a
   * DatabaseUnavailableError when it cannot be known whether the codes were claimed: asking again with the same
   * idempotencyKey is safe.
   */
  async claim(accountId: string, input: ClaimCodesInput): Promise<Code[]> {
    checkClaim(input)
    const hash = hashInput({ poolId: input.poolId, count: input.count, recipient: input.recipient })
    return await new Promise<Code[]>((resolve, reject) => {
      this.#enqueue(accountId, { input, hash, resolve, reject })
    })
  }

  #enqueue(accountId: string, request: Request): void {
    const name = `${accountId} ${request.input.poolId}`
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = { name, accountId, poolId: request.input.poolId, waiting: [], running: false }
      this.#lanes.set(name, lane)
    }
    lane.waiting.push(request)
    this.#start()
  }

  /** Starts transactions for lanes that wait, in the order in which they began to. */
  #start(): void {
    for (const lane of this.#lanes.values()) {
      if (this.#transactions >= maxTransactions) return
      if (lane.running) continue
      lane.running = true
      this.#transactions += 1
      void this.#serve(lane)
    }
  }

  /** After a transaction of a lane has ended. */
  #release(lane: Lane): void {
    this.#transactions -= 1
    lane.running = false
    // To the end of the order; a lane that nobody waits in is gone.
    this.#lanes.delete(lane.name)
    if (lane.waiting.length > 0) this.#lanes.set(lane.name, lane)
    this.#start()
  }

  /** Serves one group of a lane. Never rejects: what goes wrong is told to the requests. */
  async #serve(lane: Lane): Promise<void> {
    const group: Request[] = []
    // Cut when the connection is in hand: whoever came while waiting for it is served too.
    const cut = () => {
      if (group.length === 0) group.push(...lane.waiting.splice(0, maxGroup))
      return group
    }
    let result: GroupResult
    try {
      result = await this.#claimGroup(lane, cut)
    } catch (error) {
      // Without a connection there was no cut; those who waited for it hear of it now.
      for (const request of cut()) request.reject(error)
      return
    } finally {
      // Before the answers: the next transaction waits for the disk while this process computes codes.
      this.#release(lane)
    }
    await this.#answer(lane, this.#decide(lane, group.splice(0), result), result)
  }

  async #claimGroup(lane: Lane, cut: () => Request[]): Promise<GroupResult> {
    for (;;) {
      let result: GroupResult | undefined
      try {
        return await this.#books.write(lane.accountId, async (tx) => {
          result = await claimGroup(tx, lane.poolId, cut())
          return result
        })
      } catch (error) {
        if (error instanceof KeyJustUsedError) continue
        if (!(error instanceof CommitUnansweredError) || result === undefined) throw error
        if (await this.#tookPlace(lane, result)) return result
      }
    }
  }

  /** Whether a transaction whose commit was not answered has committed. It waits for it to end either way. */
  async #tookPlace(lane: Lane, result: GroupResult): Promise<boolean> {
    if (result.from === result.to) return false
    return await this.#books.write(lane.accountId, async (tx) => {
      // Whoever held the lock has ended once this has it.
      await lockPool(tx, lane.poolId)
      const [claim] = await readClaims(tx, lane.accountId, lane.poolId, result.from, result.from + 1n)
      return claim?.first === result.from && claim.nonce === result.nonce
    })
  }

  /** Tells those who get no new codes; resolves to the claims of the others, in pieces. */
  #decide(lane: Lane, group: readonly Request[], { decisions }: GroupResult): AcceptedClaim[][] {
    const claims: AcceptedClaim[] = []
    for (const [position, request] of group.entries()) {
      const decision = decisions[position]
      if (decision === undefined) request.reject(new Error('A claim was left without a decision.'))
      else if (decision instanceof Error) request.reject(decision)
      else if (decision.replayed) this.#replay(lane, decision.first).then(request.resolve, request.reject)
      else claims.push({ first: decision.first, request })
    }
    return piecesOf(claims)
  }

  /** Computes the codes, outside the transaction and its locks, and hands them out. */
  async #answer(lane: Lane, pieces: AcceptedClaim[][], result: GroupResult): Promise<void> {
    // A request that was answered holds its codes: none is kept any longer than it takes.
    for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
      try {
        await this.#answerPiece(lane, piece, result)
      } catch (error) {
        for (const { request } of piece) request.reject(error)
      }
      // Between two large claims it is the turn of others.
      if (pieces.length > 0) await nextTurn()
    }
  }

  async #answerPiece(
    lane: Lane,
    piece: readonly AcceptedClaim[],
    { batches, at }: GroupResult,
  ): Promise<void> {
    const [{ first: from }, last] = [piece[0], piece.at(-1)] as [AcceptedClaim, AcceptedClaim]
    const to = last.first + BigInt(last.request.input.count)
    const codes = await computeCodes(this.#books, lane.accountId, batches, from, to)
    for (const { first, request } of piece) {
      const { count, recipient } = request.input
      const offset = Number(first - from)
      const claim = { at, recipient }
      request.resolve(
        codes.slice(offset, offset + count).map((code) => ({ ...code, poolId: lane.poolId, claim })),
      )
    }
  }

  /** The codes of a claim that was made before. */
  async #replay(lane: Lane, first: bigint): Promise<Code[]> {
    const [claim] = await readClaims(this.#books, lane.accountId, lane.poolId, first, first + 1n)
    if (claim?.first !== first) throw new Error(`The claim at ${first} of the pool ${lane.poolId} is gone.`)
    return await codesOfClaim(this.#books, lane, claim)
  }
}

/** Splits claims that follow one another into pieces that have no more codes than the largest claim. */
function piecesOf(claims: readonly AcceptedClaim[]): AcceptedClaim[][] {
  const pieces: AcceptedClaim[][] = []
  let room = 0
  for (const claim of claims) {
    const { count } = claim.request.input
    if (count > room) {
      pieces.push([])
      room = maxClaim
    }
    pieces.at(-1)?.push(claim)
    room -= count
  }
  return pieces
}

function checkClaim(input: ClaimCodesInput): void {
  const check = new InputCheck()
  if (input.count < 1 || input.count > maxClaim)
    check.issue(
      ['count'],
      `It is ${grouped(input.count)}. One claim takes from 1 to ${grouped(maxClaim)} codes.`,
    )
  if (input.recipient !== undefined) check.text(['recipient'], input.recipient, maxRecipientLength)
  checkIdempotencyKey(check, input.idempotencyKey)
  check.done()
}

async function codesOfClaim(books: Books, lane: Lane, claim: Claim): Promise<Code[]> {
  const to = claim.first + BigInt(claim.count)
  const batches = await readBatches(books, lane.accountId, lane.poolId, claim.first, to)
  const codes = await computeCodes(books, lane.accountId, batches, claim.first, to)
  return codes.map((code) => ({
    ...code,
    poolId: lane.poolId,
    claim: { at: claim.at, recipient: claim.recipient },
  }))
}
