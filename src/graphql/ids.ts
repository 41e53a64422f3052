import { NotFoundError } from '../domain/books/errors.ts'
import type { CodeOrigin } from '../domain/code/code.ts'
import { topLevelError } from './errors/top-level.ts'

/**
 * Global ids: base64 of the type's name and the id within it. Whatever is not the id of a thing of the type that is
 * asked for is treated as the id of a thing that does not exist; where something is said of it, also why it cannot be
 * the right one, as far as the id itself shows that.
 */

export type NodeType = 'Account' | 'ApiKey' | 'Code' | 'Format' | 'Pool' | 'Task'

/** Nodes whose id is a UUID behind the name of the type. */
type UuidNodeType = Exclude<NodeType, 'Code'>

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
export function uuidOf(type: UuidNodeType, globalId: string): string {
  const { typename, id } = decodeId(globalId)
  return typename === type && isUuid(id) ? id : nobody
}

/** The uuid that the field `name` of an input leads to. Throws a NotFoundError for what cannot be an id of this type. */
export function inputId(type: UuidNodeType, globalId: string, name: string): string {
  const uuid = uuidOf(type, globalId)
  if (uuid === nobody) throw new NotFoundError(nouns[type].noun, [name], whyNot(type, globalId, name))
  return uuid
}

/** The uuid that the argument `name` leads to. Throws NOT_FOUND for what cannot be an id of this type. */
export function argumentId(type: UuidNodeType, globalId: string, name: string): string {
  const uuid = uuidOf(type, globalId)
  if (uuid === nobody) throw topLevelError('NOT_FOUND', whyNot(type, globalId, name))
  return uuid
}

/** What people call the types, and where they get the ids of what they have. */
const nouns: Record<NodeType, { noun: string; a: string; query: string }> = {
  Account: { noun: 'account', a: 'an account', query: '{ account { id } }' },
  ApiKey: { noun: 'API key', a: 'an API key', query: '{ account { apiKeys { id name } } }' },
  Code: { noun: 'code', a: 'a code', query: '{ code(code: "…") { id } }' },
  Format: { noun: 'format', a: 'a format', query: '{ formats { edges { node { id name } } } }' },
  Pool: { noun: 'pool', a: 'a pool', query: '{ pools { edges { node { id name } } } }' },
  Task: { noun: 'task', a: 'a task', query: '{ tasks { edges { node { id status } } } }' },
}

/** Why a text cannot be the id of a node of this type, what such an id looks like, and where to get it. */
function whyNot(type: UuidNodeType, text: string, name: string): string {
  const { a, query } = nouns[type]
  const other = Object.entries(nouns).find(([typename]) => typename === typeOf(text))?.[1]
  const example = encodeId(type, '019a…').slice(0, 8)
  const wanted = `The id of ${a} looks like "${example}…": copy it whole from the field id, as in ${query}.`
  if (other !== undefined && other !== nouns[type])
    return `This is the id of ${other.a}, and ${name} wants the id of ${a}. Take it from the field id, as in ${query}.`
  if (text.trim() === '') return `${capitalize(name)} is empty. ${wanted}`
  if (isUuid(text.trim().toLowerCase()))
    return `${capitalize(name)} is a bare UUID, which is only part of an id. ${wanted}`
  if (text !== text.trim() && uuidOf(type, text.trim()) !== nobody)
    return `The id in ${name} has spaces or line breaks around it. Remove them.`
  return `${capitalize(name)} is not an id: it may be a name, or an id that was cut off or changed. ${wanted}`
}

/** The type of the node that a text is the id of, if it is one. */
function typeOf(globalId: string): string | undefined {
  const { typename, id } = decodeId(globalId)
  const isId = typename === 'Code' ? parseCodeKey(id) !== undefined : isUuid(id) && id !== nobody
  return isId ? typename : undefined
}

function capitalize(text: string): string {
  return text.startsWith('the ') ? `The ${text.slice('the '.length)}` : text
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
