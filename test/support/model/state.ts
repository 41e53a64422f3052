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

/** A code of a pool, and where it came from. */
export interface PositionModel {
  source: string
  index: number
  code: string
  /** The task that has added it; undefined for a refill, whose id is not known. */
  task: string | undefined
}

export interface PoolModel {
  id: string
  line: PositionModel[]
  /** The codes that were withdrawn, in their order. */
  withdrawn: PositionModel[]
  claims: ClaimModel[]
  /** The positions of the codes that are void. */
  voided: Set<number>
  claimed: number
  /** How often codes have left the line or the withdrawn ones other than by a claim. */
  moves: number
  /** The stock after each change other than a claim. */
  stock: { at: number; total: number; added: number }[]
  lastChangeAt: number | undefined
  terms: TermsModel
  archived: boolean
  /** The Promo Codes section as it was saved. */
  section: Section | undefined
  refillFailed: boolean
}

export interface Section {
  formatId: string
  quantity: number
  threshold: number
  autoGenerate: boolean
}

/** Times are in milliseconds. */
export interface TermsModel {
  issueFrom: number | undefined
  issueUntil: number | undefined
  validUntil: number | undefined
  validFor: number | undefined
  onePerRecipient: boolean
  renewAfter: RenewAfter[]
}

export type RenewAfter = 'EXPIRED' | 'REDEEMED' | 'VOIDED'

export interface ClaimModel {
  first: number
  count: number
  recipient: string | undefined
  at: number
  expiresAt: number | undefined
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

/** What is claimed of a pool: `count` codes for each of the recipients, in their order. */
export interface Wish {
  operation: 'claimCodes' | 'claimForRecipients' | 'claimFile'
  count: number
  recipients: (string | undefined)[]
  /** In milliseconds. */
  expiresAt: number | undefined
  key: string | undefined
}

/** What each recipient of a wish gets: `count` codes from the position `first` on. */
export interface GrantModel {
  first: number
  alreadyHeld: boolean
}

export interface RedemptionModel {
  id: string
  poolId: string
  position: number
  reference: string
  rolledBack: boolean
}

/** A wish with an idempotency key that was served. */
export interface KeyModel {
  poolId: string
  wish: Wish
  grants: GrantModel[]
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
