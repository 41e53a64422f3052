import { schema, unknownType } from 'virtual:schema'

const known = new Set(schema.__schema.types.map(({ name }: { name: string }) => name))

/**
 * Gives the objects of an answer whose types the page does not know the name `unknownType`, under which it still has the
 * fields of their interfaces: a page that has been open for long may be older than the service. Graphcache would throw.
 */
export function nameUnknownTypes(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const inner of Object.values(value)) nameUnknownTypes(inner)
  if ('__typename' in value && !known.has(String(value.__typename))) value.__typename = unknownType
}
