import type { GraphQLResolveInfo } from 'graphql'
import { max, min } from '../bigint.ts'
import { IdempotencyConflictError, InvalidInputError, NotFoundError } from '../domain/books/errors.ts'
import { InputCheck } from '../domain/books/input.ts'
import type { Claimed, RecipientClaim as RecipientClaimValue } from '../domain/claim/claim.ts'
import { type ClaimSlice, forgetRecipient, listClaims, listClaimsOf } from '../domain/claim/recipients.ts'
import { maxClaim, maxRecipients } from '../domain/claim/request.ts'
import { type CodeOrigin, readPositions } from '../domain/code/code.ts'
import { findPlace } from '../domain/pool/batch.ts'
import { type Claim as ClaimValue, readClaim } from '../domain/pool/claim-rows.ts'
import { PoolArchivedError, PoolNotIssuingError } from '../domain/pool/issuing.ts'
import { NotEnoughCodesError } from '../domain/pool/pool.ts'
import { codesPath } from '../routes.ts'
import { builder } from './builder.ts'
import { Code, CodeConnection, checkCodesPage, codeCursor, recipientWeight, seesRecipients } from './code.ts'
import type { Context } from './context.ts'
import { badInput } from './errors/top-level.ts'
import { loadedReads, rowReads } from './field-rules.ts'
import { argumentId, claimKey, codeKey, decodeId, encodeId, inputId, parseClaimKey } from './ids.ts'
import { maxPathBytes, maxRecipientBytes } from './max-sizes.ts'
import { existing } from './nodes.ts'
import {
  badCursor,
  connectionOf,
  connectionType,
  type PageArguments,
  pageArguments,
  pageOf,
  pageOfForeignCursor,
  pageSize,
  pageWeight,
} from './pagination.ts'
import { Pool } from './pool.ts'

export const Claim = builder.objectRef<ClaimValue>('Claim')

builder.node(Claim, {
  description: 'Codes of a pool that were handed out together.',
  id: { resolve: claimKey },
  fields: (t) => ({
    pool: t.field({
      type: Pool,
      description: 'The pool that the codes were claimed from.',
      weight: { reads: loadedReads },
      resolve: ({ poolId }, _args, { nodes }) => existing(nodes.pool, poolId),
    }),
    recipient: t.string({
      nullable: true,
      weight: recipientWeight,
      authScopes: seesRecipients,
      description:
        'Who the codes are for. Null if none was given, or if the recipient has been forgotten (forgetRecipient). Needs ' +
        'READ or CLAIM.',
      resolve: (claim) => claim.recipient,
    }),
    count: t.expose('count', { type: 'BigInt', description: 'The number of codes.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When the codes were claimed.' }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the codes expire: from this moment on, they are no longer good. Null if they do not expire.',
      resolve: (claim) => claim.expiresAt,
    }),
    codes: t.field({
      type: CodeConnection,
      description:
        'The codes, in the order in which they were claimed. In a mutation, an empty page if a cursor does not belong to ' +
        'this list. Needs READ.',
      authScopes: { scope: 'READ' },
      weight: pageWeight,
      checkArgs: checkCodesPage,
      args: pageArguments(),
      resolve: codesOf,
    }),
    codesUrl: t.string({
      weight: { bytes: maxPathBytes },
      description:
        'The path on this service of a file with the codes, as in codesUrl of a pool. The download can be resumed, and ' +
        'needs READ.',
      resolve: (claim) =>
        codesPath(encodeId('Pool', claim.poolId), {
          status: 'CLAIMED',
          claim: encodeId('Claim', claimKey(claim)),
        }),
    }),
  }),
})

builder.objectField(Code, 'claim', (t) =>
  t.field({
    type: Claim,
    nullable: true,
    description:
      'The claim that the code was handed out with. Null for a code that has not been claimed. Needs READ or CLAIM.',
    authScopes: seesRecipients,
    resolve: (code) => code.claim ?? null,
  }),
)

