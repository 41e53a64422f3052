import type { Product } from './build.ts'
import { consolePages } from './console.ts'
import { graphiqlFiles } from './graphiql.ts'

/** What only processes need that serve pages. */
export const productsOfPages: readonly Product[] = [consolePages, graphiqlFiles]
