import { typedKey } from '../../src/codespace/typed-form.ts'

/*
 * A model of the books: lists and counting, with none of the service's own code. It is plain data, so that it can be copied
 * to try something.
 */

export interface FormatModel {
  id: string
  /** Its codes in their secret order. */
  codes: string[]
  /** Of each index: free, given to a pool, or a hole, which belongs or belonged to an uploaded code. */
  state: ('free' | 'given' | 'hole')[]
  /** All indices before it have been given or passed over. */
  next: number
  reserved: number
  /** The holes that a worker has not taken yet: codes that were uploaded before the format was created. */
  pending: Set<number>
  /** The last code that the worker has looked at; '' at the beginning, undefined at the end. */
  lookedAt: string | undefined
}

/** A position of a line: its code and the origin of that. */
export interface PositionModel {
  source: string
  index: number
  code: string
}

export interface PoolModel {
  id: string
  line: PositionModel[]
  claimed: number
  /** The Promo Codes section as it was saved. */
  section: Section | undefined
  /** Its settings of automatic refills, if they are on. */
  settings: { formatId: string; quantity: number; threshold: number } | undefined
  threshold: number
  refillFailed: boolean
}

export interface Section {
  formatId: string
  quantity: number
  threshold: number
  autoGenerate: boolean
}

export type Status = 'AWAITING_EXECUTION' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'UNDONE'

export interface GenerationModel {
  id: string
  poolId: string
  formatId: string
  quantity: number
  status: Status
}

export interface UploadModel {
  id: string
  poolId: string
  dryRun: boolean
  status: Status
  /** The codes that it has accepted, in their order. */
  accepted: string[]
  /** How many of them are still kept, as codes, or by a dry run to recognise duplicates. */
  kept: number
  duplicatesInFile: number
  duplicatesInAccount: number
  refused: number
  hasWork: boolean
}

export interface Model {
  formats: FormatModel[]
  pools: PoolModel[]
  generations: GenerationModel[]
  uploads: UploadModel[]
  /** Every uploaded code that is kept, and the upload that brought it. */
  uploaded: Map<string, string>
  /** The claims with an idempotency key that were served. */
  claims: { poolId: string; count: number; key: string; codes: PositionModel[] }[]
  events: string[]
}

export function emptyModel(): Model {
  return {
    formats: [],
    pools: [],
    generations: [],
    uploads: [],
    uploaded: new Map(),
    claims: [],
    events: [],
  }
}

/** The item of a list with this id. */
export function the<T extends { id: string }>(list: readonly T[], id: string): T {
  const found = list.find((one) => one.id === id)
  if (found === undefined) throw new Error(`There is no ${id}.`)
  return found
}

function count(format: FormatModel, state: 'free' | 'given' | 'hole', from = 0): number {
  return format.state.filter((one, index) => one === state && index >= from).length
}

/** What a new task could generate. */
export function availableForGeneration(format: FormatModel): number {
  return count(format, 'free') - format.reserved
}

export function generatedOf(format: FormatModel): number {
  return count(format, 'given')
}

export function takenAheadOf(format: FormatModel): number {
  return count(format, 'hole', format.next)
}

/** The indices of a format that are in `taken` now. */
export function takenOf(format: FormatModel): number[] {
  return format.state.flatMap((one, index) => (one === 'hole' && !format.pending.has(index) ? [index] : []))
}

export function available(pool: PoolModel): number {
  return pool.line.length - pool.claimed
}

/** Adds a format, which leaves out what was uploaded before; `limit` of that is looked at at once. */
export function addFormat(model: Model, id: string, codes: string[], limit: number): void {
  const state = codes.map((code) => (model.uploaded.has(code) ? 'hole' : 'free'))
  const format: FormatModel = {
    id,
    codes,
    state,
    next: 0,
    reserved: 0,
    pending: new Set([...state.keys()].filter((index) => state[index] === 'hole')),
    lookedAt: state.includes('hole') ? '' : undefined,
  }
  model.formats.push(format)
  lookOn(model, format, limit)
}

/** Looks at the next uploaded codes of the account, and takes those that are of a format. */
export function lookOn(model: Model, format: FormatModel, limit: number): void {
  const from = format.lookedAt
  if (from === undefined) return
  const rest = [...model.uploaded.keys()].filter((code) => from === '' || order(code, from) > 0).sort(order)
  const page = rest.slice(0, limit)
  for (const code of page) format.pending.delete(format.codes.indexOf(code))
  format.lookedAt = page.length < limit ? undefined : page.at(-1)
}

/** The uploaded codes in the order of their keys. */
function order(code: string, other: string): number {
  const [key, otherKey] = [typedKey(code), typedKey(other)]
  if (key === otherKey) return code < other ? -1 : code > other ? 1 : 0
  return key < otherKey ? -1 : 1
}

export function addPool(model: Model, id: string): void {
  const unset = { section: undefined, settings: undefined, threshold: 0, refillFailed: false }
  model.pools.push({ id, line: [], claimed: 0, ...unset })
  model.events.push('POOL_CREATED')
}

/** Saves the Promo Codes section of a pool, possibly unchanged. */
export function saveSection(model: Model, pool: PoolModel, section: Section): void {
  if (JSON.stringify(pool.section) !== JSON.stringify(section)) model.events.push('POOL_CHANGED')
  const { formatId, quantity, threshold, autoGenerate } = section
  const settings = autoGenerate ? { formatId, quantity, threshold } : undefined
  Object.assign(pool, { section, settings, threshold, refillFailed: false })
}

