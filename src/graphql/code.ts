import { OperationTypeNode } from 'graphql'
import { max, min } from '../bigint.ts'
import {
  IdempotencyConflictError,
  InvalidInputError,
  NotEnoughCodesError,
  NotFoundError,
} from '../domain/books/errors.ts'
import { maxClaim, maxRecipientLength } from '../domain/claim/claim.ts'
import type { CodeStatus as CodeStatusName, Code as CodeValue } from '../domain/code/code.ts'
import { type ChoosePage, type CodePage, readCodes } from '../domain/code/code.ts'
import type { Scope } from '../generated/prisma/client.ts'
import { codesPath } from '../routes.ts'
import { builder } from './builder.ts'
import { countedConnectionType, pageWeight } from './connections.ts'
import type { Context } from './context.ts'
import { loadedReads, rowReads } from './field-rules.ts'
import { Format } from './format.ts'
import { codeKey, decodeId, encodeId, inputId, parseCodeKey } from './ids.ts'
import { badCursor, connectionOf, type PageArguments, pageArguments, pageSize } from './pagination.ts'
import { Pool } from './pool.ts'
import { problem } from './problems.ts'
import { bytesInJson, maxCodeBytes, maxPathBytes } from './sizes.ts'
import { Task } from './task.ts'

// Most codes and recipients are much shorter than they may be.
const usualCodeBytes = 64
const maxRecipientBytes = 6 * maxRecipientLength + 2
const usualRecipientBytes = 200

// Those that are looked up at the same time are looked up together.
const lookUpReads = 4

const CodeStatus = builder.enumType('CodeStatus', {
  description: 'Whether a code has been handed out.',
  values: {
    AVAILABLE: { description: 'It is in its pool and can be claimed.' },
    CLAIMED: { description: 'It has been handed out, for good.' },
  } satisfies Record<CodeStatusName, { description: string }>,
})

export const Code = builder.objectRef<CodeValue>('Code')

builder.node(Code, {
  description:
    'A promo code. Its id is the same before and after it is claimed. As a node, an AVAILABLE code needs MANAGE: whoever ' +
    'reads one could use it.',
  id: { resolve: codeKey },
  isTypeOf: isCode,
  fields: (t) => ({
    code: t.exposeString('code', {
      weight: { bytes: maxCodeBytes, usualBytes: usualCodeBytes },
      description: 'The code itself.',
    }),
    status: t.field({
      type: CodeStatus,
      description: 'Whether it has been handed out.',
      resolve: statusOf,
    }),
    pool: t.field({
      type: Pool,
      description: 'The pool that it is in, or was.',
      weight: { reads: loadedReads },
      resolve: async (code, _args, { nodes }) => {
        const pool = await nodes.pool.load(code.poolId)
        if (pool === null) throw new Error(`The pool ${code.poolId} of a code does not exist.`)
        return pool
      },
    }),
    format: t.field({
      type: Format,
      nullable: true,
      description: 'The format that it was generated from; null for an uploaded one.',
      weight: { reads: loadedReads },
      resolve: ({ formatId }, _args, { nodes }) =>
        formatId === undefined ? null : nodes.format.load(formatId),
    }),
    recipient: t.string({
      nullable: true,
      weight: (_args, { recipientBytes }) =>
        recipientBytes === undefined
          ? { bytes: maxRecipientBytes, usualBytes: usualRecipientBytes }
          : { bytes: recipientBytes },
      description: 'Whom it was claimed for, as the claim said.',
      resolve: (code) => code.claim?.recipient ?? null,
    }),
    claimedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was claimed; null while it is available.',
      resolve: (code) => code.claim?.at ?? null,
    }),
  }),
})

function isCode(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'index' in value && 'code' in value && 'poolId' in value
  )
}

export function statusOf(code: CodeValue): CodeStatusName {
  return code.claim === undefined ? 'AVAILABLE' : 'CLAIMED'
}

function scopeFor(status: CodeStatusName): Scope {
  return status === 'AVAILABLE' ? 'MANAGE' : 'READ'
}

/** Throws FORBIDDEN unless the key may read the codes of this status. */
export function mayRead(status: CodeStatusName, { scopes }: Context): void {
  const needed = scopeFor(status)
  if (!scopes.includes(needed))
    throw problem(
      'FORBIDDEN',
      `This API key lacks the scope ${needed}, which reading ${status === 'AVAILABLE' ? 'an available' : 'a claimed'} code needs.`,
    )
}

