import { yieldToEventLoop } from '../../async/pacer.ts'
import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { Books } from '../books/books.ts'
import { type Batch, type BatchRow, type ClaimedPlace, decodeBatch } from '../pool/batch.ts'
import { type Claim, decodeClaim } from '../pool/claim-rows.ts'
import { BatchReader, type Code } from './code.ts'

// Rows of one statement.
const maxAtOnce = 1_000

/** The codes at claimed positions of any pools of an account, in the order of the places, which may lie far apart. */
export async function readClaimedCodes(
  books: Books,
  accountId: string,
  places: readonly ClaimedPlace[],
): Promise<Code[]> {
  const codes: Code[] = []
  const readers = new Map<string, BatchReader>()
  for (let at = 0; at < places.length; at += maxAtOnce) {
    const found = await findClaimed(books, accountId, places.slice(at, at + maxAtOnce))
    const indices: bigint[] = []
    const generated = new Map<string, number[]>()
    for (const [i, { batch, poolId, position }] of found.entries()) {
      const name = `${poolId} ${batch.start}`
      const reader = readers.get(name) ?? new BatchReader(books, accountId, batch)
      readers.set(name, reader)
      indices.push((await reader.indices(position - batch.start, 1)).first)
      if (batch.formatId === undefined) continue
      const ofFormat = generated.get(batch.formatId) ?? []
      ofFormat.push(i)
      generated.set(batch.formatId, ofFormat)
    }
    const texts = found.map(({ uploadedCode }) => uploadedCode)
    for (const [formatId, ofFormat] of generated) {
      const space = await books.codeSpaces.get(books, accountId, formatId)
      const computed = space.codesOf(ofFormat.map((i) => indices[i] as bigint))
      for (const [n, i] of ofFormat.entries()) texts[i] = computed[n] as string
    }
    for (const [i, { batch, poolId, position, claim }] of found.entries()) {
      const [index, code] = [indices[i] as bigint, texts[i]]
      if (code == null) throw new Error(`The code at ${position} of the pool ${poolId} is gone.`)
      const { formatId, uploadId } = batch
      const origin = formatId === undefined ? { uploadId, index } : { formatId, index }
      codes.push({ ...origin, code, poolId, lane: 'LINE', position, claim })
    }
    await yieldToEventLoop()
  }
  return codes
}

type FoundRow = RowOf<Claim> &
  Omit<BatchRow, 'first' | 'count'> & {
    position: string
    batch_first: string
    batch_count: string
    uploaded_code: string | null
  }

/** The batches and claims of the places, and the codes of those that were uploaded. */
export async function findClaimed(
  books: Queryable,
  accountId: string,
  places: readonly ClaimedPlace[],
): Promise<(ClaimedPlace & { batch: Batch; claim: Claim; uploadedCode: string | null })[]> {
  const rows = await books.rows<FoundRow>({
    name: 'find-claimed-codes',
    // Each LATERAL part descends one index, whatever the statistics say: see `rowsById`.
    text: `
      SELECT asked.pool_id AS "poolId", asked.position, batch.start, batch.count AS batch_count, batch.format_id,
        batch.task_id, batch.first AS batch_first, batch.holes,
        claim.first, claim.count, claim.recipient, claim.at, claim.expires_at AS "expiresAt",
        uploaded.code AS uploaded_code
      FROM unnest((SELECT $2::uuid[]), (SELECT $3::numeric[])) WITH ORDINALITY AS asked (pool_id, position, number)
      CROSS JOIN LATERAL (
        SELECT start, count, format_id, task_id, first, holes FROM batch
        WHERE account_id = $1 AND pool_id = asked.pool_id AND withdrawn = false AND start <= asked.position
        ORDER BY start DESC LIMIT 1
      ) AS batch
      CROSS JOIN LATERAL (
        SELECT first, count, recipient, at, expires_at FROM claim
        WHERE account_id = $1 AND pool_id = asked.pool_id AND first <= asked.position
        ORDER BY first DESC LIMIT 1
      ) AS claim
      LEFT JOIN LATERAL (
        SELECT row, code FROM uploaded_code
        WHERE account_id = $1 AND batch.format_id IS NULL AND task_id = batch.task_id
          AND row >= batch.first + asked.position - batch.start
        ORDER BY row LIMIT 1
      ) AS uploaded ON uploaded.row = batch.first + asked.position - batch.start
      WHERE asked.position < batch.start + batch.count AND asked.position < claim.first + claim.count
      ORDER BY asked.number`,
    values: [accountId, places.map(({ poolId }) => poolId), places.map(({ position }) => position)],
  })
  if (rows.length !== places.length)
    throw new Error(`Of ${places.length} claimed positions, ${rows.length} were found.`)
  return rows.map((row) => ({
    poolId: row.poolId,
    position: BigInt(row.position),
    batch: decodeBatch({ ...row, first: row.batch_first, count: row.batch_count }),
    claim: decodeClaim(row),
    uploadedCode: row.uploaded_code,
  }))
}
