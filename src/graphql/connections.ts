import type { InterfaceRef, ObjectRef } from '@pothos/core'
import { builder, type Types } from './builder.ts'
import { type FieldWeight, rowReads } from './field-rules.ts'
import { defaultPageSize, maxPageSize } from './max-sizes.ts'
import type { PageArguments } from './pagination.ts'

/** The edge and connection types of a node: one pair for each node, whatever leads to it. */
export function connectionType<Node extends ObjectRef<Types, unknown> | InterfaceRef<Types, unknown>>(
  node: Node,
  things: string,
) {
  return builder.connectionObject(
    { type: node, name: `${node.name}Connection`, description: `A page of ${things}.` },
    { name: `${node.name}Edge`, description: `One of the ${things} of a page, with its place in the list.` },
  )
}

/** The same with totalCount, which is counted when it is asked for. */
export function countedConnectionType<Node extends ObjectRef<Types, unknown>>(node: Node, things: string) {
  return builder.connectionObject(
    {
      type: node,
      name: `${node.name}Connection`,
      description: `A page of ${things}, and how many there are in all.`,
      fields: (t) => ({
        totalCount: t.field({
          type: 'BigInt',
          description: `How many ${things} there are on all pages together. Exact.`,
          weight: { reads: rowReads },
          resolve: ({ totalCount }) => {
            if (totalCount === undefined)
              throw new Error(`A page of ${things} does not know how many there are.`)
            return totalCount()
          },
        }),
      }),
    },
    { name: `${node.name}Edge`, description: `One of the ${things} of a page, with its place in the list.` },
  )
}

/** What a page weighs: the fields of its items, as many times as it may have items. Larger ones are refused for their size. */
export function pageWeight(args: PageArguments): FieldWeight {
  const size = args.first ?? args.last ?? defaultPageSize
  const items = Math.min(Math.max(1, size), maxPageSize)
  return { given: { items }, reads: 2 * rowReads + items / 10 }
}