export function addUpload(model: Model, id: string, poolId: string, dryRun: boolean): void {
  const none = { kept: 0, duplicatesInFile: 0, duplicatesInAccount: 0, refused: 0 }
  model.uploads.push({ id, poolId, dryRun, status: 'RUNNING', accepted: [], hasWork: true, ...none })
  model.events.push('TASK_STATUS_CHANGED', 'TASK_STATUS_CHANGED')
}

/** Gives the next free codes of a format to a pool. */
export function lay(pool: PoolModel, format: FormatModel, quantity: number): void {
  for (let left = quantity; left > 0; format.next++) {
    // A hole that is passed over stays taken.
    format.pending.delete(format.next)
    if (format.state[format.next] !== 'free') continue
    format.state[format.next] = 'given'
    pool.line.push({ source: format.id, index: format.next, code: format.codes[format.next] as string })
    left -= 1
  }
}

/** Refills a pool for a claim of `needed` codes, one quantity after the other. */
export function refill(model: Model, pool: PoolModel, needed: number): void {
  if (pool.settings === undefined) return
  const { formatId, quantity } = pool.settings
  const format = the(model.formats, formatId)
  let wanted = 0
  while (available(pool) + wanted - needed <= pool.threshold) wanted += quantity
  if (wanted === 0) return
  const given = Math.min(wanted, availableForGeneration(format))
  if (given > 0) {
    lay(pool, format, given)
    model.events.push('TASK_STATUS_CHANGED', 'POOL_REFILLED')
  }
  if (given === wanted) pool.refillFailed = false
  else if (!pool.refillFailed) {
    pool.refillFailed = true
    model.events.push('POOL_REFILL_FAILED')
  }
}

/** Whether a stock of `rest` calls for a refill. */
export function asksForMore(model: Model, pool: PoolModel, rest: number): boolean {
  if (pool.settings === undefined || rest > pool.threshold) return false
  return !(pool.refillFailed && availableForGeneration(the(model.formats, pool.settings.formatId)) === 0)
}

export function tellShortage(model: Model, pool: PoolModel, before: number): void {
  const after = available(pool)
  if (pool.threshold > 0 && before > pool.threshold && after <= pool.threshold) model.events.push('POOL_LOW')
  if (before > 0 && after === 0) model.events.push('POOL_EMPTY')
}

/** Decides about the rows of a file, one after the other. */
export function readRows(model: Model, upload: UploadModel, codes: readonly string[]): void {
  for (const code of codes) {
    const format = model.formats.find((one) => one.codes.includes(code))
    const state = format?.state[format.codes.indexOf(code)]
    if (upload.accepted.includes(code)) upload.duplicatesInFile += 1
    else if (model.uploaded.has(code) || state === 'given') upload.duplicatesInAccount += 1
    else if (format && state === 'free' && availableForGeneration(format) <= wouldTake(upload, format))
      upload.refused += 1
    else {
      upload.accepted.push(code)
      upload.kept += 1
      if (upload.dryRun) continue
      model.uploaded.set(code, upload.id)
      if (format) format.state[format.codes.indexOf(code)] = 'hole'
    }
  }
}

/** How many free codes of a format a dry run has accepted. */
function wouldTake(upload: UploadModel, format: FormatModel): number {
  if (!upload.dryRun) return 0
  return upload.accepted.filter((code) => format.state[format.codes.indexOf(code)] === 'free').length
}

export function complete(model: Model, upload: UploadModel): void {
  const { accepted, duplicatesInFile, duplicatesInAccount, refused } = upload
  const isRefused = refused > 0 && accepted.length + duplicatesInFile + duplicatesInAccount === 0
  upload.status = isRefused ? 'FAILED' : 'COMPLETED'
  model.events.push('TASK_STATUS_CHANGED')
  if (upload.dryRun || accepted.length === 0) return
  const pool = the(model.pools, upload.poolId)
  pool.line.push(...accepted.map((code, index) => ({ source: upload.id, index, code })))
  pool.refillFailed = false
  model.events.push('POOL_REFILLED')
}

/** Whether an upload can be undone. */
export function canUndo(model: Model, upload: UploadModel): boolean {
  const { line, claimed } = the(model.pools, upload.poolId)
  const isClaimed = line.slice(0, claimed).some(({ source }) => source === upload.id)
  return upload.status === 'COMPLETED' && !upload.dryRun && !isClaimed
}

export function undo(model: Model, upload: UploadModel): void {
  const pool = the(model.pools, upload.poolId)
  const before = available(pool)
  upload.status = 'UNDONE'
  upload.hasWork = true
  model.events.push('TASK_STATUS_CHANGED')
  if (upload.accepted.length === 0) return
  pool.line = pool.line.filter(({ source }) => source !== upload.id)
  if (asksForMore(model, pool, available(pool))) refill(model, pool, 0)
  tellShortage(model, pool, before)
}

/** Removes codes of an upload that has ended, the last ones first. Returns whether there may be more. */
export function clear(model: Model, upload: UploadModel, limit: number): boolean {
  if (upload.status === 'RUNNING' || upload.status === 'AWAITING_EXECUTION') return false
  const codes = upload.accepted.slice(Math.max(upload.kept - limit, 0), upload.kept)
  if ((upload.status === 'COMPLETED' && !upload.dryRun) || codes.length === 0) {
    upload.hasWork = false
    return false
  }
  upload.kept -= codes.length
  if (upload.dryRun) return true
  for (const code of codes) {
    model.uploaded.delete(code)
    const format = model.formats.find((one) => one.codes.includes(code))
    const index = format?.codes.indexOf(code) ?? 0
    // What was passed over stays taken.
    if (!format || index < format.next) continue
    format.state[index] = 'free'
    format.pending.delete(index)
  }
  return true
}
