import { earliest } from '../../dates.ts'
import { UserError } from '../books/errors.ts'
import type { Pool, PoolTerms } from './pool.ts'

/** The pool is archived: nothing is added to it or claimed from it. */
export class PoolArchivedError extends UserError {
  readonly code = 'POOL_ARCHIVED'
  /** As of the refusal. */
  readonly pool: Pool

  /** `what` could not be done: "claimed", for example. */
  constructor(pool: Pool, what: string) {
    super(
      `The pool "${pool.name}" is archived, so nothing was ${what}. Use another pool, or unarchive this one (unarchivePool).`,
      ['poolId'],
    )
    this.pool = { ...pool }
  }
}

/** By its terms, the pool does not hand out codes at the moment. */
export class PoolNotIssuingError extends UserError {
  readonly code = 'POOL_NOT_ISSUING'
  readonly issueFrom: Date | undefined
  readonly issueUntil: Date | undefined
  /** As of the refusal. */
  readonly pool: Pool

  constructor(pool: Pool, why: string) {
    super(
      `By its terms, the pool "${pool.name}" ${why}. Nothing was claimed. To change its terms, use saveTerms.`,
      ['poolId'],
    )
    this.issueFrom = pool.terms.issueFrom
    this.issueUntil = issuingEnds(pool.terms)
    this.pool = { ...pool }
  }
}

/** When the pool stops handing out codes: at the latest when they expire, as an expired code is of no use. */
export function issuingEnds({ issueUntil, validUntil }: PoolTerms): Date | undefined {
  if (issueUntil === undefined || validUntil === undefined) return issueUntil ?? validUntil
  return earliest(issueUntil, validUntil)
}

/** Why the pool hands out no codes at the time `at`; undefined if it does. */
export function refusalToIssue(pool: Pool, at: Date): UserError | undefined {
  if (pool.archivedAt !== undefined) return new PoolArchivedError(pool, 'claimed')
  const { issueFrom } = pool.terms
  const ends = issuingEnds(pool.terms)
  if (issueFrom !== undefined && at < issueFrom)
    return new PoolNotIssuingError(pool, `hands out codes only from ${issueFrom.toISOString()} on`)
  if (ends !== undefined && at >= ends)
    return new PoolNotIssuingError(pool, `handed out codes only until ${ends.toISOString()}`)
  return undefined
}
