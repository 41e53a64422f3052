import { brandWithType } from '@pothos/core'
import { readCode, statusOf } from '../domain/code/code.ts'
import { readClaim } from '../domain/pool/claim-rows.ts'
import { grouped } from '../grouped.ts'
import { Account, ApiKey } from './account.ts'
import { builder, type Types } from './builder.ts'
import { Claim } from './claim.ts'
import { mayRead } from './code.ts'
import type { Context } from './context.ts'
import { badInput } from './errors/top-level.ts'
import { requireScope, rowReads } from './field-rules.ts'
import { Format } from './format.ts'
import { decodeId, parseClaimKey, parseCodeKey, uuidOf } from './ids.ts'
import { maxPageSize } from './max-sizes.ts'
import { Pool } from './pool.ts'
import { Redemption } from './redemption.ts'
import { Task } from './task.ts'
import { Webhook } from './webhook.ts'

builder.queryFields((t) => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'The object of your account with this global id. Null if there is none. Needs READ.',
    authScopes: { scope: 'READ' },
    args: { id: t.arg.id({ required: true, description: 'A global id.' }) },
    resolve: (_root, { id }, context) => findNode(id, context),
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: false, items: true },
    description: `The objects with these global ids, at most ${maxPageSize}, in the order of the ids. Null for an id that your account does not have. Needs READ.`,
    authScopes: { scope: 'READ' },
    weight: ({ ids }) => {
      const items = Math.min(ids.length, maxPageSize)
      return { items, reads: rowReads * Math.max(1, items) }
    },
    checkArgs: ({ ids }) => {
      if (ids.length > maxPageSize)
        throw badInput(`ids has ${grouped(ids.length)} ids. At most ${maxPageSize} are allowed.`)
    },
    args: { ids: t.arg.idList({ required: true, description: 'Global ids.' }) },
    resolve: (_root, { ids }, context) => ids.map((id) => findNode(id, context)),
  }),
}))

/** Rejects with FORBIDDEN if reading the node needs a scope that the key lacks. */
async function findNode(globalId: string, context: Context): Promise<object | null> {
  const { books, accountId, nodes } = context
  const { typename, id } = decodeId(globalId)
  switch (typename) {
    case 'Account': {
      const account = await books.prisma.account.findUnique({ where: { id: accountId } })
      return account !== null && account.id === id ? Account.addBrand(account) : null
    }
    case 'ApiKey': {
      requireScope(context, 'ADMIN', 'reading API keys')
      await context.keyUses.written()
      const key = await books.prisma.apiKey.findUnique({
        where: { accountId, id: uuidOf('ApiKey', globalId) },
      })
      return key === null ? null : ApiKey.addBrand(key)
    }
    case 'Format':
      return branded(await nodes.format.load(uuidOf('Format', globalId)), Format)
    case 'Pool':
      return branded(await nodes.pool.load(uuidOf('Pool', globalId)), Pool)
    case 'Redemption':
      return branded(await nodes.redemption.load(uuidOf('Redemption', globalId)), Redemption)
    case 'Task':
      return branded(await nodes.task.load(uuidOf('Task', globalId)), Task)
    case 'Webhook':
      return branded(await nodes.webhook.load(uuidOf('Webhook', globalId)), Webhook)
    case 'Code': {
      const origin = parseCodeKey(id)
      const code = origin === undefined ? undefined : await readCode(books, accountId, origin)
      if (code === undefined) return null
      mayRead(statusOf(code), context)
      return code
    }
    case 'Claim': {
      const ref = parseClaimKey(id)
      const claim = ref === undefined ? undefined : await readClaim(books, accountId, ref)
      return branded(claim ?? null, Claim)
    }
    default:
      return null
  }
}

/** The row, marked as one of this type for the interface Node. */
function branded<Row extends object>(
  row: Row | null,
  type: typeof Claim | typeof Format | typeof Pool | typeof Redemption | typeof Task | typeof Webhook,
): Row | null {
  if (row !== null) brandWithType<Types>(row, type)
  return row
}
