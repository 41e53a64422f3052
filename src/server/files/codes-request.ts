import type { IncomingMessage } from 'node:http'
import type { ClaimRef } from '../../domain/pool/claim-rows.ts'
import type { Snapshot, StatusFilter } from '../../domain/pool/snapshot.ts'
import { argumentClaim, argumentId } from '../../graphql/ids.ts'
import { quoted } from '../../quoted.ts'
import { Parameters } from '../../routes.ts'
import { badRequest, notFound } from '../http/errors.ts'
import { fileVersion } from './codes-file.ts'
import { type CsvForm, type DelimiterName, delimitersByName } from './csv.ts'

/** Reads requests for files of codes: their parameters, their snapshot, and their byte ranges. */

/** Which codes, in which form. */
export interface CodesParameters extends CsvForm {
  status: StatusFilter
  /** Only the codes that this task added. */
  taskId: string | undefined
  /** Only the codes of this claim; only with the status CLAIMED. */
  claim: ClaimRef | undefined
  /** The number of codes left out at the beginning. If it is not 0, the header is left out too. */
  from: bigint
  /** The snapshot to read; the current one if undefined. */
  snapshot: Snapshot | undefined
}

const formParameters = ['raw', 'bom', 'delimiter'] as const

const codesParameters = ['status', 'task', 'claim', 'from', 'snapshot', ...formParameters]

// `picture` is the old name of `snapshot`, for links of earlier releases.
const formerParameters = ['picture']

export function readCodesParameters(search: string): CodesParameters {
  const given = new Parameters(search, codesParameters, invalidParameter, { former: formerParameters })
  const status = given.text('status')
  if (status !== 'AVAILABLE' && status !== 'CLAIMED' && status !== 'WITHDRAWN' && status !== 'ALL')
    throw given.invalid('status', 'is AVAILABLE, CLAIMED, WITHDRAWN or ALL')
  const from = given.text('from') ?? '0'
  if (!/^\d{1,40}$/.test(from)) throw given.invalid('from', 'is the number of codes to leave out, 0 or more')
  const picture = given.text('picture')
  if (picture !== undefined && given.text('snapshot') !== undefined)
    throw badRequest('picture is the old name of snapshot. Give one of them.')
  const snapshot = given.text('snapshot') ?? picture
  const read = snapshot === undefined ? undefined : parseSnapshot(snapshot)
  if (snapshot !== undefined && read === undefined)
    throw badRequest('snapshot is not valid. Copy it from the header Content-Location of an earlier answer.')
  if (from !== '0' && read === undefined && status !== 'CLAIMED')
    throw badRequest(
      'from needs snapshot, because codes that are not claimed can move. Copy it from the header Content-Location of the answer to continue.',
    )
  const task = given.text('task')
  const claim = given.text('claim')
  if (claim !== undefined && task !== undefined) throw badRequest('Give task or claim, not both.')
  if (claim !== undefined && status !== 'CLAIMED')
    throw badRequest('The codes of a claim are all claimed: with claim, status is CLAIMED.')
  return {
    status,
    ...readForm(given),
    taskId: task === undefined ? undefined : argumentId('Task', task, 'task'),
    claim: claim === undefined ? undefined : argumentClaim(claim, 'claim'),
    from: BigInt(from),
    snapshot: read,
  }
}

/** The form of a file of rejected rows. */
export function readRejectedRowsForm(search: string): CsvForm {
  return readForm(new Parameters(search, formParameters, invalidParameter))
}

function readForm(given: Parameters): CsvForm {
  const delimiter = given.text('delimiter') ?? 'comma'
  if (!isDelimiter(delimiter))
    throw given.invalid('delimiter', `is one of ${Object.keys(delimitersByName).join(', ')}`)
  return { raw: given.flag('raw') ?? false, bom: given.flag('bom') ?? false, delimiter }
}

function invalidParameter(_name: string, message: string) {
  return badRequest(message)
}

function isDelimiter(name: string): name is DelimiterName {
  return Object.hasOwn(delimitersByName, name)
}

/** The parameters of a form, without defaults. */
export function writeForm({ raw, bom, delimiter }: CsvForm): Record<string, string> {
  return {
    ...(raw ? { raw: 'true' } : {}),
    ...(bom ? { bom: 'true' } : {}),
    ...(delimiter === 'comma' ? {} : { delimiter }),
  }
}

/**
 * A snapshot as the parameter of a link: "3-7-1764126000000-250-1000-10-2" are `fileVersion`, usage, the time in milliseconds,
 * claimed, total, withdrawn and line version. Those of claimed codes alone end with `claimed`.
 */
