import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip } from 'node:zlib'
import type { Logger } from 'pino'
import { isUnavailable } from '../database/errors.ts'
import type { Books } from '../domain/books.ts'
import {
  type ExportStatus,
  isTrue,
  type Picture,
  PictureChangedError,
  positionsOf,
  positionsOfTask,
  takePicture,
} from '../domain/export.ts'
import { type RejectedRow, readRejectedRows } from '../domain/rejected-row.ts'
import type { Credentials } from '../graphql/context.ts'
import { encodeId, isUuid, uuidOf } from '../graphql/ids.ts'
import { codesPath } from '../graphql/links.ts'
import { problem } from '../graphql/problems.ts'
import type { Authentication } from './authentication.ts'
import { CodesFile, layoutVersion } from './codes-file.ts'
import { row } from './csv.ts'
import { anyOrigin, refuse } from './refusal.ts'

export interface DownloadParts {
  books: Books
  authentication: Authentication
  log: Logger
}

/** Answers requests for files; those whose path is none of a file are not for it. */
export type Download = (request: IncomingMessage, response: ServerResponse) => Promise<void>

const codesFile = /^\/pools\/([^/]+)\/codes\.csv$/
const rejectedRowsFile = /^\/tasks\/([^/]+)\/rejected\.csv$/

/** Whether a path is that of a file, whether or not there is such a file. */
export function isDownloadPath(path: string): boolean {
  return codesFile.test(path) || rejectedRowsFile.test(path)
}

const methods = 'GET, HEAD, OPTIONS'

/** What a page of another origin may send, and what it may read beside the file itself. */
const preflightHeaders = {
  ...anyOrigin,
  'Access-Control-Allow-Methods': methods,
  'Access-Control-Allow-Headers': 'authorization, range, if-range',
  'Access-Control-Max-Age': '86400',
}
const fileHeaders = {
  ...anyOrigin,
  'Access-Control-Expose-Headers':
    'Accept-Ranges, Content-Disposition, Content-Location, Content-Range, ETag, Retry-After',
  'Content-Type': 'text/csv; charset=utf-8; header=present',
  // Codes are as good as money: no cache keeps them.
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  Vary: 'Accept-Encoding',
}

/** The files: a pool's codes, and the rows of an upload that were not added. */
export function createDownload(parts: DownloadParts): Download {
  return async (request, response) => {
    try {
      if (request.method === 'OPTIONS') response.writeHead(204, preflightHeaders).end()
      else await answer(parts, request, response)
    } catch (error) {
      if (!hasLeft(error)) refuse(response, error, parts.log)
    }
  }
}

async function answer(
  parts: DownloadParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const credentials = await parts.authentication.authenticate(request.headers.authorization)
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw problem('BAD_USER_INPUT', 'A file can only be read, with GET or HEAD.', {
      http: { status: 405, headers: { Allow: methods } },
    })
  const [path = '', query = ''] = (request.url ?? '').split(/\?(.*)/s)
  const parameters = new URLSearchParams(query)
  const [, poolId] = codesFile.exec(path) ?? []
  const [, taskId] = rejectedRowsFile.exec(path) ?? []
  const file =
    poolId === undefined
      ? await rejectedRows(parts, credentials, taskId ?? '', parameters)
      : await poolCodes(parts, request, response, credentials, poolId, parameters)
  await send(request, response, file, parts.log)
}

/** What a request is answered with. */
interface File {
  status: 200 | 206
  headers: Record<string, string>
  /** Whether it can be sent packed. Ranges are of the bytes as they are. */
  gzip: boolean
  pieces: AsyncGenerator<Buffer>
}

async function poolCodes(
  { books }: DownloadParts,
  request: IncomingMessage,
  response: ServerResponse,
  credentials: Credentials,
  id: string,
  parameters: URLSearchParams,
): Promise<File> {
  const wanted = readCodesParameters(parameters)
  const { status, raw, taskId } = wanted
  mayDownload(status, credentials)
  const { accountId } = credentials
  const poolId = uuidOf('Pool', decoded(id))
  const now = await takePicture(books, accountId, poolId, status)
  if (now === undefined) throw notFound('pool')

  const truth = (picture: Picture) => isTrue(books, accountId, poolId, picture)
  if (wanted.picture !== undefined && !(await truth(wanted.picture))) throw pictureGone()
  const { picture, range } = await chooseRange(request, wanted, now.picture, truth)

  const { from, to } = await excerptOf(books, accountId, poolId, taskId, positionsOf(picture, status))
  if (wanted.from > to - from)
    throw badInput(`from is ${wanted.from}, and the file has ${to - from} codes. Give at most that.`)
  const excerpt = { accountId, poolId, picture, from: from + wanted.from, to }
  const file = new CodesFile(books, excerpt, { raw, withHeader: wanted.from === 0n })
  const headers = {
    ...fileHeaders,
    'Content-Disposition': attachment(`${now.poolName} ${status.toLowerCase()}.csv`, 'codes.csv'),
    'Content-Location': codesPath(poolId, status, {
      picture: writePicture(picture),
      ...(taskId === undefined ? {} : { task: encodeId('Task', taskId) }),
      ...(wanted.from === 0n ? {} : { from: String(wanted.from) }),
      ...(raw ? { raw: 'true' } : {}),
    }),
    ETag: entityTag(wanted, picture),
  }
  if (range === undefined) return { status: 200, headers, gzip: true, pieces: file.pieces() }
  return await part(file, range, headers, response)
}

