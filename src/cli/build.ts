import { parseArgs } from 'node:util'
import { build, buildIfChanged, project } from '../build/build.ts'
import { databaseClient } from '../build/database-client.ts'
import { pages } from '../build/pages.ts'
import { OperatorError } from '../operator-error.ts'

// Builds all that the service needs, thoroughly; with `database-client` only the database client, for the programs that npm starts
// after it. With --if-changed it builds, quickly, what has to be built.

const { values, positionals } = parseArgs({
  options: { 'if-changed': { type: 'boolean' } },
  allowPositionals: true,
})
const products = positionals.includes('database-client') ? [databaseClient] : [databaseClient, ...pages]
try {
  for (const product of products) {
    if (values['if-changed']) await buildIfChanged(product)
    else await build(product, project, { thoroughly: true })
  }
} catch (error) {
  process.exitCode = 1
  console.error(error instanceof OperatorError ? error.message : error)
}