export function formatSnapshot(snapshot: Snapshot): string {
  const { usage, at, claimed, total, withdrawn, lineVersion } = snapshot
  const others = total === claimed && withdrawn === 0n ? [] : [total, withdrawn, lineVersion]
  return [fileVersion, usage, at.getTime(), claimed, ...others].join('-')
}

function parseSnapshot(text: string): Snapshot | undefined {
  // Files of other versions cannot be written.
  const version = /^(\d{1,9})-\d/.exec(text)?.[1]
  if (version !== undefined && version !== String(fileVersion)) throw snapshotGone()
  const numbers = /^\d+-(\d{1,18})-(\d{1,15})-(\d{1,40})(?:-(\d{1,40})-(\d{1,40})-(\d{1,18}))?$/.exec(text)
  if (numbers === null) return undefined
  const [, usage = '', at, claimed = '', total = claimed, withdrawn = '0', lineVersion = '0'] = numbers
  return {
    usage: BigInt(usage),
    at: new Date(Number(at)),
    claimed: BigInt(claimed),
    total: BigInt(total),
    withdrawn: BigInt(withdrawn),
    lineVersion: BigInt(lineVersion),
  }
}

/** The ETag of a file. Different files of the same link have different ones. */
export function entityTag(wanted: CodesParameters, snapshot: Snapshot): string {
  return `${tagPrefix(wanted)}${formatSnapshot(snapshot)}"`
}

function tagPrefix({ status, raw, bom, delimiter }: CodesParameters): string {
  const form = [raw && 'raw', bom && 'bom', delimiter !== 'comma' && delimiter]
  return `"${[status, ...form].filter(Boolean).join('-')}-`
}

/** The snapshot in an entity tag, if it is the tag of such a file. */
function snapshotOfTag(wanted: CodesParameters, tag: string): Snapshot | undefined {
  const prefix = `${tagPrefix(wanted)}${fileVersion}-`
  return tag.startsWith(prefix) && tag.endsWith('"')
    ? parseSnapshot(`${fileVersion}-${tag.slice(prefix.length, -1)}`)
    : undefined
}

/** Bytes `first` to `last` of a file, inclusive, or to its end; or the last `suffix` bytes. */
export type Range = { first: bigint; last: bigint | undefined } | { suffix: bigint }

/**
 * The snapshot and the range of bytes that a request asks for; no range for the whole file.
 *
 * A range without a snapshot or an If-Range is ignored, which clients see by the status 200: otherwise they would continue with
 * a different file. Rows change even in files of claimed codes: when a code is redeemed, becomes void or expires.
 */
export async function chooseRange(
  request: IncomingMessage,
  wanted: CodesParameters,
  now: Snapshot,
  isCurrent: (snapshot: Snapshot) => Promise<boolean>,
): Promise<{ snapshot: Snapshot; range: Range | undefined }> {
  const snapshot = wanted.snapshot ?? now
  const range = readRange(request)
  if (range === undefined) return { snapshot, range }
  const { 'if-range': condition } = request.headers
  if (condition === undefined) return { snapshot, range: wanted.snapshot === undefined ? undefined : range }
  if (condition === entityTag(wanted, snapshot)) return { snapshot, range }
  const named = wanted.snapshot === undefined ? snapshotOfTag(wanted, String(condition)) : undefined
  if (named === undefined || !(await isCurrent(named))) return { snapshot, range: undefined }
  return { snapshot: named, range }
}

/** The range of a request, if any. For several ranges the whole file is sent, as RFC 9110 permits. */
function readRange({ method, headers: { range: text } }: IncomingMessage): Range | undefined {
  if (method !== 'GET' || text === undefined || !/^bytes=/i.test(text) || text.includes(',')) return undefined
  const [, first = '', last = ''] = /^bytes=(\d{0,40})-(\d{0,40})$/i.exec(text) ?? []
  if (first === '' && last !== '') return { suffix: BigInt(last) }
  if (first === '' || (last !== '' && BigInt(last) < BigInt(first)))
    throw badRequest(
      `Range is "bytes=<first>-", "bytes=<first>-<last>" or "bytes=-<number of bytes at the end>", not ${quoted(text)}.`,
    )
  return { first: BigInt(first), last: last === '' ? undefined : BigInt(last) }
}

export function snapshotGone() {
  return notFound(
    'The file of this snapshot no longer exists: codes of the pool were withdrawn or restored, an upload was undone, a ' +
      'recipient was forgotten, or the file format has changed. Download the codes again, without snapshot.',
    410,
  )
}
