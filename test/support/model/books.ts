import type { FormatModel } from './formats.ts'
import type { PoolModel } from './pools.ts'
import type { UploadModel } from './uploads.ts'
import type { KeyModel, RedemptionModel } from './usage.ts'

/*
 * A model of the books: lists and counting, with none of the service's own code. It is plain data, so that it can be copied
 * to try something.
 */

export interface Model {
  /** The clock of the process that does the next step, in milliseconds. */
  now: number
  formats: FormatModel[]
  pools: PoolModel[]
  generations: GenerationModel[]
  uploads: UploadModel[]
  /** Every uploaded code that is kept, and the upload that brought it. */
  uploaded: Map<string, string>
  redemptions: RedemptionModel[]
  /** The uses of idempotency keys by claims that were served. */
  keys: KeyModel[]
  events: string[]
}

export type Status = 'AWAITING_EXECUTION' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'UNDONE'

export interface GenerationModel {
  id: string
  poolId: string
  formatId: string
  quantity: number
  status: Status
}

export function emptyModel(): Model {
  return {
    now: 0,
    formats: [],
    pools: [],
    generations: [],
    uploads: [],
    uploaded: new Map(),
    redemptions: [],
    keys: [],
    events: [],
  }
}

/** The item of a list with this id. */
export function the<T extends { id: string }>(list: readonly T[], id: string): T {
  const found = list.find((one) => one.id === id)
  if (found === undefined) throw new Error(`There is no ${id}.`)
  return found
}