/** Which codes, in which form. */
interface CodesParameters {
  status: ExportStatus
  raw: boolean
  /** Only those that this task has added. */
  taskId: string | undefined
  /** So many codes are left out at the beginning, and the header with them. */
  from: bigint
  /** As they were in this picture. */
  picture: Picture | undefined
}

const codesParameters = ['status', 'raw', 'task', 'from', 'picture']

function readCodesParameters(parameters: URLSearchParams): CodesParameters {
  const given = checkParameters(parameters, codesParameters)
  const status = given['status']
  if (status !== 'AVAILABLE' && status !== 'CLAIMED' && status !== 'ALL')
    throw badInput(`Say which codes: status=AVAILABLE, status=CLAIMED or status=ALL${toldInstead(status)}.`)
  const { task, from = '0', picture } = given
  if (!/^\d{1,40}$/.test(from))
    throw badInput(`from is the number of codes to leave out, from 0 on${toldInstead(from)}.`)
  const read = picture === undefined ? undefined : readPicture(picture)
  if (picture !== undefined && read === undefined)
    throw badInput(`picture is not one that this service gave out in the header Content-Location.`)
  if (from !== '0' && read === undefined && status !== 'CLAIMED')
    throw badInput(
      'from needs picture, which comes with the header Content-Location of every answer: which codes are available changes.',
    )
  return {
    status,
    raw: readRaw(given['raw']),
    taskId: task === undefined ? undefined : uuidOf('Task', task),
    from: BigInt(from),
    picture: read,
  }
}

/** Parameters by their names. Throws for those that mean nothing here, and for those that are given twice. */
function checkParameters(parameters: URLSearchParams, known: readonly string[]): Record<string, string> {
  for (const name of parameters.keys()) {
    if (!known.includes(name))
      throw badInput(`There is no parameter ${JSON.stringify(name)}: there are ${known.join(', ')}.`)
    if (parameters.getAll(name).length > 1) throw badInput(`${name} is given more than once.`)
  }
  return Object.fromEntries(parameters)
}

function readRaw(raw: string | undefined): boolean {
  if (raw !== undefined && raw !== 'true' && raw !== 'false')
    throw badInput(`raw is true or false${toldInstead(raw)}.`)
  return raw === 'true'
}

function toldInstead(value: string | undefined): string {
  return value === undefined ? '' : `, not ${JSON.stringify(value.slice(0, 100))}`
}

/** Whoever reads an unclaimed code could use it; and whom codes were claimed for is for readers. */
function mayDownload(status: ExportStatus, { scopes }: Credentials): void {
  const needed = { AVAILABLE: ['MANAGE'], CLAIMED: ['READ'], ALL: ['MANAGE', 'READ'] } as const
  const missing = needed[status].find((scope) => !scopes.includes(scope))
  if (missing !== undefined)
    throw problem(
      'FORBIDDEN',
      `This API key lacks the scope ${missing}, which a file of ${status === 'ALL' ? 'all' : `the ${status.toLowerCase()}`} codes needs.`,
    )
}

/** Those of the positions that a task has added, if one is named. */
async function excerptOf(
  books: Books,
  accountId: string,
  poolId: string,
  taskId: string | undefined,
  all: { from: bigint; to: bigint },
): Promise<{ from: bigint; to: bigint }> {
  if (taskId === undefined) return all
  const added = await positionsOfTask(books, accountId, poolId, taskId)
  if (added === undefined) throw notFound('task of this pool')
  const from = added.from > all.from ? added.from : all.from
  const to = added.to < all.to ? added.to : all.to
  return from < to ? { from, to } : { from, to: from }
}