const CodeConnection = countedConnectionType(Code, 'codes')

builder.prismaObjectField(Pool, 'codes', (t) =>
  t.field({
    type: CodeConnection,
    nullable: true,
    description:
      "The pool's codes: AVAILABLE ones in the order in which they will be claimed, CLAIMED ones newest first. CLAIMED " +
      'needs READ, AVAILABLE needs MANAGE: whoever reads an unclaimed code could use it. A page costs the same anywhere ' +
      'in the list, however long it is. Null in the answer of a mutation whose cursor is not of this list.',
    authScopes: (_pool, { status }) => ({ scope: scopeFor(status) }),
    weight: pageWeight,
    checkArgs: checkCodesPage,
    args: {
      status: t.arg({ type: CodeStatus, required: true, description: 'Which of the codes.' }),
      ...pageArguments(),
    },
    resolve: async (pool, { status, ...args }, context, { operation }) => {
      const page = await codeConnection(pool.id, status, args, context)
      if (page !== undefined) return page
      // What a mutation has done is told, whatever its client asks for besides: an error would hide it from many.
      if (operation.operation === OperationTypeNode.MUTATION) return null
      throw badCursor(args.after == null ? 'before' : 'after')
    },
  }),
)

const aboutFile =
  'A path on this service, to be read with GET and an API key in the header authorization: a CSV file with the columns code, status, ' +
  'recipient, claimed_at and origin, of any length, in the order of the pool, with the oldest codes first. It shows ' +
  'the pool as it is when the download begins, and can be resumed. Add raw=true to have cells as they are, without the ' +
  'apostrophe that keeps spreadsheets from running formulas; bom=true and delimiter=semicolon or delimiter=tab for ' +
  'programs such as Excel. Uploaded again, it gives the same codes. CLAIMED needs READ, AVAILABLE needs MANAGE, a file ' +
  'of all codes needs both.'
const statusOfFile = 'Which of the codes; without it, all of them.'

builder.prismaObjectField(Pool, 'codesUrl', (t) =>
  t.string({
    weight: { bytes: maxPathBytes },
    description: `The pool's codes as a file. ${aboutFile}`,
    args: { status: t.arg({ type: CodeStatus, description: statusOfFile }) },
    resolve: (pool, { status }) => codesPath(encodeId('Pool', pool.id), { status: status ?? 'ALL' }),
  }),
)

builder.prismaObjectField(Task, 'codesUrl', (t) =>
  t.string({
    weight: { bytes: maxPathBytes },
    description: `The codes that the task has added to its pool as a file; none of them before it is COMPLETED, nor once it is UNDONE. ${aboutFile}`,
    args: { status: t.arg({ type: CodeStatus, description: statusOfFile }) },
    resolve: (task, { status }) =>
      codesPath(encodeId('Pool', task.poolId), {
        status: status ?? 'ALL',
        task: encodeId('Task', task.id),
      }),
  }),
)

function checkCodesPage(args: PageArguments): void {
  pageSize(args)
  codeCursor('after', args.after)
  codeCursor('before', args.before)
}

/** The page; nothing when its cursor is no code of the pool. */
async function codeConnection(
  poolId: string,
  status: CodeStatusName,
  args: PageArguments,
  { books, accountId }: Context,
) {
  const { limit, fromEnd } = pageSize(args)
  const size = BigInt(limit)
  const choose: ChoosePage = (total, after, before) => {
    const low = clamp(after === undefined ? 0n : after + 1n, 0n, total)
    const high = clamp(before ?? total, low, total)
    return fromEnd ? { from: max(low, high - size), to: high } : { from: low, to: min(high, low + size) }
  }
  const cursors = { after: codeCursor('after', args.after), before: codeCursor('before', args.before) }
  const page = await readCodes(books, accountId, poolId, status, cursors, choose)
  return page === undefined ? undefined : connectionOfCodes(page)
}

function connectionOfCodes({ from, to, total, codes }: CodePage) {
  const edges = codes.map((code) => ({ cursor: encodeId('Code', codeKey(code)), node: code }))
  const connection = connectionOf(edges, { hasNextPage: to < total, hasPreviousPage: from > 0n })
  return { ...connection, totalCount: () => total }
}

