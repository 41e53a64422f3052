import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'
import { builder } from './builder.ts'
import { withOwnNodes } from './context.ts'
import './scalars.ts'
import './account.ts'
import './format.ts'
import './pool.ts'
import './terms.ts'
import './task.ts'
import './upload.ts'
import './code.ts'
import './claim.ts'
import './activity.ts'
import './stock.ts'
import './void.ts'
import './redemption.ts'
import './event.ts'
import './webhook.ts'
import './subscriptions.ts'
import './errors/typed.ts'
import './node-queries.ts'

builder.queryType({ description: 'Reads data. Every field says which scope it needs: nearly all READ.' })
builder.mutationType({
  description:
    'Changes data. Every field says which scope it needs, and returns a payload or a typed error. The whole ' +
    'operation is checked before anything is changed: scopes, page sizes, cursors and other arguments, and the ' +
    'possible size of the answer. If a check fails, nothing is changed.',
})
builder.subscriptionType({ description: 'Sends changes as they happen. Every field needs the scope READ.' })

/** The schema of the API, which all services of a process share. */
export const schema: GraphQLSchema = builder.toSchema({})

for (const field of Object.values(schema.getMutationType()?.getFields() ?? {}))
  field.resolve = withOwnNodes(field)

/** The schema in SDL, as in schema.graphql. */
export function printSorted(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}