/**
 * A picture as it stands in addresses: "1-250-1000-<uuid of the last task>", or "1-250" where nothing was available.
 * It begins with the version of the layout, for that makes another file, too.
 */
function writePicture({ claimed, total, last }: Picture): string {
  return [layoutVersion, claimed, ...(last === undefined ? [] : [total, last])].join('-')
}

function readPicture(text: string): Picture | undefined {
  const [, version, claimed = '', total = claimed, last] =
    /^(\d{1,9})-(\d{1,40})(?:-(\d{1,40})-(.{36}))?$/.exec(text) ?? []
  if (version === undefined || (last !== undefined && !isUuid(last))) return undefined
  // Of another layout there is no such file any more.
  if (version !== String(layoutVersion)) throw pictureGone()
  return { claimed: BigInt(claimed), total: BigInt(total), last }
}

/** Says of a file what its bytes are. Of one address no two different files have the same. */
function entityTag({ status, raw }: CodesParameters, picture: Picture): string {
  return `"${status}${raw ? '-raw' : ''}-${writePicture(picture)}"`
}

/** The picture that an entity tag was made of, if it is of such a file. */
function pictureOfTag({ status, raw }: CodesParameters, tag: string): Picture | undefined {
  const prefix = `"${status}${raw ? '-raw' : ''}-${layoutVersion}-`
  return tag.startsWith(prefix) && tag.endsWith('"')
    ? readPicture(`${layoutVersion}-${tag.slice(prefix.length, -1)}`)
    : undefined
}

/** Bytes of a file: from one to another, which is included, or to the end; or the last so many. */
type Range = { first: bigint; last: bigint | undefined } | { suffix: bigint }

/**
 * The picture that a request is about, and the bytes of its file that are asked for; no range for all of it.
 *
 * A range without a word on which picture it is of is only right where files grow at their ends alone, as those of
 * claimed codes do. Else it is passed over, which every client notices: better than to go on with another file.
 */
async function chooseRange(
  request: IncomingMessage,
  wanted: CodesParameters,
  now: Picture,
  isTrueNow: (picture: Picture) => Promise<boolean>,
): Promise<{ picture: Picture; range: Range | undefined }> {
  const picture = wanted.picture ?? now
  const range = readRange(request)
  if (range === undefined) return { picture, range }
  const { 'if-range': condition } = request.headers
  if (condition === undefined) {
    const isSure = wanted.picture !== undefined || wanted.status === 'CLAIMED'
    return { picture, range: isSure ? range : undefined }
  }
  if (condition === entityTag(wanted, picture)) return { picture, range }
  const named = wanted.picture === undefined ? pictureOfTag(wanted, String(condition)) : undefined
  if (named === undefined || !(await isTrueNow(named))) return { picture, range: undefined }
  return { picture: named, range }
}

/** The range that is asked for, if there is one; of several at once the whole is answered, as RFC 9110 permits. */
function readRange({ method, headers: { range: text } }: IncomingMessage): Range | undefined {
  if (method !== 'GET' || text === undefined || !/^bytes=/i.test(text) || text.includes(',')) return undefined
  const [, first = '', last = ''] = /^bytes=(\d{0,40})-(\d{0,40})$/i.exec(text) ?? []
  if (first === '' && last !== '') return { suffix: BigInt(last) }
  if (first === '' || (last !== '' && BigInt(last) < BigInt(first)))
    throw badInput(
      `Range is "bytes=<first>-", "bytes=<first>-<last>" or "bytes=-<how many at the end>"${toldInstead(text)}.`,
    )
  return { first: BigInt(first), last: last === '' ? undefined : BigInt(last) }
}

/** Some bytes of a file, without all that comes before them. */
async function part(
  file: CodesFile,
  range: Range,
  headers: Record<string, string>,
  response: ServerResponse,
): Promise<File> {
  const leaving = new AbortController()
  response.once('close', () => leaving.abort())
  const measure = (offset: bigint) => file.measure(offset, leaving.signal)
  let measured = await measure('suffix' in range ? 0n : range.first)
  const { bytes } = measured
  const from = 'suffix' in range ? (range.suffix < bytes ? bytes - range.suffix : 0n) : range.first
  if (from >= bytes)
    throw problem('BAD_USER_INPUT', `The file has ${bytes} bytes: there are none at ${from}.`, {
      http: { status: 416, headers: { 'Content-Range': `bytes */${bytes}` } },
    })
  if ('suffix' in range) measured = await measure(from)
  const to = 'suffix' in range || range.last === undefined || range.last >= bytes ? bytes : range.last + 1n
  return {
    status: 206,
    headers: {
      ...headers,
      'Content-Range': `bytes ${from}-${to - 1n}/${bytes}`,
      'Content-Length': String(to - from),
    },
    gzip: false,
    pieces: file.slice(from, to, measured.place),
  }
}