async function codesOf(
  claim: ClaimValue,
  args: PageArguments,
  context: Context,
  { operation }: GraphQLResolveInfo,
) {
  const { poolId, first, count } = claim
  const totalCount = () => count
  const { limit, fromEnd } = pageSize(args)
  const after = await offsetOf(claim, codeCursor('after', args.after), context)
  if (after === null) return { ...pageOfForeignCursor('after', operation), totalCount }
  const before = await offsetOf(claim, codeCursor('before', args.before), context)
  if (before === null) return { ...pageOfForeignCursor('before', operation), totalCount }
  const low = after === undefined ? 0n : after + 1n
  const high = max(low, before ?? count)
  const size = BigInt(limit)
  const [from, to] = fromEnd ? [max(low, high - size), high] : [low, min(high, low + size)]
  const place = { lane: 'LINE', from: first + from, to: first + to } as const
  const codes = await readPositions(context.books, context.accountId, poolId, place, true)
  const edges = codes.map((code) => ({ cursor: encodeId('Code', codeKey(code)), node: code }))
  return { ...connectionOf(edges, { hasNextPage: to < count, hasPreviousPage: from > 0n }), totalCount }
}

/** The number of a code in a claim, from 0; undefined for no origin, null if the claim does not have the code. */
async function offsetOf(
  { poolId, first, count }: ClaimValue,
  origin: CodeOrigin | undefined,
  { books, accountId }: Context,
): Promise<bigint | undefined | null> {
  if (origin === undefined) return undefined
  const found = await findPlace(books, accountId, origin)
  if (found?.poolId !== poolId || found.lane !== 'LINE') return null
  const offset = found.position - first
  return offset >= 0n && offset < count ? offset : null
}

const ClaimConnection = connectionType(Claim, 'claims')

builder.objectField(Pool, 'claims', (t) =>
  t.field({
    type: ClaimConnection,
    description:
      'The claims of the pool, newest first. A page takes the same time anywhere in a list of any length. In a mutation, ' +
      'an empty page if a cursor does not belong to this list. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: checkClaimsPage,
    args: pageArguments(),
    resolve: async (pool, args, { books, accountId }, { operation }) => {
      const [after, before] = [claimCursor('after', args.after), claimCursor('before', args.before)]
      if (after !== undefined && after.poolId !== pool.id) return pageOfForeignCursor('after', operation)
      if (before !== undefined && before.poolId !== pool.id) return pageOfForeignCursor('before', operation)
      const ends = { after: after?.first, before: before?.first }
      return await claimPage(args, ends, (slice) =>
        listClaims(books, accountId, pool.id, { ...slice, ...ends }),
      )
    },
  }),
)

builder.queryField('claims', (t) =>
  t.field({
    type: ClaimConnection,
    description:
      'The claims for a recipient, newest first: which codes somebody got, from all pools or from one. Needs READ.',
    authScopes: { scope: 'READ' },
    weight: pageWeight,
    checkArgs: ({ recipient, ...args }) => {
      askedRecipient(recipient)
      checkClaimsPage(args)
    },
    args: {
      recipient: t.arg.string({
        required: true,
        description:
          'The recipient, as in the claims. Case and spaces matter; how Unicode composes a letter does not.',
      }),
      poolId: t.arg.id({ description: 'Only claims from the pool with this id.' }),
      ...pageArguments(),
    },
    resolve: async (_root, { recipient, poolId, ...args }, { books, accountId }) => {
      const of = {
        recipient: askedRecipient(recipient),
        poolId: poolId == null ? undefined : argumentId('Pool', poolId, 'poolId'),
      }
      const read = async (name: 'after' | 'before') => {
        const ref = claimCursor(name, args[name])
        if (ref === undefined) return undefined
        const claim = await readClaim(books, accountId, ref)
        if (claim === undefined) throw badCursor(name)
        return claim
      }
      const [after, before] = [await read('after'), await read('before')]
      return await claimPage(args, { after, before }, (slice) =>
        listClaimsOf(books, accountId, of, { ...slice, after, before }),
      )
    },
  }),
)

/** The recipient as it is stored. Throws BAD_USER_INPUT for a text that no claim can have as its recipient. */
function askedRecipient(text: string): string {
  const check = new InputCheck()
  const recipient = check.recipient(['recipient'], text, 'required')
  if (check.size > 0)
    throw badInput(
      'No claim has this recipient. A recipient has 1 to 1,000 characters, at least one of them visible, and no NUL or unpaired ' +
        'surrogate.',
    )
  return recipient
}

