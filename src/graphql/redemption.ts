import { InvalidInputError, NotFoundError } from '../domain/books/errors.ts'
import {
  CodeExpiredError,
  CodeNotClaimedError,
  CodeRedeemedError,
  CodeVoidedError,
  RecipientMismatchError,
} from '../domain/redemption/errors.ts'
import { maxPlaceLength } from '../domain/redemption/redeem.ts'
import {
  composedReference,
  faultOfReference,
  maxReferenceLength,
  redemptionsFor,
  redemptionsOfPool,
} from '../domain/redemption/redemption.ts'
import { rollBackRedemption } from '../domain/redemption/roll-back.ts'
import type { Redemption as RedemptionValue } from '../domain/usage/usage.ts'
import { builder } from './builder.ts'
import { Code, lookUpReads, usageOf } from './code.ts'
import { badInput } from './errors/top-level.ts'
import { loadedReads, rowReads } from './field-rules.ts'
import { inputId } from './ids.ts'
import { checkPage, connectionType, newestFirst, pageArguments, pageWeight } from './pagination.ts'
import { Pool } from './pool.ts'

// Any character may be a control character.
const maxReferenceBytes = 6 * maxReferenceLength + 2
const maxPlaceBytes = 6 * maxPlaceLength + 2
const usualBytes = 64

export const Redemption = builder.objectRef<RedemptionValue>('Redemption')

builder.node(Redemption, {
  description: 'The use of a code, once, for one order or visit. It can be rolled back.',
  id: { resolve: (redemption) => redemption.id },
  fields: (t) => ({
    code: t.field({
      type: Code,
      description: 'The code that was used.',
      weight: { reads: loadedReads },
      resolve: (redemption, _args, { nodes }) => nodes.claimedCode.load(redemption),
    }),
    reference: t.exposeString('reference', {
      weight: { bytes: maxReferenceBytes, usualBytes },
      description:
        'What the code was used for, in the words of whoever redeemed it: the number of an order, usually.',
    }),
    place: t.exposeString('place', {
      nullable: true,
      weight: { bytes: maxPlaceBytes, usualBytes },
      description: 'Where the code was used, such as a shop or a till. Null if that was not given.',
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When the code was used.' }),
    rolledBackAt: t.expose('rolledBackAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the redemption was rolled back. Null while it stands.',
    }),
  }),
})

builder.objectField(Code, 'redemption', (t) =>
  t.field({
    type: Redemption,
    nullable: true,
    description:
      'When, where and for what the code was used. Null if it was not, or if that was rolled back.',
    weight: { reads: loadedReads },
    resolve: async (code, _args, context) => (await usageOf(code, context)).redemption ?? null,
  }),
)

const RedemptionConnection = connectionType(Redemption, 'redemptions')

builder.objectField(Pool, 'redemptions', (t) =>
  t.field({
    type: RedemptionConnection,
    description:
      'The redemptions of codes of the pool, including those that were rolled back, in the order in which the service ' +
      'recorded them, newest first. One that a till sent later can have an earlier `at`. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: (args) => checkPage(args, 'Redemption'),
    args: pageArguments(),
    resolve: (pool, page, context) =>
      newestFirst(
        page,
        { type: 'Redemption', nodes: context.nodes.redemption, filter: redemptionsOfPool(pool.id) },
        context,
      ),
  }),
)

builder.queryField('redemptions', (t) =>
  t.field({
    type: RedemptionConnection,
    description:
      'The redemptions with a reference: what was redeemed for an order, for example. Includes those that were rolled ' +
      'back, in the order in which the service recorded them, newest first. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: (args) => {
      const fault = faultOfReference(composedReference(args.reference))
      if (fault !== undefined) throw badInput(`reference: ${fault}`)
      checkPage(args, 'Redemption')
    },
    args: {
      reference: t.arg.string({
        required: true,
        description: 'The reference, exactly as it was given when the codes were redeemed.',
      }),
      ...pageArguments(),
    },
    resolve: (_root, { reference, ...page }, context) =>
      newestFirst(
        page,
        {
          type: 'Redemption',
          nodes: context.nodes.redemption,
          filter: redemptionsFor(composedReference(reference)),
        },
        context,
      ),
  }),
)

interface RedeemedPayload {
  redemption: RedemptionValue
  alreadyRedeemed: boolean
}

