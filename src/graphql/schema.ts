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

builder.queryType({ description: 'Reads data. Every field needs the scope READ.' })
builder.mutationType({
  description:
    'Changes data. Every field says which scope it needs, and returns a payload or a typed error. Before anything is ' +
    'changed, the whole operation is checked: scopes, page sizes, cursors and other arguments, and the possible size of ' +
    'the answer. If any of it is refused, nothing is changed.',
})
builder.subscriptionType({ description: 'Sends changes as they happen. Every field needs the scope READ.' })

/** The schema of the API. */
export function createSchema(): GraphQLSchema {
  const schema = builder.toSchema({})
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {}))
    field.resolve = withOwnNodes(field)
  return schema
}

/**
 * Gives a mutation its own nodes, each loaded once and after its change. Setting them on the context is safe: the mutations
 * of a request run one after the other, each until its payload is complete.
 */
function withOwnNodes({ name, resolve }: GraphQLField<unknown, Context>) {
  if (resolve === undefined) throw new Error(`The mutation ${name} has no resolver.`)
  const resolveWithNodes: GraphQLFieldResolver<unknown, Context> = (root, args, context, info) => {
    context.nodes = new Nodes(context.books, context.accountId, { toldOnce: true })
    return resolve(root, args, context, info)
  }
  return resolveWithNodes
}

/** The schema in SDL, as in schema.graphql. */
export function printSorted(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
