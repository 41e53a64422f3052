import type { IncomingMessage, ServerResponse } from 'node:http'
import { create as contentDisposition } from 'content-disposition'
import type { Logger } from 'pino'
import { min } from '../../bigint.ts'
import { headerOf, rejectedColumns } from '../../codefile/own-file.ts'
import type { Books } from '../../domain/books/books.ts'
import { codes, noSuch } from '../../domain/books/errors.ts'
import { readClaims } from '../../domain/pool/claim-rows.ts'
import { common, countOf, type LaneRange, withoutFirst } from '../../domain/pool/ranges.ts'
import {
  isCurrent,
  rangesOfStatus,
  rangesOfTask,
  readSnapshot,
  type Snapshot,
} from '../../domain/pool/snapshot.ts'
import { readRejectedRows, type StoredRejectedRow } from '../../domain/upload/rejected-rows.ts'
import { SnapshotChangedError } from '../../domain/usage/line-reader.ts'
import type { Credentials } from '../../graphql/context.ts'
import { requireScope } from '../../graphql/field-rules.ts'
import { argumentId, claimKey, encodeId } from '../../graphql/ids.ts'
import { scopeOfRows } from '../../graphql/task.ts'
import { grouped } from '../../grouped.ts'
import { codesPath } from '../../routes.ts'
import type { Authentication } from '../authentication.ts'
import { anyOrigin } from '../http/cross-origin.ts'
import { badRequest, notFound } from '../http/errors.ts'
import type { Route, Routes, Target } from '../http/server.ts'
import { CodesFile } from './codes-file.ts'
import {
  type CodesParameters,
  chooseRange,
  entityTag,
  formatSnapshot,
  type Range,
  readCodesParameters,
  readRejectedRowsForm,
  snapshotGone,
  writeForm,
} from './codes-request.ts'
import { byteOrderMark, type CsvForm, delimitersByName, endOfRow, row } from './csv.ts'
import { DownloadLimit } from './download-limit.ts'
import { type FileAnswer, sendFile } from './file-answer.ts'

export interface DownloadParts {
  books: Books
  authentication: Authentication
  log: Logger
}

const methods = 'GET, HEAD, OPTIONS'
const fileHeaders = {
  ...anyOrigin,
  'Content-Type': 'text/csv; charset=utf-8; header=present',
  // Codes are worth money: no cache may store them.
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  Vary: 'Accept-Encoding',
}

/** The routes of files: a pool's codes, and the rejected rows of an upload. */
export function downloadRoutes(parts: DownloadParts): Routes {
  const limit = new DownloadLimit()
  return {
    codesFile: fileRoute(parts, limit, poolCodes),
    rejectedRowsFile: fileRoute(parts, limit, rejectedRows),
  }
}

interface FileRequest extends Target {
  request: IncomingMessage
  response: ServerResponse
  credentials: Credentials
}

function fileRoute(
  parts: DownloadParts,
  limit: DownloadLimit,
  open: (parts: DownloadParts, file: FileRequest) => Promise<FileAnswer>,
): Route {
  return {
    methods,
    async answer(request, response, target) {
      const credentials = await parts.authentication.authenticateRequest(request)
      target.record.keyId = credentials.keyId
      if (request.method !== 'GET' && request.method !== 'HEAD')
        throw badRequest('A file can only be read, with GET or HEAD.', 405, { Allow: methods })
      try {
        await limit.run(credentials.keyId, async () => {
          const file = await open(parts, { ...target, request, response, credentials })
          await sendFile(request, response, file, parts.log.child({ requestId: target.record.id }))
        })
      } catch (error) {
        // `answerRange` is aborted when the client leaves.
        const isAbort = error instanceof DOMException && error.name === 'AbortError'
        if (isAbort && response.closed) return
        throw error instanceof SnapshotChangedError ? snapshotGone() : error
      }
    },
  }
}

