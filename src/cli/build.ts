import { parseArgs } from 'node:util'
import { build, buildIfChanged } from '../build/build.ts'
import { databaseClient } from '../build/database-client.ts'
import { pages } from '../build/pages.ts'
import { OperatorError } from '../operator-error.ts'

// Builds what the service needs; with `database-client` only the database client, for the programs that npm starts after it.
// With --if-changed only what has to be built.

const { values, positionals } = parseArgs({
  options: { 'if-changed': { type: 'boolean' } },
  allowPositionals: true,
})
const products = positionals.includes('database-client') ? [databaseClient] : [databaseClient, ...pages]
try {
  const make = values['if-changed'] ? buildIfChanged : build
  for (const product of products) await make(product)
} catch (error) {
  process.exitCode = 1
  console.error(error instanceof OperatorError ? error.message : error)
}
