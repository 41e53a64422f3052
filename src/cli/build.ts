import { parseArgs } from 'node:util'
import { build, buildIfChanged, project } from '../build/build.ts'
import { databaseClient } from '../build/database-client.ts'
import { productsOfPages } from '../build/pages.ts'
import { removeSurplus } from '../build/surplus.ts'
import { buildWithTools, hasTools } from '../build/tools.ts'
import { OperatorError } from '../operator-error.ts'

// Builds all that the service needs, thoroughly; with `database-client` only the database client, for the programs that npm
// starts after it. With --if-changed it builds, quickly, what has to be built. For production, the packages that build are
// installed only meanwhile, and what production does not need is removed.

const { values, positionals } = parseArgs({
  options: { 'if-changed': { type: 'boolean' } },
  allowPositionals: true,
})
const products = positionals.includes('database-client')
  ? [databaseClient]
  : [databaseClient, ...productsOfPages]
try {
  if (values['if-changed']) {
    for (const product of products) await buildIfChanged(product)
  } else if (await hasTools(products, project)) {
    for (const product of products) await build(product, project, { thoroughly: true })
  } else {
    console.log('Building with packages that are installed for this only. This takes a minute.')
    await buildWithTools(products, project)
    await removeSurplus(project)
  }
} catch (error) {
  process.exitCode = 1
  console.error(error instanceof OperatorError ? error.message : error)
}
