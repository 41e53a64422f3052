import { IdempotencyConflictError, InvalidInputError, NotFoundError } from '../src/domain/books/errors.ts'
import type { Code as CodeValue } from '../src/domain/code/code.ts'
import type { Claim } from '../src/domain/pool/claim-rows.ts'
import { NotEnoughCodesError } from '../src/domain/pool/pool.ts'
import {
  CodeExpiredError,
  CodeNotClaimedError,
  CodeRedeemedError,
  CodeVoidedError,
  RecipientMismatchError,
} from '../src/domain/redemption/errors.ts'
import { builder } from '../src/graphql/builder.ts'
import { ClaimCodesInput, ClaimCodesPayload } from '../src/graphql/claim.ts'
import { Code } from '../src/graphql/code.ts'
import { uuidOf } from '../src/graphql/ids.ts'
import { RedeemCodeInput, RedeemCodePayload } from '../src/graphql/redemption.ts'
import type { CodeRows } from './usual/code-rows.ts'

const listLength = 10_000
const codeLength = 10
const text = Array.from({ length: listLength }, (_, i) => String(i).padStart(codeLength, 'A')).join('')

/** Adds to the API what claims are compared with: fields of the same shape that do less, or do it in another way. */
export function addPeers(codeRows: CodeRows | undefined): void {
  const kept = likeCodes()
  addClaimLike('doNothing', () => Promise.resolve(kept.slice(0, 1)))
  if (codeRows !== undefined)
    addClaimLike('claimRow', async (poolId) => [likeCode(await codeRows.claim(poolId))])
  addRedemptionLike('redeemNothing')
  builder.queryFields((t) => ({
    newCodes: t.field({ type: [Code], weight: { items: listLength }, resolve: () => likeCodes() }),
    keptCodes: t.field({ type: [Code], weight: { items: listLength }, resolve: () => kept }),
    likeCode: t.field({
      type: Code,
      nullable: true,
      authScopes: { scope: 'READ' },
      args: { code: t.arg.string({ required: true }) },
      resolve: (_root, { code }) => Promise.resolve({ ...likeCode(code), claim: undefined }),
    }),
  }))
}

/** Codes, made in the cheapest way: slices of a text. */
function likeCodes(): CodeValue[] {
  return Array.from({ length: listLength }, (_, i) =>
    likeCode(text.slice(i * codeLength, (i + 1) * codeLength)),
  )
}

/** Adds a mutation with the input, the scope and the answers of claimCodes. */
function addClaimLike(name: string, claim: (poolId: string) => Promise<CodeValue[]>): void {
  builder.mutationField(name, (t) =>
    t.field({
      type: ClaimCodesPayload,
      nullable: true,
      // As claimCodes has.
      weight: ({ input: { count } }) => ({ given: { items: count, recipientBytes: 0 } }),
      authScopes: { scope: 'CLAIM' },
      errors: {
        types: [InvalidInputError, NotFoundError, NotEnoughCodesError, IdempotencyConflictError],
      },
      args: { input: t.arg({ type: ClaimCodesInput, required: true }) },
      resolve: async (_root, { input }) => {
        const poolId = uuidOf('Pool', input.poolId)
        return { codes: await claim(poolId), claim: likeClaim(), alreadyHeld: false, poolId }
      },
    }),
  )
}

/** Adds a mutation with the input, the scope and the answers of redeemCode, which does nothing. */
function addRedemptionLike(name: string): void {
  const id = '00000000-0000-0000-0000-000000000000'
  builder.mutationField(name, (t) =>
    t.field({
      type: RedeemCodePayload,
      nullable: true,
      authScopes: { scope: 'REDEEM' },
      errors: {
        types: [
          InvalidInputError,
          NotFoundError,
          CodeNotClaimedError,
          RecipientMismatchError,
          CodeRedeemedError,
          CodeVoidedError,
          CodeExpiredError,
        ],
      },
      args: { input: t.arg({ type: RedeemCodeInput, required: true }) },
      resolve: (_root, { input: { reference, place } }) =>
        Promise.resolve({
          redemption: {
            id,
            poolId: id,
            position: 0n,
            reference,
            place: place ?? undefined,
            at: new Date(),
            rolledBackAt: undefined,
          },
          alreadyRedeemed: false,
        }),
    }),
  )
}

function likeCode(code: string): CodeValue {
  return {
    formatId: '00000000-0000-0000-0000-000000000000',
    index: 0n,
    code,
    poolId: '00000000-0000-0000-0000-000000000000',
    lane: 'LINE',
    position: 0n,
    claim: likeClaim(),
  }
}

function likeClaim(): Claim {
  return {
    poolId: '00000000-0000-0000-0000-000000000000',
    first: 0n,
    count: 1n,
    recipient: undefined,
    at: new Date(),
    expiresAt: undefined,
  }
}
