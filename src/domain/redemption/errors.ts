import { UserError } from '../books/errors.ts'
import type { Lane } from '../pool/batch.ts'
import type { CodeVoid, Redemption } from '../usage/usage.ts'

const path = ['code']

/** The code is in the stock of its pool, or was withdrawn from it: nobody has it. */
export class CodeNotClaimedError extends UserError {
  readonly code = 'CODE_NOT_CLAIMED'

  constructor(lane: Lane) {
    super(
      lane === 'WITHDRAWN'
        ? 'The code was withdrawn before it was handed out, so it cannot be redeemed. Check that it was typed correctly.'
        : 'The code has not been handed out yet, so it cannot be redeemed. Check that it was typed correctly.',
      path,
    )
  }
}

/** The code expired at `expiredAt`, and was used at that moment or later. */
export class CodeExpiredError extends UserError {
  readonly code = 'CODE_EXPIRED'
  readonly expiredAt: Date

  constructor(expiredAt: Date) {
    super(`The code expired at ${expiredAt.toISOString()}, so it was not redeemed.`, path)
    this.expiredAt = expiredAt
  }
}

/** The code has been redeemed with another reference. */
export class CodeRedeemedError extends UserError {
  readonly code = 'CODE_REDEEMED'
  readonly redemption: Redemption

  constructor(redemption: Redemption) {
    super(
      'The code has already been redeemed with another reference. To use it again, roll that redemption back first ' +
        '(rollBackRedemption).',
      path,
    )
    this.redemption = redemption
  }
}

export class CodeVoidedError extends UserError {
  readonly code = 'CODE_VOIDED'
  readonly void: CodeVoid

  constructor(codeVoid: CodeVoid) {
    super('The code has been voided and is no longer good, so it was not redeemed.', path)
    this.void = codeVoid
  }
}

/** The code was claimed for another recipient. It does not say for whom. */
export class RecipientMismatchError extends UserError {
  readonly code = 'RECIPIENT_MISMATCH'

  constructor() {
    super(
      'The code was handed out to another recipient. Nothing was changed. Check the code and the recipient.',
      ['recipient'],
    )
  }
}
