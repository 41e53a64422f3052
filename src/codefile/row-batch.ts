import type { ByteString } from './byte-string.ts'
import { maxFirstCodes } from './first-rows.ts'
import { shortenBytes } from './shorten.ts'

export interface CodeRow {
  /** As a spreadsheet numbers it. */
  number: number
  code: string
}

/** A row that is not added: its text, shortened, and the reason, for people. */
export interface RejectedRow {
  number: number
  text: string
  reason: string
}

/** Both in the order of the file. */
export interface Rows {
  rows: CodeRow[]
  rejected: RejectedRow[]
}

export const maxBatchRows = 4_000

// Rejecting a row takes longer than reading one.
const maxBatchRejected = 500

/** Numbers the rows of a file, and collects them in batches of limited size. */
export class RowBatch {
  /** The number of the row that was read last. */
  number = 0
  /** How many rows had a code or were rejected. */
  count = 0
  /** The first codes of the file, including those that are left out. */
  readonly firstCodes: string[] = []
  readonly #skip: number
  #rows: Rows = { rows: [], rejected: [] }

  /** The first `skip` rows with a code or a rejection are left out. */
  constructor(skip: number) {
    this.#skip = skip
  }

  accept(code: string): void {
    this.count += 1
    if (this.firstCodes.length < maxFirstCodes) this.firstCodes.push(code)
    if (this.count > this.#skip) this.#rows.rows.push({ number: this.number, code })
  }

  reject(bytes: ByteString, reason: string): void {
    this.count += 1
    if (this.count > this.#skip)
      this.#rows.rejected.push({ number: this.number, text: shortenBytes(bytes), reason })
  }

  isFull(): boolean {
    const { rows, rejected } = this.#rows
    return rows.length + rejected.length >= maxBatchRows || rejected.length >= maxBatchRejected
  }

  /** Removes and returns the collected rows. */
  drain(): Rows {
    const rows = this.#rows
    this.#rows = { rows: [], rejected: [] }
    return rows
  }
}