function checkClaimsPage(args: PageArguments): void {
  pageSize(args)
  claimCursor('after', args.after)
  claimCursor('before', args.before)
}

/** The cursor of a claim is its id. */
function claimCursor(name: 'after' | 'before', cursor: string | null | undefined) {
  if (cursor == null) return undefined
  const { typename, id } = decodeId(cursor)
  const ref = typename === 'Claim' ? parseClaimKey(id) : undefined
  if (ref === undefined) throw badCursor(name)
  return ref
}

async function claimPage(
  args: PageArguments,
  ends: { after: unknown; before: unknown },
  read: (slice: Pick<ClaimSlice<unknown>, 'limit' | 'fromOldest'>) => Promise<ClaimValue[]>,
) {
  const { limit, fromEnd } = pageSize(args)
  const claims = await read({ limit: limit + 1, fromOldest: fromEnd })
  const edges = (fromEnd ? claims.toReversed() : claims).map((node) => ({
    cursor: encodeId('Claim', claimKey(node)),
    node,
  }))
  return pageOf(edges, { limit, fromEnd, ...ends })
}

const aboutRecipient =
  'Who the codes are for, in your own words, such as an email address or a customer number: 1 to 1,000 characters, not ' +
  'blank. Recipients that differ in case or spaces are different ones; how Unicode composes a letter makes no difference.'
const aboutKey =
  'A string of your choice, 1 to 255 characters, that makes it safe to repeat the request: the same key with ' +
  'the same input returns the same codes and claims nothing more. Keys are kept for at least a day.'
const aboutExpiresAt =
  'When the codes expire, if that is to be earlier than the terms of the pool say. It must be in the future.'
const aboutExpiresAtOfHolders = `${aboutExpiresAt} A recipient who already holds a code (alreadyHeld) gets it as it is, with its own expiry.`

interface PoolRef {
  poolId: string
}

export const ClaimCodesPayload = builder.objectRef<Claimed & PoolRef>('ClaimCodesPayload').implement({
  description:
    'The codes were claimed, and none of them will ever be handed out to anybody else. Or the recipient already held the ' +
    'code (alreadyHeld).',
  fields: (t) => ({
    claim: t.expose('claim', {
      type: Claim,
      description:
        'The claim of the codes. If the recipient already held the code, the claim that it was handed out with.',
    }),
    alreadyHeld: t.exposeBoolean('alreadyHeld', {
      description:
        'Whether the recipient already held the code, so that nothing was claimed. Only in a pool with one code for each ' +
        'recipient (onePerRecipient of its terms).',
    }),
    codes: t.field({
      type: [Code],
      description: 'The claimed codes.',
      weight: (_args, { items = maxClaim }) => ({ items }),
      resolve: (claimed) => claimed.codes,
    }),
  }),
})

export const RecipientClaim = builder.objectRef<RecipientClaimValue>('RecipientClaim').implement({
  description: 'The code of a recipient.',
  fields: (t) => ({
    recipient: t.exposeString('recipient', {
      weight: (_args, { recipientBytes = maxRecipientBytes }) => ({ bytes: recipientBytes }),
      description: 'The recipient.',
    }),
    code: t.expose('code', { type: Code, description: 'The code that the recipient has.' }),
    alreadyHeld: t.exposeBoolean('alreadyHeld', {
      description:
        'Whether the recipient already held the code, or appears earlier in the list, in a pool with one code for each ' +
        'recipient (onePerRecipient of its terms).',
    }),
  }),
})

const ClaimForRecipientsPayload = builder
  .objectRef<PoolRef & { claims: RecipientClaimValue[] }>('ClaimForRecipientsPayload')
  .implement({
    description: 'Every recipient has a code.',
    fields: (t) => ({
      claims: t.field({
        type: [RecipientClaim],
        description: 'The code of each recipient, in the order of the input.',
        weight: (_args, { items = maxRecipients }) => ({ items }),
        resolve: ({ claims }) => claims,
      }),
    }),
  })

