import type { InterfaceRef, ObjectRef } from '@pothos/core'
import { type GraphQLError, type OperationDefinitionNode, OperationTypeNode } from 'graphql'
import { countRows, type Filter, listIds } from '../domain/books/listing.ts'
import { grouped } from '../grouped.ts'
import { builder, type Types } from './builder.ts'
import type { Context } from './context.ts'
import { badInput } from './errors/top-level.ts'
import { type FieldWeight, rowReads } from './field-rules.ts'
import { decodeId, encodeId, isUuid } from './ids.ts'
import { defaultPageSize, maxPageSize } from './max-sizes.ts'

/** The edge and connection types of a node, shared by all fields with a list of it. */
export function connectionType<Node extends ObjectRef<Types, unknown> | InterfaceRef<Types, unknown>>(
  node: Node,
  things: string,
) {
  return builder.connectionObject(
    { type: node, name: `${node.name}Connection`, description: `A page of ${things}.` },
    edgeOf(node, things),
  )
}

/** The same with totalCount, which is only counted when it is selected. */
export function countedConnectionType<Node extends ObjectRef<Types, unknown>>(node: Node, things: string) {
  return builder.connectionObject(
    {
      type: node,
      name: `${node.name}Connection`,
      description: `A page of ${things}, with the total number of ${things} in the list.`,
      fields: (t) => ({
        totalCount: t.field({
          type: 'BigInt',
          description: `The exact number of ${things} in the whole list.`,
          weight: { reads: rowReads },
          resolve: ({ totalCount }) => {
            if (totalCount === undefined) throw new Error(`A page of ${things} has no totalCount.`)
            return totalCount()
          },
        }),
      }),
    },
    edgeOf(node, things),
  )
}

function edgeOf(node: { name: string }, things: string) {
  return { name: `${node.name}Edge`, description: `An item of a page of ${things}, with its cursor.` }
}

export interface PageArguments {
  first?: number | null | undefined
  after?: string | null | undefined
  last?: number | null | undefined
  before?: string | null | undefined
}

/** The arguments of every list. */
export function pageArguments() {
  return builder.args((t) => ({
    first: t.int({
      description: `The number of items, from the beginning of the list: 1 to ${maxPageSize}; ${defaultPageSize} if neither first nor last is given.`,
    }),
    after: t.string({ description: 'Only items after the one with this cursor.' }),
    last: t.int({ description: `The number of items, from the end of the list: 1 to ${maxPageSize}.` }),
    before: t.string({ description: 'Only items before the one with this cursor.' }),
  }))
}

/** The weight of a page: that of its maximum number of items. A larger page is refused by `checkPage`. */
export function pageWeight(args: PageArguments): FieldWeight {
  const size = args.first ?? args.last ?? defaultPageSize
  const items = Math.min(Math.max(1, size), maxPageSize)
  return { given: { items }, reads: 2 * rowReads + items / 10 }
}

/** The maximum number of items of a page, and the end of the list that they come from. */
export interface PageSize {
  limit: number
  fromEnd: boolean
}

/** Throws BAD_USER_INPUT unless the arguments ask for a page of a valid size. */
export function pageSize(args: PageArguments): PageSize {
  const { first, last } = args
  if (first != null && last != null)
    throw badInput('Give first or last, not both: a page is taken from one end of the list.')
  const [name, limit] = last == null ? ['first', first ?? defaultPageSize] : ['last', last]
  if (limit < 1 || limit > maxPageSize)
    throw badInput(`${name} is ${grouped(limit)}. A page has 1 to ${maxPageSize} items.`)
  return { limit, fromEnd: last != null }
}

/** What a list that is newest first is of. Its cursors say it, so that other lists refuse them. */
type ListedType = 'Format' | 'Pool' | 'Redemption' | 'Task' | 'WebhookDelivery'

/** Throws BAD_USER_INPUT unless the arguments are valid for a list of this type that is newest first. */
export function checkPage(args: PageArguments, type: ListedType): void {
  pageSize(args)
  readCursor('after', args.after, type)
  readCursor('before', args.before, type)
}

