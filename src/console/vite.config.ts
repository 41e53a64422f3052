import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import {
  buildSchema,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isUnionType,
} from 'graphql'
import { defineConfig, type Plugin } from 'vite'

const root = join(import.meta.dirname, '../..')
const schemaFile = join(root, 'schema.graphql')
const schemaModule = 'virtual:schema'
const unknownType = 'Unknown'

/**
 * The module `virtual:schema`: what Graphcache has to know of schema.graphql. `schema` lets it tell which types an interface
 * or a union can be; objects of the types `withoutId` are kept in their parents. `unknownType` stands for all types that the
 * service may have later: each interface and union can be it.
 */
function schemaFacts(): Plugin {
  return {
    name: 'schema-facts',
    resolveId: (id) => (id === schemaModule ? id : undefined),
    async load(id) {
      if (id !== schemaModule) return undefined
      this.addWatchFile(schemaFile)
      const schema = buildSchema(await readFile(schemaFile, 'utf8'))
      const types = Object.values(schema.getTypeMap())
        .filter(isObjectType)
        .filter((type) => !isIntrospectionType(type))
      const withoutId = types.filter((type) => type.getFields()['id'] === undefined).map(({ name }) => name)
      withoutId.push(unknownType)
      return `export const schema = ${JSON.stringify(outlineOf(schema))}
export const withoutId = ${JSON.stringify(withoutId)}
export const unknownType = ${JSON.stringify(unknownType)}`
    },
  }
}

/**
 * An introspection with only the types, their fields and what they can be. It says that no field is nullable: otherwise
 * Graphcache shows null for what it does not have yet, as if the pool of an address did not exist.
 */
function outlineOf(schema: GraphQLSchema) {
  const kindOf = (type: GraphQLNamedType) =>
    isObjectType(type) ? 'OBJECT' : isInterfaceType(type) ? 'INTERFACE' : 'UNION'
  const reference = (type: GraphQLNamedType) => ({ kind: kindOf(type), name: type.name })
  const some = { kind: 'NON_NULL', ofType: { kind: 'SCALAR', name: 'Any' } }
  const fieldsOf = (type: GraphQLObjectType | GraphQLInterfaceType) =>
    Object.keys(type.getFields()).map((name) => ({ name, type: some, args: [] }))
  const composite = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type))
    .filter(isCompositeType)
  const interfaces = composite.filter(isInterfaceType)
  const unknown = { kind: 'OBJECT', name: unknownType }
  const types = [
    ...composite.map((type) => ({
      ...reference(type),
      fields: isUnionType(type) ? [] : fieldsOf(type),
      interfaces: isUnionType(type) ? [] : type.getInterfaces().map(reference),
      ...(isAbstractType(type) && {
        possibleTypes: [...schema.getPossibleTypes(type).map(reference), unknown],
      }),
    })),
    { ...unknown, fields: interfaces.flatMap(fieldsOf), interfaces: interfaces.map(reference) },
  ]
  const [queryType, mutationType, subscriptionType] = ['Query', 'Mutation', 'Subscription'].map((name) => ({
    name,
  }))
  return { __schema: { queryType, mutationType, subscriptionType, types } }
}

/**
 * Puts the stylesheet behind what the page shows until the console is there: in the head, it would keep a slow network's page
 * white until it has come. It stays before the console, whose own styles are to win.
 */
function stylesLater(): Plugin {
  const stylesheet = /^ *<link rel="stylesheet"[^>]*>\n?/gm
  return {
    name: 'styles-later',
    transformIndexHtml: {
      order: 'post',
      handler: (html) =>
        html
          .replace(stylesheet, '')
          .replace(/^ *<!-- styles -->\n/m, (html.match(stylesheet) ?? []).join('')),
    },
  }
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), schemaFacts(), stylesLater()],
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
