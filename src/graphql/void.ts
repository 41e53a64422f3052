import { InvalidInputError, NotFoundError } from '../domain/books/errors.ts'
import { maxReasonLength } from '../domain/books/input.ts'
import type { CodeVoid as CodeVoidValue } from '../domain/usage/usage.ts'
import { maxSelectedCodes, maxSelectedPools, type Select } from '../domain/void/select.ts'
import { type Unvoided, unvoidCodes, type Voided, voidCodes } from '../domain/void/void.ts'
import { grouped } from '../grouped.ts'
import { builder } from './builder.ts'
import { Code, usageOf } from './code.ts'
import { type Given, loadedReads } from './field-rules.ts'
import { inputClaim, inputCode, inputId } from './ids.ts'
import { existing } from './nodes.ts'
import { Pool } from './pool.ts'

// Any of its characters may be a control character.
const maxReasonBytes = 6 * maxReasonLength + 2
const usualReasonBytes = 200

export const CodeVoid = builder.objectRef<CodeVoidValue>('CodeVoid').implement({
  description: 'When and why a claimed code was voided. While it is void, it cannot be redeemed.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When the code was voided.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      weight: { bytes: maxReasonBytes, usualBytes: usualReasonBytes },
      description: 'The reason that was given. Null if none was.',
    }),
  }),
})

builder.objectField(Code, 'void', (t) =>
  t.field({
    type: CodeVoid,
    nullable: true,
    description: 'When and why the code was voided (voidCodes). Null if it is not void.',
    weight: { reads: loadedReads },
    resolve: async (code, _args, context) => (await usageOf(code, context)).void ?? null,
  }),
)

const RecipientInput = builder.inputType('RecipientInput', {
  description: 'A recipient, in one pool or in all.',
  fields: (t) => ({
    recipient: t.string({
      required: true,
      description: 'The recipient, as in the claims. Case and spaces matter.',
    }),
    poolId: t.id({ description: 'The id of a pool: only claims from this one. All pools if left out.' }),
  }),
})

const ClaimedCodesInput = builder.inputType('ClaimedCodesInput', {
  description: 'A choice of claimed codes. Give exactly one of the fields.',
  isOneOf: true,
  fields: (t) => ({
    codeIds: t.idList({
      description:
        `The ids of codes: 1 to ${grouped(maxSelectedCodes)}, in any order, as long as they fit into a request of 1,000,000 ` +
        'bytes. An id may be given twice.',
    }),
    claimId: t.id({ description: 'The id of a claim: all of its codes.' }),
    taskId: t.id({
      description:
        'The id of a task: all codes that it added and that have been claimed since, for example if an uploaded file leaked.',
    }),
    recipient: t.field({
      type: RecipientInput,
      description: 'A recipient: all codes that were claimed for it, in one pool or in all.',
    }),
  }),
})

type ClaimedCodes = typeof ClaimedCodesInput.$inferInput

/** The choice. Throws a NotFoundError for a text that is not an id of the right type. */
function selectOf({ codeIds, claimId, taskId, recipient }: ClaimedCodes): Select {
  if (codeIds != null)
    return {
      codes: codeIds
        // Of a list that is too long, only the length matters.
        .slice(0, maxSelectedCodes + 1)
        .map((id, i) => inputCode(id, 'codeIds', ['select', 'codeIds', String(i)])),
    }
  if (claimId != null) return { claim: inputClaim(claimId, 'claimId', ['select', 'claimId']) }
  if (taskId != null) return { taskId: inputId('Task', taskId, 'taskId', ['select', 'taskId']) }
  if (recipient == null) throw new Error('A choice has none of its fields.')
  const { poolId } = recipient
  return {
    recipient: recipient.recipient,
    poolId: poolId == null ? undefined : inputId('Pool', poolId, 'poolId', ['select', 'recipient', 'poolId']),
  }
}

/** The largest number of pools that a choice can be in. */
function boundsOf({ codeIds, recipient }: ClaimedCodes): Given {
  if (codeIds != null) return { items: Math.min(codeIds.length, maxSelectedPools) }
  return { items: recipient != null && recipient.poolId == null ? maxSelectedPools : 1 }
}

