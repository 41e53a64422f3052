import type { Queryable } from '../../database/transaction.ts'
import { rowById } from '../books/by-id.ts'
import type { Batch } from '../pool/batch.ts'

/*
 * The holes of a batch are the taken indices among its own, which all lie below the format's `next`. There, nothing is taken or
 * given back any more: an upload takes indices at or after `next` (decideChunk), `giveBack` leaves those below it, and where a
 * format is not ready, `takeNext` has taken what a batch passes over before `next` moves; all of them under the format's lock.
 * So holes that were once read below `next` are the same for ever, whatever other processes do. Only a rewind takes `next`
 * back, and no process may go on after one (docs/operations.md); a run that does not fit a batch is read again all the same.
 */

// Of a claim that finds none ahead. They serve as many codes, or more.
const maxAhead = 4_096

// With all of their holes, they take some 5 MB.
const maxRuns = 32

/** All taken indices of a format from `from` until before `to`, ascending. */
interface Run {
  formatId: string | undefined
  from: bigint
  to: bigint
  indices: bigint[]
}

/** The holes of each batch, ascending. */
export async function readHoles(
  books: Queryable,
  accountId: string,
  batches: readonly Batch[],
): Promise<bigint[][]> {
  const among = batches.filter(({ holes }) => holes > 0)
  const runs = await readRuns(books, accountId, among.map(rangeOf))
  let run = 0
  return batches.map((batch) => (batch.holes === 0 ? [] : holesOf(batch, runs[run++])))
}

/** Reads holes for batches that are used one after the other: those of the next batches come along with the last one. */
export class HolesAhead {
  readonly #books: Queryable
  /** The one that was used last comes first. */
  readonly #runs: Run[] = []

  constructor(books: Queryable) {
    this.#books = books
  }

  /** The holes of each batch, ascending. */
  async read(accountId: string, batches: readonly Batch[]): Promise<bigint[][]> {
    const known = batches.map((batch) => (batch.holes === 0 ? [] : this.#find(batch)))
    const missing = batches.filter((_, i) => known[i] === undefined)
    const ranges = missing.map((batch, i) =>
      i < missing.length - 1 ? rangeOf(batch) : { ...rangeOf(batch), to: undefined },
    )
    const runs = await readRuns(this.#books, accountId, ranges)
    const last = runs.at(-1)
    if (last !== undefined) this.#runs.unshift(last)
    if (this.#runs.length > maxRuns) this.#runs.pop()
    let run = 0
    return batches.map((batch, i) => known[i] ?? holesOf(batch, runs[run++]))
  }

  #find(batch: Batch): bigint[] | undefined {
    const { formatId, from, to } = rangeOf(batch)
    const at = this.#runs.findIndex((run) => run.formatId === formatId && run.from <= from && to <= run.to)
    if (at < 0) return undefined
    const run = this.#runs.splice(at, 1)[0] as Run
    const holes = indicesIn(batch, run)
    if (holes.length !== batch.holes) return undefined
    this.#runs.unshift(run)
    return holes
  }
}

function rangeOf({ formatId, first, count, holes }: Batch): Pick<Run, 'formatId' | 'from' | 'to'> {
  return { formatId, from: first, to: first + count + BigInt(holes) }
}

/** The holes of a batch, given a run that has all of them. */
function holesOf(batch: Batch, run: Run | undefined): bigint[] {
  const holes = run === undefined ? [] : indicesIn(batch, run)
  if (holes.length !== batch.holes)
    throw new Error(
      `The batch at ${batch.first} of the format ${batch.formatId} has ${holes.length} holes, not ${batch.holes}.`,
    )
  return holes
}

/** The taken indices of a run that are among a batch's own. */
function indicesIn(batch: Batch, { indices }: Run): bigint[] {
  const { from, to } = rangeOf(batch)
  const begin = countBefore(indices, from)
  return indices.slice(begin, countBefore(indices, to, begin))
}

/** How many of the ascending indices are before an index. At least `low` are. */
function countBefore(indices: readonly bigint[], index: bigint, low = 0): number {
  let high = indices.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((indices[middle] as bigint) < index) low = middle + 1
    else high = middle
  }
  return low
}

/** Without `to`, a run ends at the format's `next`, or before if it has `maxAhead` indices: no batch has more. */
async function readRuns(
  books: Queryable,
  accountId: string,
  ranges: readonly (Pick<Run, 'formatId' | 'from'> & { to: bigint | undefined })[],
): Promise<Run[]> {
  if (ranges.length === 0) return []
  const rows = await books.rows<{ stop: string; indices: string | null }>({
    name: 'read-holes',
    // Row by row, so that the plan can be kept: see `rowsById`.
    text: `
      SELECT run.stop, hole.indices FROM (
        SELECT asked.format_id, asked.first, asked.number, coalesce(
          asked.stop, (SELECT next FROM ${rowById('format', 'id, next', 'asked.format_id')} AS format)
        ) AS stop
        FROM unnest((SELECT $2::uuid[]), (SELECT $3::numeric[]), (SELECT $4::numeric[]))
          WITH ORDINALITY AS asked (format_id, first, stop, number)
      ) AS run
      CROSS JOIN LATERAL (
        SELECT string_agg(index::text, ' ' ORDER BY index) AS indices FROM (
          SELECT index FROM taken
          WHERE account_id = $1 AND format_id = run.format_id AND index >= run.first AND index < run.stop
          ORDER BY account_id, format_id, index LIMIT ${maxAhead}
        ) AS next
      ) AS hole
      ORDER BY run.number`,
    values: [
      accountId,
      ranges.map(({ formatId }) => formatId),
      ranges.map(({ from }) => from),
      ranges.map(({ to }) => to),
    ],
  })
  return rows.map((row, i) => {
    const { formatId, from } = ranges[i] as Pick<Run, 'formatId' | 'from'>
    const indices = row.indices?.split(' ').map(BigInt) ?? []
    const end = indices.length < maxAhead ? BigInt(row.stop) : (indices.at(-1) as bigint) + 1n
    return { formatId, from, to: end, indices }
  })
}
