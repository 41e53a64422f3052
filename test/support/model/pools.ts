import { availableForGeneration } from './formats.ts'
import {
  type ClaimModel,
  type FormatModel,
  type Model,
  type PoolModel,
  type PositionModel,
  type Section,
  type TermsModel,
  the,
} from './state.ts'

const noTerms: TermsModel = {
  issueFrom: undefined,
  issueUntil: undefined,
  validUntil: undefined,
  validFor: undefined,
  onePerRecipient: false,
  renewAfter: [],
}

export function addPool(model: Model, id: string): void {
  model.pools.push({
    id,
    line: [],
    withdrawn: [],
    claims: [],
    voided: new Set(),
    claimed: 0,
    moves: 0,
    stock: [],
    lastChangeAt: undefined,
    terms: noTerms,
    archived: false,
    section: undefined,
    refillFailed: false,
  })
  model.events.push('POOL_CREATED')
}

export function available(pool: PoolModel): number {
  return pool.line.length - pool.claimed
}

export function thresholdOf(pool: PoolModel): number {
  return pool.section?.threshold ?? 0
}

/** The time of what is done to a line now. */
export function lineTime(model: Model, pool: PoolModel): number {
  return Math.max(model.now, pool.lastChangeAt ?? model.now)
}

/** Notes the stock after a change, and how many codes a task has added by it. */
export function noteStock(model: Model, pool: PoolModel, added: number): void {
  const at = lineTime(model, pool)
  pool.lastChangeAt = at
  pool.stock.push({ at, total: pool.line.length, added: (pool.stock.at(-1)?.added ?? 0) + added })
}

/** Saves terms. Returns whether they are accepted. */
export function saveTerms(model: Model, pool: PoolModel, terms: TermsModel): boolean {
  const { issueFrom, issueUntil, validUntil } = terms
  if (
    issueFrom !== undefined &&
    (issueFrom >= (issueUntil ?? Infinity) || issueFrom >= (validUntil ?? Infinity))
  )
    return false
  if (JSON.stringify(terms) === JSON.stringify(pool.terms)) return true
  if (pool.section?.autoGenerate === true && isOver(model, terms)) return false
  pool.terms = terms
  model.events.push('POOL_CHANGED')
  return true
}

/** Whether no code of such a pool is good any more. */
export function isOver(model: Model, { validUntil }: TermsModel): boolean {
  return (validUntil ?? Infinity) <= model.now
}

export function setArchived(model: Model, pool: PoolModel, archived: boolean): void {
  if (pool.archived !== archived) model.events.push('POOL_CHANGED')
  pool.archived = archived
}

/** Saves the Promo Codes section of a pool, possibly unchanged. */
export function saveSection(model: Model, pool: PoolModel, section: Section): void {
  if (JSON.stringify(pool.section) !== JSON.stringify(section)) model.events.push('POOL_CHANGED')
  pool.section = section
  pool.refillFailed = false
}

/** Gives the next free codes of a format to a pool. */
export function lay(
  model: Model,
  pool: PoolModel,
  format: FormatModel,
  { quantity, task }: { quantity: number; task: string | undefined },
): void {
  for (let left = quantity; left > 0; format.next++) {
    // A hole that is passed over stays taken.
    format.pending.delete(format.next)
    if (format.state[format.next] !== 'free') continue
    format.state[format.next] = 'given'
    const code = format.codes[format.next] as string
    pool.line.push({ source: format.id, index: format.next, code, task })
    left -= 1
  }
  noteStock(model, pool, quantity)
}

function canRefill(model: Model, pool: PoolModel): pool is PoolModel & { section: Section } {
  return pool.section?.autoGenerate === true && !pool.archived && !isOver(model, pool.terms)
}

/** Whether a stock of `rest` calls for a refill. */
export function asksForMore(model: Model, pool: PoolModel, rest: number): boolean {
  if (!canRefill(model, pool) || rest > pool.section.threshold) return false
  return !(pool.refillFailed && availableForGeneration(the(model.formats, pool.section.formatId)) === 0)
}

/** Refills a pool for a claim of `needed` codes, one quantity after the other. */
export function refill(model: Model, pool: PoolModel, needed: number): void {
  if (!canRefill(model, pool)) return
  const { formatId, quantity, threshold } = pool.section
  const format = the(model.formats, formatId)
  let wanted = 0
  while (available(pool) + wanted - needed <= threshold) wanted += quantity
  if (wanted === 0) return
  const given = Math.min(wanted, availableForGeneration(format))
  if (given > 0) {
    lay(model, pool, format, { quantity: given, task: undefined })
    model.events.push('TASK_STATUS_CHANGED', 'POOL_REFILLED')
  }
  if (given === wanted) pool.refillFailed = false
  else if (!pool.refillFailed) {
    pool.refillFailed = true
    model.events.push('POOL_REFILL_FAILED')
  }
}

export function tellShortage(model: Model, pool: PoolModel, before: number): void {
  const [after, threshold] = [available(pool), thresholdOf(pool)]
  if (threshold > 0 && before > threshold && after <= threshold) model.events.push('POOL_LOW')
  if (before > 0 && after === 0) model.events.push('POOL_EMPTY')
}

/** Withdraws the available codes of a pool, or those of a task. Returns their number. */
export function withdraw(
  model: Model,
  pool: PoolModel,
  { task, keepAutoGenerate }: { task: string | undefined; keepAutoGenerate: boolean },
): number {
  const before = available(pool)
  const leaving = pool.line.filter((one, position) => position >= pool.claimed && isOf(one, task))
  if (leaving.length > 0) {
    pool.line = pool.line.filter((one) => !leaving.includes(one))
    pool.withdrawn.push(...leaving)
    noteMove(model, pool)
    model.events.push('CODES_WITHDRAWN')
  }
  if (!keepAutoGenerate && pool.section?.autoGenerate === true)
    saveSection(model, pool, { ...pool.section, autoGenerate: false })
  if (leaving.length > 0) refillAfterLoss(model, pool, before)
  return leaving.length
}

/** Restores the withdrawn codes of a pool, or those of a task. Returns their number. */
export function restore(model: Model, pool: PoolModel, task: string | undefined): number {
  const back = pool.withdrawn.filter((one) => isOf(one, task))
  if (back.length === 0) return 0
  pool.withdrawn = pool.withdrawn.filter((one) => !back.includes(one))
  pool.line.push(...back)
  noteMove(model, pool)
  model.events.push('CODES_RESTORED')
  return back.length
}

/** Removes the codes of an upload, none of which has been claimed. */
export function remove(model: Model, pool: PoolModel, upload: string): void {
  const before = available(pool)
  const codes = pool.line.length + pool.withdrawn.length
  pool.line = pool.line.filter(({ source }) => source !== upload)
  pool.withdrawn = pool.withdrawn.filter(({ source }) => source !== upload)
  if (pool.line.length + pool.withdrawn.length === codes) return
  noteMove(model, pool)
  if (available(pool) < before) refillAfterLoss(model, pool, before)
}

function isOf(position: PositionModel, task: string | undefined): boolean {
  return task === undefined || position.task === task
}

function noteMove(model: Model, pool: PoolModel): void {
  pool.moves += 1
  noteStock(model, pool, 0)
}

function refillAfterLoss(model: Model, pool: PoolModel, before: number): void {
  if (asksForMore(model, pool, available(pool))) refill(model, pool, 0)
  tellShortage(model, pool, before)
}

/** The claim that holds a position. */
export function claimAt(pool: PoolModel, position: number): ClaimModel | undefined {
  return pool.claims.find(({ first, count }) => first <= position && position < first + count)
}
