import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { headerOf, rejectedColumns } from '../codefile/own-file.ts'
import type { Books } from '../domain/books/books.ts'
import {
  isCurrent,
  positionsOf,
  positionsOfTask,
  readSnapshot,
  type Snapshot,
  type StatusFilter,
} from '../domain/pool/snapshot.ts'
import { readRejectedRows, type StoredRejectedRow } from '../domain/upload/rejected-rows.ts'
import type { Credentials } from '../graphql/context.ts'
import { topLevelError } from '../graphql/errors/top-level.ts'
import { argumentId, encodeId } from '../graphql/ids.ts'
import { codesPath } from '../graphql/links.ts'
import { grouped } from '../grouped.ts'
import type { Authentication } from './authentication.ts'
import { CodesFile } from './codes-file.ts'
import {
  badInput,
  checkParameters,
  chooseRange,
  entityTag,
  formatSnapshot,
  formParameters,
  type Range,
  readCodesParameters,
  readForm,
  snapshotGone,
  writeForm,
} from './codes-request.ts'
import { answerPreflight, anyOrigin } from './cross-origin.ts'
import { byteOrderMark, type CsvForm, delimiters, endOfRow, row } from './csv.ts'
import { attachment, type FileAnswer, send } from './file-answer.ts'
import { refuse } from './refusal.ts'

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
const fileHeaders = {
  ...anyOrigin,
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
      if (request.method === 'OPTIONS') answerPreflight(response, methods)
      else await answer(parts, request, response)
    } catch (error) {
      if (!hasLeft(error, response)) refuse(response, error, parts.log)
    }
  }
}

/** Whether an error is that nobody waits for the file any more, as `part` finds out. */
function hasLeft(error: unknown, response: ServerResponse): boolean {
  return response.closed && error instanceof DOMException && error.name === 'AbortError'
}

async function answer(
  parts: DownloadParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const credentials = await parts.authentication.authenticate(request.headers.authorization)
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw topLevelError('BAD_USER_INPUT', 'A file can only be read, with GET or HEAD.', {
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

async function poolCodes(
  { books }: DownloadParts,
  request: IncomingMessage,
  response: ServerResponse,
  credentials: Credentials,
  id: string,
  parameters: URLSearchParams,
): Promise<FileAnswer> {
  const wanted = readCodesParameters(parameters)
  const { status, taskId } = wanted
  mayDownload(status, credentials)
  const { accountId } = credentials
  const poolId = argumentId('Pool', decoded(id), 'the address')
  const now = await readSnapshot(books, accountId, poolId, status)
  if (now === undefined) throw notFound('pool')

  const truth = (snapshot: Snapshot) => isCurrent(books, accountId, poolId, snapshot)
  if (wanted.snapshot !== undefined && !(await truth(wanted.snapshot))) throw snapshotGone()
  const { snapshot, range } = await chooseRange(request, wanted, now.snapshot, truth)

  const { from, to } = await excerptOf(books, accountId, poolId, taskId, positionsOf(snapshot, status))
  if (wanted.from > to - from)
    throw badInput(
      `from is ${grouped(wanted.from)}, and the file has ${grouped(to - from)} codes. Give at most that.`,
    )
  const excerpt = { accountId, poolId, snapshot, from: from + wanted.from, to }
  const file = new CodesFile(books, excerpt, { ...wanted, withHeader: wanted.from === 0n })
  const headers = {
    ...fileHeaders,
    'Content-Disposition': attachment(`${now.poolName} ${status.toLowerCase()}.csv`, 'codes.csv'),
    'Content-Location': codesPath(poolId, status, {
      snapshot: formatSnapshot(snapshot),
      ...(taskId === undefined ? {} : { task: encodeId('Task', taskId) }),
      ...(wanted.from === 0n ? {} : { from: String(wanted.from) }),
      ...writeForm(wanted),
    }),
    ETag: entityTag(wanted, snapshot),
  }
  if (range === undefined) return { status: 200, headers, gzip: true, pieces: file.pieces() }
  return await part(file, range, headers, response)
}

/** Whoever reads an unclaimed code could use it; and whom codes were claimed for is for readers. */
function mayDownload(status: StatusFilter, { scopes }: Credentials): void {
  const needed = { AVAILABLE: ['MANAGE'], CLAIMED: ['READ'], ALL: ['MANAGE', 'READ'] } as const
  const missing = needed[status].find((scope) => !scopes.includes(scope))
  if (missing !== undefined)
    throw topLevelError(
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

/** Some bytes of a file, without all that comes before them. */
async function part(
  file: CodesFile,
  range: Range,
  headers: Record<string, string>,
  response: ServerResponse,
): Promise<FileAnswer> {
  const leaving = new AbortController()
  response.once('close', () => leaving.abort())
  const measure = (offset: bigint) => file.measure(offset, leaving.signal)
  let measured = await measure('suffix' in range ? 0n : range.first)
  const { bytes } = measured
  const from = 'suffix' in range ? (range.suffix < bytes ? bytes - range.suffix : 0n) : range.first
  if (from >= bytes)
    throw topLevelError(
      'BAD_USER_INPUT',
      `The file has ${grouped(bytes)} bytes: there are none at ${grouped(from)}.`,
      {
        http: { status: 416, headers: { 'Content-Range': `bytes */${bytes}` } },
      },
    )
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
    pieces: file.slice(from, to, measured.start),
  }
}

async function rejectedRows(
  { books }: DownloadParts,
  { accountId, scopes }: Credentials,
  id: string,
  parameters: URLSearchParams,
): Promise<FileAnswer> {
  const form = readForm(checkParameters(parameters, formParameters))
  if (!scopes.includes('READ'))
    throw topLevelError(
      'FORBIDDEN',
      'This API key lacks the scope READ, which a file of rejected rows needs.',
    )
  const pages = await readRejectedRows(books, accountId, argumentId('Task', decoded(id), 'the address'))
  if (pages === undefined) throw notFound('upload')
  return {
    status: 200,
    headers: { ...fileHeaders, 'Content-Disposition': attachment('rejected.csv', 'rejected.csv') },
    gzip: true,
    pieces: writeRejectedRows(pages, form),
  }
}

async function* writeRejectedRows(
  pages: AsyncIterable<StoredRejectedRow[]>,
  form: CsvForm,
): AsyncGenerator<Buffer> {
  const header = headerOf(rejectedColumns, form.raw, delimiters[form.delimiter]) + endOfRow
  yield Buffer.from((form.bom ? byteOrderMark : '') + header)
  for await (const page of pages)
    yield Buffer.from(page.map(({ number, code, reason }) => row([number, code, reason], form)).join(''))
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

function notFound(what: string) {
  return topLevelError('NOT_FOUND', `There is no ${what} with this id in your account.`)
}
