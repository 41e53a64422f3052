import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSchema, printSorted } from '../src/graphql/schema.ts'

// Writes schema.graphql at the project's root: what clients read, and a reviewer sees changing.
await writeFile(join(import.meta.dirname, '../schema.graphql'), printSorted(createSchema()))