async function poolCodes(
  { books }: DownloadParts,
  { request, response, credentials, id, search }: FileRequest,
): Promise<FileAnswer> {
  const wanted = readCodesParameters(search)
  const { status, taskId, claim } = wanted
  const what = `a file of ${status === 'ALL' ? 'all' : `the ${status.toLowerCase()}`} codes`
  for (const scope of scopesFor[status]) requireScope(credentials, scope, what)
  const { accountId } = credentials
  const poolId = argumentId('Pool', id, 'the pool id in the address')
  const now = await readSnapshot(books, accountId, poolId, status)
  if (now === undefined) throw notFound(noSuch('pool'))
  const part = await partOf(books, accountId, poolId, wanted)

  const check = (snapshot: Snapshot) => isCurrent(books, accountId, poolId, snapshot)
  if (wanted.snapshot !== undefined && !(await check(wanted.snapshot))) throw snapshotGone()
  const { snapshot, range } = await chooseRange(request, wanted, now.snapshot, check)

  const all = rangesOfStatus(snapshot, status)
  const ranges = part === undefined ? all : common(all, part.ranges)
  const count = countOf(ranges)
  if (wanted.from > count)
    throw badRequest(
      `from is ${grouped(wanted.from)}, but the file has ${count === 0n ? '' : 'only '}${codes(count)}.`,
    )
  const excerpt = { accountId, poolId, snapshot, ranges: withoutFirst(ranges, wanted.from) }
  const file = new CodesFile(books, excerpt, { ...wanted, withHeader: wanted.from === 0n })
  const headers = {
    ...fileHeaders,
    'Content-Disposition': contentDisposition(`${now.poolName} ${part?.name ?? status.toLowerCase()}.csv`, {
      fallback: 'codes.csv',
    }),
    'Content-Location': codesPath(encodeId('Pool', poolId), {
      status,
      snapshot: formatSnapshot(snapshot),
      ...(taskId === undefined ? {} : { task: encodeId('Task', taskId) }),
      ...(claim === undefined ? {} : { claim: encodeId('Claim', claimKey(claim)) }),
      ...(wanted.from === 0n ? {} : { from: String(wanted.from) }),
      ...writeForm(wanted),
    }),
    ETag: entityTag(wanted, snapshot),
  }
  if (range === undefined) return { status: 200, headers, gzip: true, pieces: file.pieces() }
  return await answerRange(file, range, headers, response)
}

// An available code can be used by everyone who sees it; recipients are for readers.
const scopesFor = {
  AVAILABLE: ['MANAGE'],
  CLAIMED: ['READ'],
  WITHDRAWN: ['MANAGE'],
  ALL: ['MANAGE', 'READ'],
} as const

/** The codes of the task or the claim that a request asks for, and how the file's name says it; undefined without either. */
async function partOf(
  books: Books,
  accountId: string,
  poolId: string,
  { taskId, claim: wanted, status }: CodesParameters,
): Promise<{ ranges: LaneRange[]; name: string } | undefined> {
  if (taskId !== undefined) {
    const ranges = await rangesOfTask(books, accountId, poolId, taskId)
    if (ranges === undefined) throw notFound(noSuch('task of this pool'))
    return { ranges, name: status.toLowerCase() }
  }
  if (wanted === undefined) return undefined
  const { first } = wanted
  const [claim] =
    wanted.poolId === poolId ? await readClaims(books, accountId, poolId, first, first + 1n) : []
  if (claim?.first !== first) throw notFound(noSuch('claim of this pool'))
  const to = first + claim.count
  const day = claim.at.toISOString().slice(0, 10)
  // Claims may have one time, but no two have the same codes: their files in one folder need names that differ.
  return { ranges: [{ lane: 'LINE', from: first, to }], name: `claimed ${day} codes ${first + 1n}-${to}` }
}

/** A range of a file's bytes. Most of the rows before it are measured, not written. */
async function answerRange(
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
    throw badRequest(
      `The range begins at byte ${grouped(from)}, but the file ${bytes === 0n ? 'is empty' : `has only ${grouped(bytes)} bytes`}.`,
      416,
      {
        'Content-Range': `bytes */${bytes}`,
      },
    )
  if ('suffix' in range) measured = await measure(from)
  const to = 'suffix' in range || range.last === undefined ? bytes : min(bytes, range.last + 1n)
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
  { credentials, id, search }: FileRequest,
): Promise<FileAnswer> {
  const form = readRejectedRowsForm(search)
  // A row that was not added may be an available code, above all if the file was uploaded twice.
  requireScope(credentials, scopeOfRows, 'a file of rejected rows')
  const taskId = argumentId('Task', id, 'the task id in the address')
  const pages = await readRejectedRows(books, credentials.accountId, taskId)
  if (pages === undefined) throw notFound(noSuch('upload'))
  return {
    status: 200,
    headers: { ...fileHeaders, 'Content-Disposition': contentDisposition('rejected.csv') },
    gzip: true,
    pieces: writeRejectedRows(pages, form),
  }
}

async function* writeRejectedRows(
  pages: AsyncIterable<StoredRejectedRow[]>,
  form: CsvForm,
): AsyncGenerator<Buffer> {
  const header = headerOf(rejectedColumns, form.raw, delimitersByName[form.delimiter]) + endOfRow
  yield Buffer.from((form.bom ? byteOrderMark : '') + header)
  for await (const page of pages)
    yield Buffer.from(page.map(({ number, code, reason }) => row([number, code, reason], form)).join(''))
}
