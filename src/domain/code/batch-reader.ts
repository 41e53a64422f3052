import type { Books } from '../books/books.ts'
import type { Batch } from '../pool/batch.ts'

/** Indices of a format or rows of an upload from `first` on, except those at `passed`: offsets from `first`, ascending. */
export interface IndexRun {
  first: bigint
  passed: readonly number[]
}

/** The codes of a batch: generated ones are computed, uploaded ones are read. */
export class BatchReader {
  readonly #books: Books
  readonly #accountId: string
  readonly #batch: Batch
  // Kept: behind the format's `next`, holes never change.
  #holes: bigint[] | undefined

  constructor(books: Books, accountId: string, batch: Batch) {
    this.#books = books
    this.#accountId = accountId
    this.#batch = batch
  }

  /** `count` codes of the batch from its code `offset` on; fewer if an upload has been removed. */
  async codes(offset: bigint, count: number): Promise<IndexRun & { codes: string[] }> {
    const run = await this.indices(offset, count)
    const { formatId, uploadId } = this.#batch
    if (formatId === undefined)
      return { ...run, codes: await this.#readUploadedCodes(uploadId, run.first, count) }
    const space = await this.#books.codeSpaces.get(this.#books, this.#accountId, formatId)
    const codes = space.codesAt(run.first, count + run.passed.length)
    return { ...run, codes: run.passed.length === 0 ? codes : without(codes, run.passed) }
  }

  /** The indices or rows of these codes. */
  async indices(offset: bigint, count: number): Promise<IndexRun> {
    this.#holes ??= await this.#readHoles(this.#batch)
    const holes = this.#holes
    let first = this.#batch.first + offset
    let next = 0
    for (; next < holes.length && (holes[next] as bigint) <= first; next++) first += 1n
    const passed: number[] = []
    for (; next < holes.length; next++) {
      const at = Number((holes[next] as bigint) - first)
      if (at >= count + passed.length) break
      passed.push(at)
    }
    return { first, passed }
  }

  /**
   * How many characters uploaded codes have together, if all are there and consist of ASCII letters and digits and, after
   * the first character, dots, dashes and underscores. Nothing otherwise, and for generated codes.
   */
  async plainLength(offset: bigint, count: number): Promise<bigint | undefined> {
    const { uploadId, first } = this.#batch
    if (uploadId === undefined) return undefined
    const [row] = await this.#books.rows<{ length: string | null }>({
      name: 'measure-uploaded-codes',
      text: `
        SELECT CASE WHEN count(*) = $5 AND bool_and(code ~ '^[A-Za-z0-9][A-Za-z0-9._-]*$') THEN sum(length(code)) END AS length
        FROM uploaded_code WHERE account_id = $1 AND task_id = $2 AND row >= $3 AND row < $4`,
      values: [this.#accountId, uploadId, first + offset, first + offset + BigInt(count), count],
    })
    return row?.length == null ? undefined : BigInt(row.length)
  }

  async #readHoles({ formatId, first, count, holes }: Batch): Promise<bigint[]> {
    if (holes === 0) return []
    const rows = await this.#books.rows<{ index: string }>({
      name: 'read-holes',
      text: `
        SELECT index FROM taken
        WHERE account_id = $1 AND format_id = $2 AND index >= $3 AND index < $4 ORDER BY index`,
      values: [this.#accountId, formatId, first, first + count + BigInt(holes)],
    })
    if (rows.length !== holes)
      throw new Error(
        `The batch at ${first} of the format ${formatId} has ${rows.length} holes, not ${holes}.`,
      )
    return rows.map(({ index }) => BigInt(index))
  }

  async #readUploadedCodes(uploadId: string, first: bigint, count: number): Promise<string[]> {
    const rows = await this.#books.rows<{ code: string }>({
      name: 'read-uploaded-codes',
      text: `
        SELECT code FROM uploaded_code
        WHERE account_id = $1 AND task_id = $2 AND row >= $3 AND row < $4 ORDER BY row`,
      values: [this.#accountId, uploadId, first, first + BigInt(count)],
    })
    return rows.map(({ code }) => code)
  }
}

/** The values without those at `passed`, which ascend. */
function without<T>(values: readonly T[], passed: readonly number[]): T[] {
  let next = 0
  return values.filter((_value, at) => {
    if (passed[next] !== at) return true
    next += 1
    return false
  })
}
