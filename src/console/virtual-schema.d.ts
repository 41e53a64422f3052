/** What Graphcache has to know of schema.graphql: see vite.config.ts. */
declare module 'virtual:schema' {
  import type { IntrospectionData } from '@urql/exchange-graphcache'

  export const schema: IntrospectionData
  export const withoutId: readonly string[]
  export const unknownType: string
}