export const aboutSearch =
  'Only those whose name contains this text, ignoring case and accents: "strasse" finds "Straße", and "cafe" finds "Café".'

/** The text to search names for. Throws BAD_USER_INPUT for a NUL character, which PostgreSQL does not accept. */
export function searchText(search: string | null | undefined): string | undefined {
  if (search?.includes('\0')) throw badInput('search contains a NUL character, which no name has. Remove it.')
  return search ?? undefined
}

export function badCursor(name: 'after' | 'before'): GraphQLError {
  return badInput(`${name} is not a cursor of this list. Use the cursor of one of its edges, or endCursor.`)
}

/**
 * The page after or before a cursor of another list, which only the database can tell. Throws BAD_USER_INPUT, unless it is
 * part of the answer to a mutation: an error there would hide from many clients what the mutation has done.
 */
export function pageOfForeignCursor(
  name: 'after' | 'before',
  { operation }: OperationDefinitionNode,
): Connection<never> {
  if (operation !== OperationTypeNode.MUTATION) throw badCursor(name)
  return connectionOf([], { hasNextPage: false, hasPreviousPage: false })
}

interface Edge<Node> {
  cursor: string
  node: Node
}

/** A page of a list. */
export interface Connection<Node> {
  edges: Edge<Node>[]
  pageInfo: {
    hasNextPage: boolean
    hasPreviousPage: boolean
    startCursor: string | null
    endCursor: string | null
  }
}

export function connectionOf<Node>(
  edges: Edge<Node>[],
  more: { hasNextPage: boolean; hasPreviousPage: boolean },
): Connection<Node> {
  return {
    edges,
    pageInfo: { ...more, startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null },
  }
}

/** The page out of up to `limit + 1` items of a list that is newest first, from the end that the page is taken from. */
export function pageOf<Node>(
  found: readonly Edge<Node>[],
  { limit, fromEnd, after, before }: PageSize & { after: unknown; before: unknown },
): Connection<Node> {
  const more = found.length > limit
  return fromEnd
    ? connectionOf(found.slice(-limit), { hasNextPage: before !== undefined, hasPreviousPage: more })
    : connectionOf(found.slice(0, limit), { hasNextPage: more, hasPreviousPage: after !== undefined })
}

/**
 * A page of the nodes that match, newest first, that is in descending order of ids. Rejects with BAD_USER_INPUT if the
 * arguments are not valid.
 */
export async function newestFirst<Node extends { id: string }>(
  args: PageArguments,
  {
    type,
    nodes,
    filter,
  }: { type: ListedType; nodes: { load(id: string): Promise<Node | null> }; filter: Filter },
  { books, accountId }: Pick<Context, 'books' | 'accountId'>,
): Promise<Connection<Node> & { totalCount: () => Promise<bigint> }> {
  const { limit, fromEnd } = pageSize(args)
  const after = readCursor('after', args.after, type)
  const before = readCursor('before', args.before, type)
  const slice = { after, before, limit: limit + 1, fromOldest: fromEnd }
  const ids = await listIds(books, accountId, filter, slice)
  const found = await Promise.all((fromEnd ? ids.toReversed() : ids).map((id) => nodes.load(id)))
  const edges = found.flatMap((node) => (node === null ? [] : [{ cursor: encodeId(type, node.id), node }]))
  const totalCount = () => countRows(books, accountId, filter)
  return { ...pageOf(edges, { limit, fromEnd, after, before }), totalCount }
}

/** The id in a cursor. Throws BAD_USER_INPUT for one of a list of another type. */
function readCursor(
  name: 'after' | 'before',
  cursor: string | null | undefined,
  type: ListedType,
): string | undefined {
  if (cursor == null) return undefined
  const { typename, id } = decodeId(cursor)
  if (typename === type && isUuid(id)) return id
  const bare = bareUuid(cursor)
  if (bare === undefined) throw badCursor(name)
  return bare
}

/** The id in a cursor of an earlier release, whose cursors did not say what they are of. A client may still hold one. */
function bareUuid(cursor: string): string | undefined {
  const id = Buffer.from(cursor, 'base64url').toString()
  return isUuid(id) && Buffer.from(id).toString('base64url') === cursor ? id : undefined
}
