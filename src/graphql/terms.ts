import { InvalidInputError, NotFoundError } from '../domain/books/errors.ts'
import { maxDurationDays } from '../domain/books/input.ts'
import type { PoolTerms as PoolTermsValue } from '../domain/pool/pool.ts'
import { saveTerms } from '../domain/pool/terms.ts'
import type { RenewAfter as RenewAfterName } from '../generated/prisma/client.ts'
import { grouped } from '../grouped.ts'
import { builder } from './builder.ts'
import { inputId } from './ids.ts'
import { Pool, poolPayload } from './pool.ts'

const RenewAfter = builder.enumType('RenewAfter', {
  description:
    'What can become of the code that a recipient holds, so that the recipient gets a new one when asking again.',
  values: {
    EXPIRED: { description: 'The code has expired, and was neither redeemed nor voided.' },
    REDEEMED: { description: 'The code has been redeemed.' },
    VOIDED: { description: 'The code was voided.' },
  } satisfies Record<RenewAfterName, { description: string }>,
})

// One per RenewAfter.
const maxRenewAfter = 3

const about = {
  issueFrom: 'When the pool begins to hand out codes. Earlier claims are refused (PoolNotIssuingError).',
  issueUntil:
    'When the pool stops handing out codes: the end of a campaign, for example. From then on, claims are refused ' +
    '(PoolNotIssuingError).',
  validUntil:
    'When all codes expire, whenever they were claimed: the end of a sale, for example. From then on, none are handed out ' +
    'either.',
  validFor:
    'How long each code is good after it is claimed: "P30D" for thirty days of 24 hours. With validUntil as well, a code ' +
    'is good until the earlier of the two.',
  onePerRecipient:
    'Whether a recipient gets only one code of the pool. Whoever claims again gets the same code, even when the pool is empty, ' +
    'archived or no longer handing out codes. Every claim is then for one code and needs a recipient.',
  renewAfter:
    'When a recipient gets a new code after all: if one of these has become of the code that they hold. Empty: never. It ' +
    'only matters with onePerRecipient.',
}

const PoolTerms = builder.objectRef<PoolTermsValue>('PoolTerms').implement({
  description:
    'The terms of a pool: when it hands out codes, how long these are good after that, and whether a recipient gets ' +
    'only one. They never remove codes from the stock.',
  fields: (t) => ({
    issueFrom: t.expose('issueFrom', {
      type: 'DateTime',
      nullable: true,
      description: `${about.issueFrom} Null if there is no such limit.`,
    }),
    issueUntil: t.expose('issueUntil', {
      type: 'DateTime',
      nullable: true,
      description: `${about.issueUntil} Null if there is no end, except that of validUntil.`,
    }),
    validUntil: t.expose('validUntil', {
      type: 'DateTime',
      nullable: true,
      description: `${about.validUntil} Null if there is no such time.`,
    }),
    validFor: t.expose('validForMs', {
      type: 'Duration',
      nullable: true,
      description: `${about.validFor} Null if there is no such limit.`,
    }),
    onePerRecipient: t.exposeBoolean('onePerRecipient', { description: about.onePerRecipient }),
    renewAfter: t.field({
      type: [RenewAfter],
      weight: { items: maxRenewAfter },
      description: about.renewAfter,
      resolve: ({ renewAfter }) => [...renewAfter],
    }),
  }),
})

builder.objectField(Pool, 'terms', (t) =>
  t.field({
    type: PoolTerms,
    description:
      'The terms: when the pool hands out codes, how long these are good after that, and whether a recipient gets ' +
      'only one. New claims follow them; a code that was claimed before keeps its expiresAt.',
    resolve: ({ terms }) => terms,
  }),
)

const SaveTermsPayload = poolPayload('SaveTermsPayload', 'The terms were saved. New claims follow them.')

const SaveTermsInput = builder.inputType('SaveTermsInput', {
  description:
    'The terms of a pool, as a whole: a term that is left out is set to its default, which is no limit. So send all of ' +
    'them, including those that stay as they are.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    issueFrom: t.field({ type: 'DateTime', description: about.issueFrom }),
    issueUntil: t.field({
      type: 'DateTime',
      description: `${about.issueUntil} It must be later than issueFrom.`,
    }),
    validUntil: t.field({
      type: 'DateTime',
      description:
        `${about.validUntil} It must be later than issueFrom. A time in the past is refused while the pool has autoGenerate ` +
        'on: turn that off first (saveReplenishment).',
    }),
    validFor: t.field({
      type: 'Duration',
      description: `${about.validFor} It must be more than zero, and at most ${grouped(maxDurationDays)} days.`,
    }),
    onePerRecipient: t.boolean({
      required: true,
      defaultValue: false,
      description:
        `${about.onePerRecipient} It can be turned on in a pool that is in use: earlier claims count, too. If the newest ` +
        'claim of a recipient was for several codes, it is the first of these that the recipient gets again.',
    }),
    renewAfter: t.field({
      type: [RenewAfter],
      required: true,
      defaultValue: [],
      description: about.renewAfter,
    }),
  }),
})

builder.mutationField('saveTerms', (t) =>
  t.field({
    type: SaveTermsPayload,
    nullable: true,
    description:
      'Saves the terms of a pool as a whole: a term that is left out is set to its default. They apply to claims from now ' +
      'on, and change neither the stock nor codes that have been claimed. To make those stop working, void them (voidCodes). ' +
      'Needs MANAGE.',
    authScopes: { scope: 'MANAGE' },
    errors: {
      types: [InvalidInputError, NotFoundError],
      union: { description: 'The pool with its new terms, or why they were not saved.' },
    },
    args: { input: t.arg({ type: SaveTermsInput, required: true, description: 'The terms to save.' }) },
    resolve: async (_root, { input }, { books, accountId }) => {
      const poolId = inputId('Pool', input.poolId, 'poolId')
      await saveTerms(books, accountId, {
        poolId,
        issueFrom: input.issueFrom ?? undefined,
        issueUntil: input.issueUntil ?? undefined,
        validUntil: input.validUntil ?? undefined,
        validForMs: input.validFor ?? undefined,
        onePerRecipient: input.onePerRecipient,
        renewAfter: input.renewAfter,
      })
      return { poolId }
    },
  }),
)
