import type { GraphQLError } from 'graphql'
import { grouped } from '../grouped.ts'
import { builder } from './builder.ts'
import { topLevelError } from './errors/top-level.ts'
import { isUuid } from './ids.ts'
import { defaultPageSize, maxPageSize } from './max-sizes.ts'

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

/** Throws BAD_USER_INPUT unless the arguments are valid for a list that is newest first. */
export function checkPage(args: PageArguments): void {
  pageSize(args)
  uuidCursor('after', args.after)
  uuidCursor('before', args.before)
}

export const aboutSearch =
  'Only those whose name contains this text, ignoring case and accents: "strasse" finds "Straße", and "cafe" finds "Café".'

/** The text to search names for. Throws BAD_USER_INPUT for a NUL character, which PostgreSQL does not accept. */
export function searchText(search: string | null | undefined): string | undefined {
  if (search?.includes('\0')) throw badInput('search contains a NUL character, which no name has. Remove it.')
  return search ?? undefined
}

export function badInput(message: string): GraphQLError {
  return topLevelError('BAD_USER_INPUT', message)
}

export function badCursor(name: 'after' | 'before'): GraphQLError {
  return badInput(`${name} is not a cursor of this list. Use the cursor of one of its edges, or endCursor.`)
}

/** A page of a list. */
export interface Connection<Node> {
  edges: { cursor: string; node: Node }[]
  pageInfo: {
    hasNextPage: boolean
    hasPreviousPage: boolean
    startCursor: string | null
    endCursor: string | null
  }
}

export function connectionOf<Node>(
  edges: { cursor: string; node: Node }[],
  more: { hasNextPage: boolean; hasPreviousPage: boolean },
): Connection<Node> {
  return {
    edges,
    pageInfo: { ...more, startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null },
  }
}

/** A list that is newest first, that is in descending order of ids. */
export interface NewestFirst<Node extends { id: string }> {
  /** Up to `limit` items older than `after` and newer than `before`: the newest of them, or the oldest. */
  load(page: {
    after: string | undefined
    before: string | undefined
    limit: number
    fromOldest: boolean
  }): Promise<Node[]>
}

/** A page of a list that is newest first. Rejects with BAD_USER_INPUT if the arguments are not valid. */
export async function newestFirst<Node extends { id: string }>(
  args: PageArguments,
  list: NewestFirst<Node>,
): Promise<Connection<Node>> {
  const { limit, fromEnd } = pageSize(args)
  const after = uuidCursor('after', args.after)
  const before = uuidCursor('before', args.before)
  // One more than the page has, to see whether there are more.
  const found = await list.load({ after, before, limit: limit + 1, fromOldest: fromEnd })
  const more = found.length > limit
  const page = found.slice(0, limit).sort((a, b) => (a.id < b.id ? 1 : -1))
  return connectionOf(
    page.map((node) => ({ cursor: encodeCursor(node.id), node })),
    fromEnd
      ? { hasNextPage: before !== undefined, hasPreviousPage: more }
      : { hasNextPage: more, hasPreviousPage: after !== undefined },
  )
}

/** The part of a Prisma query that selects a page of a list that is newest first. */
export function pageQuery(page: Parameters<NewestFirst<{ id: string }>['load']>[0]) {
  return {
    where: {
      id: {
        ...(page.after === undefined ? {} : { lt: page.after }),
        ...(page.before === undefined ? {} : { gt: page.before }),
      },
    },
    orderBy: { id: page.fromOldest ? 'asc' : 'desc' },
    take: page.limit,
  } as const
}

function encodeCursor(id: string): string {
  return Buffer.from(id).toString('base64url')
}

function uuidCursor(name: 'after' | 'before', cursor: string | null | undefined): string | undefined {
  if (cursor == null) return undefined
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!isUuid(id) || encodeCursor(id) !== cursor) throw badCursor(name)
  return id
}
