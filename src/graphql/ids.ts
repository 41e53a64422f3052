import { NotFoundError } from '../domain/books/errors.ts'
import type { CodeOrigin } from '../domain/code/code.ts'
import type { ClaimRef } from '../domain/pool/claim-rows.ts'
import { encodeId } from '../global-id.ts'
import { nilId } from '../nil-id.ts'
import { topLevelError } from './errors/top-level.ts'

/**
 * Reading global ids. A text that is not an id of the expected type is treated like the id of something that does not exist; an
 * error message also says what is wrong with the text itself.
 */

export type NodeType =
  | 'Account'
  | 'ApiKey'
  | 'Claim'
  | 'Code'
  | 'Format'
  | 'Pool'
  | 'Redemption'
  | 'Task'
  | 'Webhook'

/** Node types whose ids within the type are UUIDs. */
type UuidNodeType = Exclude<NodeType, 'Claim' | 'Code'>

export { encodeId }

/** Type and id; the nil UUID if the text is not a global id. */
export function decodeId(globalId: string): { typename: string; id: string } {
  const text = Buffer.from(globalId, 'base64').toString()
  // Decoding skips what is not base64: only a text that encodes to the same again is an id.
  const canonical = Buffer.from(text).toString('base64') === globalId
  const match = canonical ? /^([A-Za-z]+):(.+)$/.exec(text) : null
  return { typename: match?.[1] ?? '', id: match?.[2] ?? nilId }
}

/** The UUID in an id of this type; the nil UUID, which nothing has, for any other text. */
export function uuidOf(type: UuidNodeType, globalId: string): string {
  const { typename, id } = decodeId(globalId)
  return typename === type && isUuid(id) ? id : nilId
}

/** The UUID in the input field `name`, at `path`. Throws NotFoundError if the text is not an id of this type. */
export function inputId(type: UuidNodeType, globalId: string, name: string, path = [name]): string {
  const uuid = uuidOf(type, globalId)
  if (uuid === nilId) throw new NotFoundError(nouns[type].noun, path, whyNot(type, globalId, name))
  return uuid
}

/** The origin of a code by its id in the input field `name`, at `path`. Throws NotFoundError if the text is no such id. */
export function inputCode(globalId: string, name: string, path = [name]): CodeOrigin {
  const { typename, id } = decodeId(globalId)
  const origin = typename === 'Code' ? parseCodeKey(id) : undefined
  if (origin === undefined) throw new NotFoundError('code', path, whyNot('Code', globalId, name))
  return origin
}

/** What names a claim by its id in the input field `name`, at `path`. Throws NotFoundError if the text is no such id. */
export function inputClaim(globalId: string, name: string, path = [name]): ClaimRef {
  const { typename, id } = decodeId(globalId)
  const claim = typename === 'Claim' ? parseClaimKey(id) : undefined
  if (claim === undefined) throw new NotFoundError('claim', path, whyNot('Claim', globalId, name))
  return claim
}

/** The UUID in the argument `name`. Throws NOT_FOUND if the text is not an id of this type. */
export function argumentId(type: UuidNodeType, globalId: string, name: string): string {
  const uuid = uuidOf(type, globalId)
  if (uuid === nilId) throw topLevelError('NOT_FOUND', whyNot(type, globalId, name))
  return uuid
}

/** What names the claim in the argument `name`. Throws NOT_FOUND if the text is not an id of a claim. */
export function argumentClaim(globalId: string, name: string): ClaimRef {
  const { typename, id } = decodeId(globalId)
  const claim = typename === 'Claim' ? parseClaimKey(id) : undefined
  if (claim === undefined) throw topLevelError('NOT_FOUND', whyNot('Claim', globalId, name))
  return claim
}

/** What messages call the types, and a query that returns ids of each. */
const nouns: Record<NodeType, { noun: string; a: string; query: string }> = {
  Account: { noun: 'account', a: 'an account', query: '{ account { id } }' },
  ApiKey: { noun: 'API key', a: 'an API key', query: '{ account { apiKeys { id name } } }' },
  Claim: {
    noun: 'claim',
    a: 'a claim',
    query: '{ claims(recipient: "…") { edges { node { id at } } } }',
  },
  Code: { noun: 'code', a: 'a code', query: '{ code(code: "…") { id } }' },
  Format: { noun: 'format', a: 'a format', query: '{ formats { edges { node { id name } } } }' },
  Pool: { noun: 'pool', a: 'a pool', query: '{ pools { edges { node { id name } } } }' },
  Redemption: {
    noun: 'redemption',
    a: 'a redemption',
    query: '{ redemptions(reference: "…") { edges { node { id at } } } }',
  },
  Task: { noun: 'task', a: 'a task', query: '{ tasks { edges { node { id status } } } }' },
  Webhook: { noun: 'webhook', a: 'a webhook', query: '{ account { webhooks { id url } } }' },
}

/** Why a text is not an id of this type, what such an id looks like, and where to get one. */
function whyNot(type: NodeType, text: string, name: string): string {
  const { a, query } = nouns[type]
  const other = Object.entries(nouns).find(([typename]) => typename === typeOf(text))?.[1]
  const example = encodeId(type, '019a…').slice(0, 8)
  const wanted = `The id of ${a} looks like "${example}…": copy it whole from the field id, as in ${query}.`
  if (other !== undefined && other !== nouns[type])
    return `${atSentenceStart(name)} is the id of ${other.a}, not of ${a}. Take it from the field id, as in ${query}.`
  if (text.trim() === '') return `${atSentenceStart(name)} is empty. ${wanted}`
  if (isUuid(text.trim().toLowerCase()))
    return `${atSentenceStart(name)} is a bare UUID, which is only part of an id. ${wanted}`
  if (text !== text.trim() && typeOf(text.trim()) === type)
    return `${atSentenceStart(name)} has spaces or line breaks around it. Remove them.`
  return `${atSentenceStart(name)} is not an id: it may be a name, or an id that was cut off or changed. ${wanted}`
}

/** The type of an id; undefined if the text is not one. */
function typeOf(globalId: string): string | undefined {
  const { typename, id } = decodeId(globalId)
  if (typename === 'Code') return parseCodeKey(id) === undefined ? undefined : typename
  if (typename === 'Claim') return parseClaimKey(id) === undefined ? undefined : typename
  return isUuid(id) && id !== nilId ? typename : undefined
}

function atSentenceStart(text: string): string {
  return text.startsWith('the ') ? `The ${text.slice('the '.length)}` : text
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text)
}

/** The id within the type Code: the origin of the code. */
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

/** The id within the type Claim: its pool and its first position. */
export function claimKey({ poolId, first }: ClaimRef): string {
  return `${poolId}:${first}`
}

export function parseClaimKey(key: string): ClaimRef | undefined {
  const [, poolId, first] = /^([0-9a-f-]{36}):(0|[1-9]\d{0,39})$/.exec(key) ?? []
  if (poolId === undefined || first === undefined || !isUuid(poolId)) return undefined
  return { poolId, first: BigInt(first) }
}