async function rejectedRows(
  { books }: DownloadParts,
  { accountId, scopes }: Credentials,
  id: string,
  parameters: URLSearchParams,
): Promise<File> {
  const raw = readRaw(checkParameters(parameters, ['raw'])['raw'])
  if (!scopes.includes('READ'))
    throw problem('FORBIDDEN', 'This API key lacks the scope READ, which a file of rejected rows needs.')
  const pages = await readRejectedRows(books, accountId, uuidOf('Task', decoded(id)))
  if (pages === undefined) throw notFound('upload')
  return {
    status: 200,
    headers: { ...fileHeaders, 'Content-Disposition': attachment('rejected.csv', 'rejected.csv') },
    gzip: true,
    pieces: writeRejectedRows(pages, raw),
  }
}

async function* writeRejectedRows(pages: AsyncIterable<RejectedRow[]>, raw: boolean): AsyncGenerator<Buffer> {
  yield Buffer.from(row(['row', 'code', 'reason'], raw))
  for await (const page of pages)
    yield Buffer.from(page.map(({ number, code, reason }) => row([number, code, reason], raw)).join(''))
}

/** Resolves when the file was sent, or when that came to an end; rejects only before the answer has begun. */
async function send(
  request: IncomingMessage,
  response: ServerResponse,
  file: File,
  log: Logger,
): Promise<void> {
  const gzip = file.gzip && acceptsGzip(request.headers['accept-encoding'])
  const headers = { ...file.headers }
  if (gzip) {
    headers['Content-Encoding'] = 'gzip'
    // Packed it is other bytes, which ranges cannot be taken of.
    if (headers['ETag'] !== undefined) headers['ETag'] = `W/${headers['ETag']}`
  }
  headers['Accept-Ranges'] = headers['ETag'] === undefined || gzip ? 'none' : 'bytes'
  if (request.method === 'HEAD') {
    response.writeHead(file.status, headers).end()
    return
  }
  // What fails before there is anything to send can still be told.
  const pieces = await begun(file.pieces)
  response.writeHead(file.status, headers)
  try {
    if (gzip) await pipeline(pieces, createGzip({ level: constants.Z_BEST_SPEED }), response)
    else await pipeline(pieces, response)
  } catch (error) {
    // The answer was cut off: its end is missing, and the client sees that.
    if (error instanceof PictureChangedError) log.info({ err: error }, 'a download was cut off')
    else if (isUnavailable(error)) log.warn({ err: error }, 'a download was cut off')
    else if (!hasLeft(error)) log.error({ err: error }, 'a download failed')
  }
}

/** The same pieces, of which the first two are there: the header, and the first that had to be read. */
async function begun(pieces: AsyncGenerator<Buffer>): Promise<AsyncGenerator<Buffer>> {
  const first = await pieces.next()
  const second = first.done === true ? first : await pieces.next()
  return (async function* () {
    for (const { done, value } of [first, second]) if (done !== true) yield value
    yield* pieces
  })()
}

/** Whether an error says that the client wants no more, or was sent away because the service stops. */
function hasLeft(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'AbortError' || ('code' in error && leavingCodes.has(error.code))
}

const leavingCodes = new Set<unknown>([
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_UNABLE_TO_PIPE',
  'ECONNRESET',
  'EPIPE',
])

function acceptsGzip(accepted: string | string[] | undefined): boolean {
  const weights = new Map(
    String(accepted ?? '')
      .toLowerCase()
      .split(',')
      .map((coding) => {
        const [name = '', weight = '1'] = coding.split(/;\s*q=/)
        return [name.trim(), Number(weight)]
      }),
  )
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}

/** How a browser is told to save a file, and under which name. RFC 6266, RFC 8187. */
function attachment(name: string, plain: string): string {
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}

/** A part of a path as it was before it was encoded for an address; one that cannot be is the id of nothing. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (error) {
    if (error instanceof URIError) return ''
    throw error
  }
}

function badInput(message: string) {
  return problem('BAD_USER_INPUT', message)
}

function notFound(what: string) {
  return problem('NOT_FOUND', `There is no ${what} with this id in your account.`)
}

function pictureGone() {
  return problem(
    'NOT_FOUND',
    'The file of this picture is no more: an upload that was in it has been undone, or there is a new release. ' +
      'Download the codes anew, without picture.',
    { http: { status: 410 } },
  )
}
