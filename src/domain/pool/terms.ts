import { isDeepStrictEqual } from 'node:util'
import type { RenewAfter } from '../../generated/prisma/client.ts'
import type { Books } from '../books/books.ts'
import { NotFoundError } from '../books/errors.ts'
import { InputCheck } from '../books/input.ts'
import { lockPool, type PoolTerms, recordPoolChange } from './pool.ts'

/** The terms of a pool, as a whole: what is left out has its default. */
export type TermsInput = { poolId: string } & Partial<PoolTerms>

const allRenewAfter: readonly RenewAfter[] = ['EXPIRED', 'REDEEMED', 'VOIDED']

/**
 * Saves the terms of a pool. They apply to claims from now on: neither the stock nor codes that have been claimed change.
 * Rejects with an InvalidInputError or a NotFoundError.
 */
export async function saveTerms(books: Books, accountId: string, input: TermsInput): Promise<void> {
  const terms: PoolTerms = {
    issueFrom: input.issueFrom,
    issueUntil: input.issueUntil,
    validUntil: input.validUntil,
    validForMs: input.validForMs,
    onePerRecipient: input.onePerRecipient ?? false,
    // Each once and in one order, so that the same choice is the same value.
    renewAfter: allRenewAfter.filter((reason) => input.renewAfter?.includes(reason)),
  }
  checkTerms(terms)
  await books.write(accountId, async (tx) => {
    const pool = await lockPool(tx, input.poolId)
    if (pool === undefined) throw new NotFoundError('pool', ['poolId'])
    if (isDeepStrictEqual(terms, pool.terms)) return
    const check = new InputCheck()
    if (pool.autoGenerate && isValidityOver(terms, tx.now()))
      check.issue(
        ['validUntil'],
        'It is in the past, and the pool has autoGenerate on: codes would be generated that are never good. Turn ' +
          'autoGenerate off first (saveReplenishment), or choose a time in the future.',
      )
    check.done()
    pool.terms = terms
    await tx.execute({
      text: `
        UPDATE pool SET issue_from = $3, issue_until = $4, valid_until = $5, valid_for_ms = $6, one_per_recipient = $7,
          renew_after = $8::renew_after[]
        WHERE account_id = $1 AND id = $2`,
      values: [
        accountId,
        pool.id,
        terms.issueFrom ?? null,
        terms.issueUntil ?? null,
        terms.validUntil ?? null,
        terms.validForMs ?? null,
        terms.onePerRecipient,
        terms.renewAfter,
      ],
    })
    recordPoolChange(tx, pool, ['TERMS'])
  })
}

/** Throws an InvalidInputError for terms that contradict each other. */
function checkTerms({ issueFrom, issueUntil, validUntil, validForMs }: PoolTerms): void {
  const check = new InputCheck()
  if (issueFrom !== undefined && issueUntil !== undefined && issueUntil <= issueFrom)
    check.issue(['issueUntil'], `It must be later than issueFrom, which is ${issueFrom.toISOString()}.`)
  if (issueFrom !== undefined && validUntil !== undefined && validUntil <= issueFrom)
    check.issue(
      ['validUntil'],
      `It must be later than issueFrom, which is ${issueFrom.toISOString()}: no code would be good when it is handed out.`,
    )
  if (validForMs !== undefined) check.duration(['validFor'], validForMs)
  check.done()
}

/** Whether the codes of a pool with these terms are no longer good, whenever they are claimed. */
export function isValidityOver({ validUntil }: PoolTerms, at: Date): boolean {
  return validUntil !== undefined && validUntil <= at
}