/** The cursor of a code is its id: where it lies in the list is looked up. */
function codeCursor(name: 'after' | 'before', cursor: string | null | undefined) {
  if (cursor == null) return undefined
  const { typename, id } = decodeId(cursor)
  const origin = typename === 'Code' ? parseCodeKey(id) : undefined
  if (origin === undefined) throw badCursor(name)
  return origin
}

builder.queryField('code', (t) =>
  t.field({
    type: Code,
    nullable: true,
    description:
      'Looks a code up as a person may type it: case, spaces, dashes, punctuation, accents and characters that people mix ' +
      'up, such as O and 0, do not matter where they leave no doubt. What is written exactly so, or as it stands in a file ' +
      'of codesUrl, is found first, then what differs the least. Null when no pool has such a code, or several could be meant. Attempts ' +
      'that find nothing are limited for each key: then the error RATE_LIMITED says in extensions.retryAfterMs when to try ' +
      'again. Needs READ, also for an available code: who asks has it already.',
    authScopes: { scope: 'READ' },
    weight: { reads: lookUpReads },
    args: { code: t.arg.string({ required: true, description: 'The code, as somebody reads it out.' }) },
    resolve: (_root, { code: text }, { guesses, lookUps, accountId, keyId }) =>
      guesses.attempt(keyId, () => lookUps.find(accountId, text)),
  }),
)

interface ClaimPayload {
  codes: CodeValue[]
  poolId: string
}

export const ClaimCodesPayload = builder.objectRef<ClaimPayload>('ClaimCodesPayload').implement({
  description: 'The codes are yours: nobody else will ever be given one of them.',
  fields: (t) => ({
    codes: t.field({
      type: [Code],
      description: 'The codes that were claimed.',
      weight: (_args, { items = maxClaim }) => ({ items }),
      resolve: (claim) => claim.codes,
    }),
    pool: t.field({
      type: Pool,
      description: 'The pool, as it is now.',
      weight: { reads: rowReads },
      resolve: async ({ poolId }, _args, { nodes }) => {
        const pool = await nodes.pool.load(poolId)
        if (pool === null) throw new Error(`The pool ${poolId} of a claim does not exist.`)
        return pool
      },
    }),
  }),
})

export const ClaimCodesInput = builder.inputType('ClaimCodesInput', {
  description: 'How many codes to take out of which pool.',
  fields: (t) => ({
    poolId: t.id({ required: true, description: 'The id of the pool.' }),
    count: t.int({
      required: true,
      defaultValue: 1,
      description: 'How many: 1 to 10,000, all or none of them.',
    }),
    recipient: t.string({
      description:
        'Whom they are for, in your own words: an address, a customer number. 1 to 1,000 characters.',
    }),
    idempotencyKey: t.string({
      description:
        'A string of your own, 1 to 255 characters, kept at least a day: the same key with the same input answers ' +
        'with the same codes and claims nothing more. With it, a claim whose answer was lost can be sent again safely.',
    }),
  }),
})

builder.mutationField('claimCodes', (t) =>
  t.field({
    type: ClaimCodesPayload,
    nullable: true,
    description:
      'Takes codes out of the pool and hands them out, each exactly once, ever. All or nothing: either the whole count ' +
      'or an error. Needs CLAIM.',
    authScopes: { scope: 'CLAIM' },
    weight: ({ input }) => ({
      given: {
        items: Math.min(Math.max(1, input.count), maxClaim),
        recipientBytes: bytesInJson(input.recipient ?? null),
      },
    }),
    errors: {
      types: [InvalidInputError, NotFoundError, NotEnoughCodesError, IdempotencyConflictError],
      union: { description: 'The codes, or why there are none.' },
    },
    args: { input: t.arg({ type: ClaimCodesInput, required: true, description: 'What to claim.' }) },
    resolve: async (_root, { input }, { claims, accountId }) => {
      const poolId = inputId('Pool', input.poolId, 'poolId')
      const codes = await claims.claim(accountId, {
        poolId,
        count: input.count,
        recipient: input.recipient ?? undefined,
        idempotencyKey: input.idempotencyKey ?? undefined,
      })
      return { codes, poolId }
    },
  }),
)

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  return min(max(value, low), high)
}