const ClaimFilePayload = builder.objectRef<PoolRef & { claim: ClaimValue }>('ClaimFilePayload').implement({
  description:
    'The codes were claimed, and none of them will ever be handed out to anybody else. Read them from claim.codesUrl.',
  fields: (t) => ({
    claim: t.expose('claim', { type: Claim, description: 'The claim of the codes.' }),
  }),
})

for (const payload of [ClaimCodesPayload, ClaimForRecipientsPayload, ClaimFilePayload])
  builder.objectField(payload, 'pool', (t) =>
    t.field({
      type: Pool,
      description: 'The pool in its current state.',
      weight: { reads: rowReads },
      resolve: ({ poolId }, _args, { nodes }) => existing(nodes.pool, poolId),
    }),
  )

export const ClaimCodesInput = builder.inputType('ClaimCodesInput', {
  description: 'The pool to claim from and the number of codes.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    count: t.int({
      required: true,
      defaultValue: 1,
      description: 'The number of codes, 1 to 10,000. You get all of them or none.',
    }),
    recipient: t.string({ description: aboutRecipient }),
    expiresAt: t.field({ type: 'DateTime', description: aboutExpiresAtOfHolders }),
    idempotencyKey: t.string({ description: aboutKey }),
  }),
})

const ClaimForRecipientsInput = builder.inputType('ClaimForRecipientsInput', {
  description: 'The pool to claim from and the recipients.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    recipients: t.stringList({
      required: true,
      description:
        'Who the codes are for: 1 to 10,000 recipients, each of 1 to 1,000 characters and not blank. Together they must fit ' +
        'into a request of 1,000,000 bytes: if there are 10,000, that is about 95 bytes for each. You get a code for each or ' +
        'none at all. A recipient that is in the list several times gets as many codes; in a pool with one code for each ' +
        'recipient, the same code. Recipients that differ in case or spaces are different ones.',
    }),
    expiresAt: t.field({ type: 'DateTime', description: aboutExpiresAtOfHolders }),
    idempotencyKey: t.string({ description: aboutKey }),
  }),
})

const ClaimFileInput = builder.inputType('ClaimFileInput', {
  description: 'The pool to claim from and the number of codes.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    count: t.field({
      type: 'BigInt',
      required: true,
      description: 'The number of codes, at least 1. You get all of them or none.',
    }),
    recipient: t.string({ description: aboutRecipient }),
    expiresAt: t.field({ type: 'DateTime', description: aboutExpiresAt }),
    idempotencyKey: t.string({ description: aboutKey }),
  }),
})

const claimErrors = [
  InvalidInputError,
  NotFoundError,
  NotEnoughCodesError,
  PoolNotIssuingError,
  PoolArchivedError,
  IdempotencyConflictError,
]