export const RedeemCodePayload = builder.objectRef<RedeemedPayload>('RedeemCodePayload').implement({
  description: 'The code was redeemed, now or by an earlier request with the same reference.',
  fields: (t) => ({
    redemption: t.expose('redemption', { type: Redemption, description: 'The redemption.' }),
    alreadyRedeemed: t.exposeBoolean('alreadyRedeemed', {
      description:
        'Whether an earlier request with the same reference had redeemed the code already. Then this one changed nothing.',
    }),
  }),
})

interface RolledBackPayload {
  redemption: RedemptionValue
}

const RollBackRedemptionPayload = builder
  .objectRef<RolledBackPayload>('RollBackRedemptionPayload')
  .implement({
    description:
      'The redemption is rolled back: it no longer counts as a use of its code. The code is good again unless it has expired, ' +
      'even if the other codes of its claim were voided while it was redeemed. If it should not be, void it (voidCodes).',
    fields: (t) => ({
      redemption: t.expose('redemption', {
        type: Redemption,
        description: 'The redemption. If it was rolled back before, it is unchanged.',
      }),
    }),
  })

export const RedeemCodeInput = builder.inputType('RedeemCodeInput', {
  description: 'The code to redeem, and what it is used for.',
  fields: (t) => ({
    code: t.string({ required: true, description: 'The code as a person types it or reads it out.' }),
    reference: t.string({
      required: true,
      description:
        'What the code is used for, in your own words: the number of an order, for example. 1 to 255 characters, not ' +
        'blank. The same code with the same reference is redeemed once, so it is safe to repeat the request. But once ' +
        'that redemption has been rolled back, the same request redeems the code again.',
    }),
    place: t.string({
      description: 'Where the code is used, such as a shop or a till: 1 to 255 characters.',
    }),
    at: t.field({
      type: 'DateTime',
      description:
        'When the code was used, if a till was offline then. Now, if left out. Whether the code had expired is judged as ' +
        'of that time. It must be in the past, by at most seven days unless the service is configured otherwise. As ' +
        'clocks differ, up to a minute in the future counts as now, and a time before the claim as that of the claim.',
    }),
    recipient: t.string({
      description:
        'Who uses the code, if you know. The code is then redeemed only if it was claimed for exactly this recipient ' +
        '(case and spaces matter) or for nobody in particular: its claim has no recipient, or no longer, because the ' +
        'recipient has been forgotten (forgetRecipient).',
    }),
  }),
})

const RollBackRedemptionInput = builder.inputType('RollBackRedemptionInput', {
  description: 'The redemption to roll back.',
  fields: (t) => ({
    redemptionId: t.id({ required: true, description: 'The id of the redemption.' }),
  }),
})

builder.mutationFields((t) => ({
  redeemCode: t.field({
    type: RedeemCodePayload,
    nullable: true,
    description:
      'Redeems a code: marks it as used. A code is redeemed only once, however many tills try at the same moment. The ' +
      'code is found as by the query code, and the same limit applies: attempts that find no code are limited per API ' +
      'key, and beyond the limit the error is RATE_LIMITED. Needs REDEEM.',
    authScopes: { scope: 'REDEEM' },
    weight: { reads: lookUpReads + rowReads },
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
      union: { description: 'The redemption, or why the code was not redeemed.' },
    },
    args: { input: t.arg({ type: RedeemCodeInput, required: true, description: 'The code and its use.' }) },
    resolve: async (_root, { input }, { redemptions, accountId, keyId, nodes }) => {
      const { code, ...payload } = await redemptions.redeem(accountId, keyId, {
        code: input.code,
        reference: input.reference,
        place: input.place ?? undefined,
        at: input.at ?? undefined,
        recipient: input.recipient ?? undefined,
      })
      nodes.claimedCode.prime(code, code)
      return payload
    },
  }),
  rollBackRedemption: t.field({
    type: RollBackRedemptionPayload,
    nullable: true,
    description:
      'Rolls a redemption back, when an order is cancelled, for example: the code can be redeemed again, unless it has ' +
      'expired or is voided meanwhile. Rolling back twice is not an error and changes nothing more. Needs REDEEM.',
    authScopes: { scope: 'REDEEM' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'The redemption, or why it was not rolled back.' },
    },
    args: {
      input: t.arg({
        type: RollBackRedemptionInput,
        required: true,
        description: 'The redemption to roll back.',
      }),
    },
    resolve: async (_root, { input }, { books, accountId }) => {
      const redemptionId = inputId('Redemption', input.redemptionId, 'redemptionId')
      return { redemption: await rollBackRedemption(books, accountId, redemptionId) }
    },
  }),
}))
