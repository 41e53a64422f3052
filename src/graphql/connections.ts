import type { InterfaceRef, ObjectRef } from '@pothos/core'
import { builder, type Types } from './builder.ts'
import { type FieldWeight, rowReads } from './field-rules.ts'
import { defaultPageSize, maxPageSize } from './max-sizes.ts'
import type { PageArguments } from './pagination.ts'

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
      description: `A page of ${things}, with the number of all ${things} in the list.`,
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

/** The weight of a page: that of its maximum number of items. A larger page is refused by `checkPage`. */
export function pageWeight(args: PageArguments): FieldWeight {
  const size = args.first ?? args.last ?? defaultPageSize
  const items = Math.min(Math.max(1, size), maxPageSize)
  return { given: { items }, reads: 2 * rowReads + items / 10 }
}