builder.mutationFields((t) => ({
  claimCodes: t.field({
    type: ClaimCodesPayload,
    nullable: true,
    description:
      'Claims codes from a pool. No code is ever handed out twice. Returns either all of the codes or an error. In a pool ' +
      'with one code for each recipient (onePerRecipient of its terms), a recipient that holds a code gets the same one ' +
      'again, even if the pool is empty, archived or not issuing. Needs CLAIM.',
    authScopes: { scope: 'CLAIM' },
    weight: ({ input }) => ({
      given: {
        items: Math.min(Math.max(1, input.count), maxClaim),
        recipientBytes: bytesOf(input.recipient),
      },
    }),
    errors: {
      types: claimErrors,
      union: { description: 'The claimed codes, or why none were claimed.' },
    },
    args: { input: t.arg({ type: ClaimCodesInput, required: true, description: 'The claim.' }) },
    resolve: async (_root, { input }, { claims, accountId, keyId }) => {
      const common = commonInput(input)
      const { count } = input
      const recipient = input.recipient ?? undefined
      const claimed = await claims.claim(accountId, { ...common, count, recipient }, keyId)
      return { ...claimed, poolId: common.poolId }
    },
  }),
  claimForRecipients: t.field({
    type: ClaimForRecipientsPayload,
    nullable: true,
    description:
      'Claims a code for each of up to 10,000 recipients, in their order. Either all of them get one, or you get an error. ' +
      'In a pool with one code for each recipient (onePerRecipient of its terms), those who hold a code get the same one ' +
      'again. Needs CLAIM.',
    authScopes: { scope: 'CLAIM' },
    weight: ({ input: { recipients } }) => ({
      given: {
        items: Math.min(Math.max(1, recipients.length), maxRecipients),
        // On average, so that a few long ones do not count as if all were as long.
        recipientBytes: Math.ceil(bytesOf(recipients) / Math.max(1, recipients.length)),
      },
    }),
    errors: {
      types: claimErrors,
      union: { description: 'The codes of the recipients, or why none were claimed.' },
    },
    args: {
      input: t.arg({
        type: ClaimForRecipientsInput,
        required: true,
        description: 'The recipients and their pool.',
      }),
    },
    resolve: async (_root, { input }, { claims, accountId, keyId }) => {
      const common = commonInput(input)
      const { recipients } = input
      const { poolId } = common
      return { poolId, claims: await claims.claimForRecipients(accountId, { ...common, recipients }, keyId) }
    },
  }),
  claimFile: t.field({
    type: ClaimFilePayload,
    nullable: true,
    description:
      'Claims any number of codes from a pool at once, for a print shop or a mailing house, for example. Returns either all ' +
      'of them or an error. The codes are not in the answer: read them from claim.codesUrl, with a key that has READ. A pool ' +
      'with one code for each recipient (onePerRecipient of its terms) refuses it. Needs CLAIM.',
    authScopes: { scope: 'CLAIM' },
    weight: ({ input }) => ({ given: { recipientBytes: bytesOf(input.recipient) } }),
    errors: {
      types: claimErrors,
      union: { description: 'The claim, or why nothing was claimed.' },
    },
    args: { input: t.arg({ type: ClaimFileInput, required: true, description: 'The claim.' }) },
    resolve: async (_root, { input }, { claims, accountId, keyId }) => {
      const common = commonInput(input)
      const { count } = input
      const recipient = input.recipient ?? undefined
      const { poolId } = common
      return { poolId, claim: await claims.claimFile(accountId, { ...common, count, recipient }, keyId) }
    },
  }),
}))

interface CommonInput {
  poolId: string
  expiresAt?: Date | null | undefined
  idempotencyKey?: string | null | undefined
}

function commonInput({ poolId, expiresAt, idempotencyKey }: CommonInput) {
  return {
    poolId: inputId('Pool', poolId, 'poolId'),
    expiresAt: expiresAt ?? undefined,
    idempotencyKey: idempotencyKey ?? undefined,
  }
}

/** The size of recipients as JSON. */
function bytesOf(recipients: string | readonly string[] | null | undefined): number {
  return Buffer.byteLength(JSON.stringify(recipients ?? null))
}

const ForgetRecipientPayload = builder.objectRef<{ claimCount: bigint }>('ForgetRecipientPayload').implement({
  description: 'The recipient was erased.',
  fields: (t) => ({
    claimCount: t.expose('claimCount', {
      type: 'BigInt',
      description: 'The number of claims that the recipient was erased from.',
    }),
  }),
})

const ForgetRecipientInput = builder.inputType('ForgetRecipientInput', {
  description: 'The recipient to forget.',
  fields: (t) => ({
    recipient: t.string({
      required: true,
      description: 'The recipient, as in the claims. Case and spaces matter.',
    }),
  }),
})

builder.mutationField('forgetRecipient', (t) =>
  t.field({
    type: ForgetRecipientPayload,
    nullable: true,
    description:
      'Erases a recipient from every claim that your account has made so far. The claims, their codes and all counts stay. A ' +
      'pool with one code for each recipient no longer knows that the recipient holds one, and gives another. Safe to ' +
      'repeat. Needs ADMIN.',
    authScopes: { scope: 'ADMIN' },
    errors: {
      types: [InvalidInputError],
      union: { description: 'How many claims the recipient was erased from, or why none were changed.' },
    },
    args: {
      input: t.arg({ type: ForgetRecipientInput, required: true, description: 'The recipient to forget.' }),
    },
    resolve: async (_root, { input }, { books, accountId }) => ({
      claimCount: await forgetRecipient(books, accountId, input.recipient),
    }),
  }),
)