const VoidCodesPayload = builder.objectRef<Voided>('VoidCodesPayload').implement({
  description: 'What became of the chosen codes. Each of them is in exactly one of the counts.',
  fields: (t) => ({
    voidedCount: t.expose('voided', {
      type: 'BigInt',
      description: 'How many codes were voided now.',
    }),
    alreadyVoidCount: t.expose('alreadyVoid', {
      type: 'BigInt',
      description: 'How many codes were void already. They keep their time and their reason.',
    }),
    redeemedCount: t.expose('redeemed', {
      type: 'BigInt',
      description:
        'How many codes are redeemed, and so were not voided. To void them, roll their redemptions back first.',
    }),
    notClaimedCount: t.expose('notClaimed', {
      type: 'BigInt',
      description:
        'How many codes have not been claimed, and so were not voided: they are available or withdrawn. To keep available ' +
        'codes from being claimed, withdraw them (withdrawCodes).',
    }),
  }),
})

const UnvoidCodesPayload = builder.objectRef<Unvoided>('UnvoidCodesPayload').implement({
  description: 'What became of the chosen codes. Each of them is in exactly one of the counts.',
  fields: (t) => ({
    unvoidedCount: t.expose('unvoided', {
      type: 'BigInt',
      description: 'How many codes were unvoided now. They are good again, unless they have expired.',
    }),
    notVoidCount: t.expose('notVoid', {
      type: 'BigInt',
      description: 'How many codes were not void. They stay as they are.',
    }),
  }),
})

for (const [payload, done] of [
  [VoidCodesPayload, 'voided'],
  [UnvoidCodesPayload, 'unvoided'],
] as const)
  builder.objectField(payload, 'pools', (t) =>
    t.field({
      type: [Pool],
      description: `The pools in which codes were ${done}, in their current state. Empty if none were.`,
      weight: (_args, { items = maxSelectedPools }) => ({ items, reads: items * loadedReads }),
      resolve: ({ poolIds }, _args, { nodes }) => Promise.all(poolIds.map((id) => existing(nodes.pool, id))),
    }),
  )

const VoidCodesInput = builder.inputType('VoidCodesInput', {
  description: 'The codes to void, and why.',
  fields: (t) => ({
    select: t.field({ type: ClaimedCodesInput, required: true, description: 'Which codes to void.' }),
    reason: t.string({
      description:
        'The reason, for people who look up one of the codes or read the history later: 1 to 1,000 characters.',
    }),
  }),
})

const UnvoidCodesInput = builder.inputType('UnvoidCodesInput', {
  description: 'The codes to unvoid.',
  fields: (t) => ({
    select: t.field({ type: ClaimedCodesInput, required: true, description: 'Which codes to unvoid.' }),
  }),
})

builder.mutationFields((t) => ({
  voidCodes: t.field({
    type: VoidCodesPayload,
    nullable: true,
    description:
      'Voids claimed codes, so that they can no longer be redeemed. Redeemed codes stay redeemed, and codes that are void ' +
      'already keep their reason. A claim of a million codes takes as long as one code. Safe to repeat. unvoidCodes undoes it. ' +
      'Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    weight: ({ input }) => ({ given: boundsOf(input.select) }),
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'How many codes were voided, or why none were.' },
    },
    args: {
      input: t.arg({ type: VoidCodesInput, required: true, description: 'The codes, and the reason.' }),
    },
    resolve: (_root, { input }, { books, accountId }) =>
      voidCodes(books, accountId, { select: selectOf(input.select), reason: input.reason ?? undefined }),
  }),
  unvoidCodes: t.field({
    type: UnvoidCodesPayload,
    nullable: true,
    description:
      'Makes void codes good again, unless they have expired. They need not be all that were voided together. Safe to ' +
      'repeat. Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    weight: ({ input }) => ({ given: boundsOf(input.select) }),
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'How many codes were unvoided, or why none were.' },
    },
    args: { input: t.arg({ type: UnvoidCodesInput, required: true, description: 'The codes.' }) },
    resolve: (_root, { input }, { books, accountId }) =>
      unvoidCodes(books, accountId, { select: selectOf(input.select) }),
  }),
}))
