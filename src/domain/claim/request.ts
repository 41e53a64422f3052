import { Pacer } from '../../async/pacer.ts'
import { grouped } from '../../grouped.ts'
import { checkIdempotencyKey, hashInput } from '../books/idempotency.ts'
import { InputCheck } from '../books/input.ts'

/** The codes of one claim that are answered with it. */
export const maxClaim = 10_000
export const maxRecipients = 10_000

interface CommonInput {
  poolId: string
  /** Until when the codes are good; it can only shorten what the terms of the pool say. */
  expiresAt?: Date | undefined
  idempotencyKey?: string | undefined
}

export interface ClaimCodesInput extends CommonInput {
  count: number
  recipient?: string | undefined
}

export interface ClaimForRecipientsInput extends CommonInput {
  recipients: readonly string[]
}

export interface ClaimFileInput extends CommonInput {
  count: bigint
  recipient?: string | undefined
}

/** The mutations that claim. Each has idempotency keys of its own. In this order, a group looks for keys and inserts them. */
export const operations = ['claimCodes', 'claimFile', 'claimForRecipients'] as const

/** What is claimed, after its input was checked: `count` codes for each of the recipients, in their order, as a claim each. */
export interface ClaimRequest {
  operation: (typeof operations)[number]
  count: bigint
  recipients: readonly (string | undefined)[]
  expiresAt: Date | undefined
  idempotencyKey: string | undefined
  /** Of the input: see `hashInput`. */
  hash: string
  /** The API key that claims. */
  keyId: string | undefined
}

/** Throws an InvalidInputError. */
export function requestForCodes(input: ClaimCodesInput, keyId: string | undefined): ClaimRequest {
  const check = new InputCheck()
  if (input.count < 1 || input.count > maxClaim)
    check.issue(
      ['count'],
      `The count is ${grouped(input.count)}. Claim from 1 to ${grouped(maxClaim)} codes at a time.`,
    )
  return requestForOne(check, 'claimCodes', input, keyId)
}

/** Throws an InvalidInputError. */
export function requestForFile(input: ClaimFileInput, keyId: string | undefined): ClaimRequest {
  const check = new InputCheck()
  check.count(['count'], input.count, 1n)
  return requestForOne(check, 'claimFile', input, keyId)
}

function requestForOne(
  check: InputCheck,
  operation: 'claimCodes' | 'claimFile',
  input: ClaimCodesInput | ClaimFileInput,
  keyId: string | undefined,
): ClaimRequest {
  const { poolId, count, expiresAt, idempotencyKey } = input
  const recipient =
    input.recipient === undefined ? undefined : check.recipient(['recipient'], input.recipient, 'optional')
  checkIdempotencyKey(check, idempotencyKey)
  check.done()
  const hash = hashInput({ poolId, count, recipient, expiresAt: expiresAt?.toISOString() })
  return { operation, count: BigInt(count), recipients: [recipient], expiresAt, idempotencyKey, hash, keyId }
}

// As many as an answer can show.
const maxIssues = 30

/** Rejects with an InvalidInputError. */
export async function requestForList(
  input: ClaimForRecipientsInput,
  keyId: string | undefined,
): Promise<ClaimRequest> {
  const { poolId, expiresAt, idempotencyKey } = input
  const check = new InputCheck()
  const size = input.recipients.length
  if (size < 1 || size > maxRecipients)
    check.issue(
      ['recipients'],
      `There are ${grouped(size)} recipients. Claim for 1 to ${grouped(maxRecipients)} at a time.`,
    )
  checkIdempotencyKey(check, idempotencyKey)
  check.done()
  const pacer = new Pacer()
  const recipients: string[] = []
  for (const [at, recipient] of input.recipients.entries()) {
    if (pacer.isDue()) await pacer.yield()
    recipients.push(check.recipient(['recipients', String(at)], recipient, 'required'))
    if (check.size >= maxIssues) break
  }
  check.done()
  await pacer.yieldIfDue()
  const list = JSON.stringify(recipients)
  const hash = hashInput({ poolId, recipients: list, expiresAt: expiresAt?.toISOString() })
  return { operation: 'claimForRecipients', count: 1n, recipients, expiresAt, idempotencyKey, hash, keyId }
}
