import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { printSorted } from '../src/graphql/schema.ts'

// Writes schema.graphql in the root of the project, for clients to read and for reviewers to see changes.
await writeFile(join(import.meta.dirname, '../schema.graphql'), printSorted())
