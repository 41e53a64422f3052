import {
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  lexicographicSortSchema,
  printSchema,
} from 'graphql'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { Nodes } from './nodes.ts'
import './scalars.ts'
import './account.ts'
import './format.ts'
import './pool.ts'
import './task.ts'
import './file.ts'
import './upload.ts'
import './code.ts'
import './event.ts'
import './subscriptions.ts'
import './errors/typed.ts'
import './node-queries.ts'

builder.queryType({ description: 'What there is. Every field needs the scope READ.' })
builder.mutationType({
  description:
    'What can be done. Every field says which scope it needs, and answers with a payload or with a typed error. What an ' +
    'operation selects is checked before any of its fields is carried out: scopes, page sizes, cursors, other arguments, and how ' +
    'long the answer could be. Where something is refused, nothing is done.',
})
builder.subscriptionType({ description: 'What changes, as it happens. Every field needs the scope READ.' })

/** The schema of the API. */
export function createSchema(): GraphQLSchema {
  const schema = builder.toSchema({})
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {}))
    field.resolve = withNodesOfItsOwn(field)
  return schema
}

/**
 * The mutations of a request run one after the other, each with its payload to the end, so that from its beginning to
 * the next one's the nodes of the context are its own: told once, and as they were after what it did.
 */
function withNodesOfItsOwn({ name, resolve }: GraphQLField<unknown, Context>) {
  if (resolve === undefined) throw new Error(`Nobody says what ${name} does.`)
  const resolveWithNodes: GraphQLFieldResolver<unknown, Context> = (root, args, context, info) => {
    context.nodes = new Nodes(context.books, context.accountId, { toldOnce: true })
    return resolve(root, args, context, info)
  }
  return resolveWithNodes
}

/** The schema as the text of schema.graphql. */
export function printSorted(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
