import { typedKey } from '../../../src/codespace/typed-form.ts'
import type { FormatModel, Model } from './state.ts'

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
