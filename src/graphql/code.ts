import { OperationTypeNode } from 'graphql'
import { max, min } from '../bigint.ts'
import { type ChoosePage, type Code as CodeValue, readCodes, statusOf } from '../domain/code/code.ts'
import type { CodeStatus as CodeStatusName } from '../domain/pool/snapshot.ts'
import {
  type CodeValidity as CodeValidityName,
  type Usage,
  unused,
  validityOf,
} from '../domain/usage/usage.ts'
import type { Scope } from '../generated/prisma/client.ts'
import { codesPath } from '../routes.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { type FieldWeight, type Given, loadedReads, requireScope } from './field-rules.ts'
import { Format } from './format.ts'
import { codeKey, decodeId, encodeId, parseCodeKey } from './ids.ts'
import { maxCodeBytes, maxPathBytes, maxRecipientBytes, usualRecipientBytes } from './max-sizes.ts'
import { existing } from './nodes.ts'
import {
  badCursor,
  connectionOf,
  countedConnectionType,
  type PageArguments,
  pageArguments,
  pageSize,
  pageWeight,
} from './pagination.ts'
import { Pool } from './pool.ts'
import { Task } from './task.ts'

// Codes are usually much shorter than they may be.
const usualCodeBytes = 64

// Simultaneous look-ups are served together.
export const lookUpReads = 4

const CodeStatus = builder.enumType('CodeStatus', {
  description: 'Where a code is: in the stock of its pool, handed out, or withdrawn from the stock.',
  values: {
    AVAILABLE: { description: 'The code is in its pool and can be claimed.' },
    CLAIMED: { description: 'The code has been handed out. It never becomes available again.' },
    WITHDRAWN: {
      description:
        'The code was withdrawn from its pool before it was claimed. It can be restored (restoreCodes).',
    },
  } satisfies Record<CodeStatusName, { description: string }>,
})

const CodeValidity = builder.enumType('CodeValidity', {
  description:
    'Whether a code is good, and if not, why. If several reasons apply, the first of REDEEMED, VOIDED and EXPIRED counts.',
  values: {
    VALID: { description: 'The code has been claimed, and can be redeemed.' },
    NOT_CLAIMED: { description: 'The code has not been handed out yet.' },
    EXPIRED: { description: 'The code has expired: its expiresAt has passed.' },
    REDEEMED: { description: 'The code has been used.' },
    VOIDED: {
      description: 'The code was claimed, and has been voided since. It can be unvoided (unvoidCodes).',
    },
    WITHDRAWN: { description: 'The code was withdrawn from its pool before it was claimed.' },
  } satisfies Record<CodeValidityName, { description: string }>,
})

// Recipients are for those who hand codes out and those who read, not for tills.
export const seesRecipients = { anyScope: ['READ', 'CLAIM'] } satisfies { anyScope: Scope[] }

/** The weight of a field with a recipient: exact below a claim whose input has it. */
export function recipientWeight(_args: object, { recipientBytes }: Given): FieldWeight {
  return recipientBytes === undefined
    ? { bytes: maxRecipientBytes, usualBytes: usualRecipientBytes }
    : { bytes: recipientBytes }
}

export const Code = builder.objectRef<CodeValue>('Code')

builder.node(Code, {
  description:
    'A promo code. Its id stays the same when it is claimed or withdrawn. Reading an AVAILABLE or a WITHDRAWN code as ' +
    'a node needs MANAGE, since anyone who can read it can use it once it is handed out.',
  id: { resolve: codeKey },
  isTypeOf: isCode,
  fields: (t) => ({
    code: t.exposeString('code', {
      weight: { bytes: maxCodeBytes, usualBytes: usualCodeBytes },
      description: 'The text of the code.',
    }),
    status: t.field({
      type: CodeStatus,
      description: 'Where the code is: in stock, handed out, or withdrawn.',
      resolve: statusOf,
    }),
    pool: t.field({
      type: Pool,
      description: 'The pool that the code is in, or was claimed from.',
      weight: { reads: loadedReads },
      resolve: ({ poolId }, _args, { nodes }) => existing(nodes.pool, poolId),
    }),
    format: t.field({
      type: Format,
      nullable: true,
      description: 'The format that the code was generated from. Null for an uploaded code.',
      weight: { reads: loadedReads },
      resolve: ({ formatId }, _args, { nodes }) =>
        formatId === undefined ? null : nodes.format.load(formatId),
    }),
    recipient: t.string({
      nullable: true,
      weight: recipientWeight,
      authScopes: seesRecipients,
      description:
        'The recipient given by the claim. Null if there is none. Needs READ or CLAIM: a key that only redeems is not ' +
        'shown who a code is for.',
      resolve: (code) => code.claim?.recipient ?? null,
    }),
    claimedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the code was claimed. Null for an available or a withdrawn code.',
      resolve: (code) => code.claim?.at ?? null,
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the code expires: from this moment on, it is no longer good. Null if it does not expire, and for a code that ' +
        'has not been claimed.',
      resolve: (code) => code.claim?.expiresAt ?? null,
    }),
    validity: t.field({
      type: CodeValidity,
      description: 'Whether the code is good now, and if not, why.',
      weight: { reads: loadedReads },
      resolve: async (code, _args, context) =>
        validityOf(code, await usageOf(code, context), context.books.now()),
    }),
  }),
})

/** What has become of a code. */
export async function usageOf(code: CodeValue, { nodes }: Context): Promise<Usage> {
  return code.claim === undefined ? unused : await nodes.usage.load(code)
}

