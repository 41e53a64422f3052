/**
 * Global ids: base64 of the type name and the id within the type. The API reads them in src/graphql/ids.ts.
 */
export function encodeId(type: string, id: string | number | bigint): string {
  return Buffer.from(`${type}:${id}`).toString('base64')
}
