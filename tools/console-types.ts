import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { minifyIntrospection, outputIntrospectionFile } from '@gql.tada/internal'
import { buildSchema, introspectionFromSchema } from 'graphql'

// Writes the types of schema.graphql from which gql.tada derives those of the console's operations.
const root = join(import.meta.dirname, '..')
const schema = buildSchema(await readFile(join(root, 'schema.graphql'), 'utf8'))
const introspection = minifyIntrospection(introspectionFromSchema(schema, { descriptions: false }))
await writeFile(
  join(root, 'src/generated/schema-types.d.ts'),
  outputIntrospectionFile(introspection, { fileType: '.d.ts', shouldPreprocess: true }),
)