function isCode(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && 'index' in value && 'code' in value && 'poolId' in value
  )
}

function scopeFor(status: CodeStatusName): Scope {
  return status === 'CLAIMED' ? 'READ' : 'MANAGE'
}

const aStatus = { AVAILABLE: 'an available', CLAIMED: 'a claimed', WITHDRAWN: 'a withdrawn' }

/** Throws FORBIDDEN unless the key may read the codes of this status. */
export function mayRead(status: CodeStatusName, context: Context): void {
  requireScope(context, scopeFor(status), `reading ${aStatus[status]} code`)
}

export const CodeConnection = countedConnectionType(Code, 'codes')

builder.objectField(Pool, 'codes', (t) =>
  t.field({
    type: CodeConnection,
    nullable: true,
    description:
      'The codes of the pool: AVAILABLE codes in the order in which they will be claimed, CLAIMED codes newest first, ' +
      'WITHDRAWN codes in the order in which they would be restored. CLAIMED needs READ. AVAILABLE and WITHDRAWN need ' +
      'MANAGE, since anyone who can read an available code can use it. A page takes the same time anywhere in a list ' +
      'of any length. Codes that are withdrawn or restored leave their list, and their cursors with them. In a ' +
      'mutation, null if a cursor does not belong to this list.',
    authScopes: (_pool, { status }) => ({ scope: scopeFor(status) }),
    weight: pageWeight,
    checkArgs: checkCodesPage,
    args: {
      status: t.arg({ type: CodeStatus, required: true, description: 'Which codes to list.' }),
      ...pageArguments(),
    },
    resolve: async (pool, { status, ...args }, context, { operation }) => {
      const page = await codeConnection(pool.id, status, args, context)
      if (page !== undefined) return page
      // An error here would hide from many clients what the mutation has done.
      if (operation.operation === OperationTypeNode.MUTATION) return null
      throw badCursor(args.after == null ? 'before' : 'after')
    },
  }),
)

const aboutFile =
  'GET it with an API key in the authorization header. The file is CSV with the columns code, status, recipient, ' +
  'claimed_at, expires_at, validity, redeemed_at, reference (of the redemption) and origin, of any length: oldest codes ' +
  'of the pool first, withdrawn ones last. It shows the pool as it is when the download begins, and the download can be ' +
  'resumed. Add raw=true for cells without the apostrophe that keeps spreadsheets from running formulas, and bom=true ' +
  'and delimiter=semicolon or delimiter=tab for programs such as Excel. Uploading the file again yields the same codes, ' +
  'without those that were claimed or withdrawn. CLAIMED needs READ, AVAILABLE and WITHDRAWN need MANAGE, a file of all ' +
  'codes needs both.'
const statusOfFile = 'Only codes with this status; all codes if left out.'

builder.objectField(Pool, 'codesUrl', (t) =>
  t.string({
    weight: { bytes: maxPathBytes },
    description: `The path on this service of a file with the codes of the pool. ${aboutFile}`,
    args: { status: t.arg({ type: CodeStatus, description: statusOfFile }) },
    resolve: (pool, { status }) => codesPath(encodeId('Pool', pool.id), { status: status ?? 'ALL' }),
  }),
)

builder.objectField(Task, 'codesUrl', (t) =>
  t.string({
    weight: { bytes: maxPathBytes },
    description: `The path on this service of a file with the codes that the task has added to its pool. It has no codes before the task is COMPLETED or after it is UNDONE. ${aboutFile}`,
    args: { status: t.arg({ type: CodeStatus, description: statusOfFile }) },
    resolve: (task, { status }) =>
      codesPath(encodeId('Pool', task.poolId), {
        status: status ?? 'ALL',
        task: encodeId('Task', task.id),
      }),
  }),
)

export function checkCodesPage(args: PageArguments): void {
  pageSize(args)
  codeCursor('after', args.after)
  codeCursor('before', args.before)
}

/** The page; undefined if a cursor is not a code of the pool. */
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
  if (page === undefined) return undefined
  const { from, to, total, codes } = page
  const edges = codes.map((code) => ({ cursor: encodeId('Code', codeKey(code)), node: code }))
  const connection = connectionOf(edges, { hasNextPage: to < total, hasPreviousPage: from > 0n })
  return { ...connection, totalCount: () => total }
}

/** The cursor of a code is its id; its place in the list is looked up. */
export function codeCursor(name: 'after' | 'before', cursor: string | null | undefined) {
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
      'The code that matches a text, however a person writes it. Differences in case, spaces, dashes, punctuation, ' +
      'accents and characters that people confuse, such as O and 0, are ignored where that leaves no doubt. A code ' +
      'written exactly so, here or in a file of codesUrl, comes first, then the one that differs least. Null if no ' +
      'pool has such a code, or if several could be meant. Look-ups that find nothing are limited per API key: ' +
      'beyond the limit, the error is RATE_LIMITED, and its extensions.retryAfterMs says when to try again. Needs ' +
      'READ, even for an available code, since the caller already has it.',
    authScopes: { scope: 'READ' },
    weight: { reads: lookUpReads },
    args: {
      code: t.arg.string({ required: true, description: 'The code as a person types it or reads it out.' }),
    },
    resolve: (_root, { code: text }, { guesses, lookUps, accountId, keyId }) =>
      guesses.attempt(keyId, () => lookUps.find(accountId, text)),
  }),
)

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  return min(max(value, low), high)
}
