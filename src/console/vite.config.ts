import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { buildSchema, introspectionFromSchema, isObjectType } from 'graphql'
import { defineConfig, type Plugin } from 'vite'

const root = join(import.meta.dirname, '../..')
const schemaFile = join(root, 'schema.graphql')
const schemaModule = 'virtual:schema'

/**
 * The module `virtual:schema`: what Graphcache has to know of schema.graphql. `schema` lets it tell which types an interface
 * or a union can be; objects of the types `withoutId` are kept in their parents.
 */
function schemaFacts(): Plugin {
  return {
    name: 'schema-facts',
    resolveId: (id) => (id === schemaModule ? id : undefined),
    async load(id) {
      if (id !== schemaModule) return undefined
      this.addWatchFile(schemaFile)
      const schema = buildSchema(await readFile(schemaFile, 'utf8'))
      const types = Object.values(schema.getTypeMap()).filter(isObjectType)
      const withoutId = types.filter((type) => type.getFields()['id'] === undefined).map(({ name }) => name)
      const introspection = introspectionFromSchema(schema, { descriptions: false })
      return `export const schema = JSON.parse(${JSON.stringify(JSON.stringify(introspection))})
export const withoutId = ${JSON.stringify(withoutId)}`
    },
  }
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), schemaFacts()],
  build: {
    outDir: join(root, 'dist/console'),
    emptyOutDir: true,
    // Also the path that they are served at.
    assetsDir: 'console',
    // It would be an inline script.
    modulePreload: { polyfill: false },
    // An image in a style would need a policy of its own.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1_000,
  },
})
