import { availableForGeneration } from './formats.ts'
import { noteStock, remove } from './pools.ts'
import { type FormatModel, type Model, the, type UploadModel } from './state.ts'

export function addUpload(model: Model, id: string, poolId: string, dryRun: boolean): void {
  const none = { kept: 0, duplicatesInFile: 0, duplicatesInAccount: 0, refused: 0 }
  model.uploads.push({ id, poolId, dryRun, status: 'RUNNING', accepted: [], hasWork: true, ...none })
  model.events.push('TASK_STATUS_CHANGED', 'TASK_STATUS_CHANGED')
}

export function rowsRead(upload: UploadModel): number {
  const { accepted, duplicatesInFile, duplicatesInAccount, refused } = upload
  return accepted.length + duplicatesInFile + duplicatesInAccount + refused
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
  const { id, accepted, duplicatesInFile, duplicatesInAccount, refused } = upload
  const isRefused = refused > 0 && accepted.length + duplicatesInFile + duplicatesInAccount === 0
  upload.status = isRefused ? 'FAILED' : 'COMPLETED'
  model.events.push('TASK_STATUS_CHANGED')
  if (upload.dryRun || accepted.length === 0) return
  const pool = the(model.pools, upload.poolId)
  pool.line.push(...accepted.map((code, index) => ({ source: id, index, code, task: id })))
  noteStock(model, pool, accepted.length)
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
  upload.status = 'UNDONE'
  upload.hasWork = true
  model.events.push('TASK_STATUS_CHANGED')
  remove(model, the(model.pools, upload.poolId), upload.id)
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
