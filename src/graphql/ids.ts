import type { CodeOrigin } from '../domain/code.ts'

/**
 * Global ids: base64 of the type's name and the id within it. Whatever is not the id of a thing of the type that is
 * asked for is treated as the id of a thing that does not exist.
 */

export type NodeType = 'Account' | 'ApiKey' | 'Code' | 'Format' | 'Pool' | 'Task'

export function encodeId(type: string, id: string | number | bigint): string {
  return Buffer.from(`${type}:${id}`).toString('base64')
}

/** Type and id, or the id of nothing when the text is not a global id. */
export function decodeId(globalId: string): { typename: string; id: string } {
  const text = Buffer.from(globalId, 'base64').toString()
  // Decoding passes over what is not base64: only what encodes to the same again is an id.
  const canonical = Buffer.from(text).toString('base64') === globalId
  const match = canonical ? /^([A-Za-z]+):(.+)$/.exec(text) : null
  return { typename: match?.[1] ?? '', id: match?.[2] ?? nobody }
}

/** The uuid of a node of this type; one that no node has when the text is anything else. */
export function uuidOf(type: Exclude<NodeType, 'Code'>, globalId: string): string {
  const { typename, id } = decodeId(globalId)
  return typename === type && isUuid(id) ? id : nobody
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text)
}

/** The origin of a code as the id within the type Code. */
export function codeKey({ formatId, uploadId, index }: CodeOrigin): string {
  return formatId === undefined ? `upload:${uploadId}:${index}` : `${formatId}:${index}`
}

export function parseCodeKey(key: string): CodeOrigin | undefined {
  const match = /^(upload:)?([0-9a-f-]{36}):(0|[1-9]\d{0,28})$/.exec(key)
  const [, uploaded, source, digits] = match ?? []
  if (source === undefined || digits === undefined || !isUuid(source)) return undefined
  const index = BigInt(digits)
  return uploaded === undefined ? { formatId: source, index } : { uploadId: source, index }
}

/** The nil UUID of RFC 9562, which is never given to anything. */
const nobody = '00000000-0000-0000-0000-000000000000'
