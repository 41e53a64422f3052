import { yieldToEventLoop } from '../../async/pacer.ts'
import type { Books } from '../books/books.ts'
import type { Batch } from '../pool/batch.ts'
import { type Claim, decodeClaim } from '../pool/claim-rows.ts'
import { BatchReader, type Code } from './code.ts'

// Rows of one statement.
const maxAtOnce = 1_000

/** Claimed codes of a pool by their positions, in the order of these, which may lie far apart. */
export async function readClaimedCodes(
  books: Books,
  accountId: string,
  poolId: string,
  positions: readonly bigint[],
): Promise<Code[]> {
  const codes: Code[] = []
  const readers = new Map<bigint, BatchReader>()
  for (let at = 0; at < positions.length; at += maxAtOnce) {
    const some = positions.slice(at, at + maxAtOnce)
    const rows = await readRows(books, accountId, poolId, some)
    if (rows.length < some.length)
      throw new Error(`Not all of these positions of the pool ${poolId} are claimed.`)
    const indices: bigint[] = []
    const generated = new Map<string, number[]>()
    for (const [i, { batch, position }] of rows.entries()) {
      const reader = readers.get(batch.start) ?? new BatchReader(books, accountId, batch)
      readers.set(batch.start, reader)
      indices.push((await reader.indices(position - batch.start, 1)).first)
      if (batch.formatId === undefined) continue
      const places = generated.get(batch.formatId) ?? []
      places.push(i)
      generated.set(batch.formatId, places)
    }
    const texts = rows.map(({ code }) => code)
    for (const [formatId, places] of generated) {
      const space = await books.codeSpaces.get(books, accountId, formatId)
      const computed = space.codesOf(places.map((i) => indices[i] as bigint))
      for (const [n, i] of places.entries()) texts[i] = computed[n] as string
    }
    for (const [i, { batch, position, claim }] of rows.entries()) {
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

interface ClaimedCode {
  position: bigint
  batch: Batch
  claim: Claim
  /** If it was uploaded. */
  code: string | null
}

async function readRows(
  books: Books,
  accountId: string,
  poolId: string,
  positions: readonly bigint[],
): Promise<ClaimedCode[]> {
  const rows = await books.rows<ClaimedCodeRow>({
    name: 'read-claimed-codes',
    // Position by position: each part descends one index.
    text: `
      SELECT asked.position, batch.start, batch.count AS "batchCount", batch.format_id AS "formatId",
        batch.task_id AS "taskId", batch.first AS "batchFirst", batch.holes, claim.first, claim.count, claim.recipient,
        claim.at, claim.expires_at AS "expiresAt", uploaded.code
      FROM unnest($3::numeric[]) WITH ORDINALITY AS asked (position, number)
      CROSS JOIN LATERAL (
        SELECT start, count, format_id, task_id, first, holes FROM batch
        WHERE account_id = $1 AND pool_id = $2 AND withdrawn = false AND start <= asked.position
        ORDER BY start DESC LIMIT 1
      ) AS batch
      CROSS JOIN LATERAL (
        SELECT first, count, recipient, at, expires_at FROM claim
        WHERE account_id = $1 AND pool_id = $2 AND first <= asked.position ORDER BY first DESC LIMIT 1
      ) AS claim
      LEFT JOIN LATERAL (
        SELECT code FROM uploaded_code
        WHERE account_id = $1 AND batch.format_id IS NULL AND task_id = batch.task_id
          AND row = batch.first + asked.position - batch.start LIMIT 1
      ) AS uploaded ON true
      WHERE asked.position < claim.first + claim.count
      ORDER BY asked.number`,
    values: [accountId, poolId, positions],
  })
  return rows.map((row) => {
    const source = row.formatId === null ? { uploadId: row.taskId } : { formatId: row.formatId }
    const [start, count, first] = [BigInt(row.start), BigInt(row.batchCount), BigInt(row.batchFirst)]
    const batch = { ...source, start, count, first, holes: row.holes }
    return { position: BigInt(row.position), batch, claim: decodeClaim({ ...row, poolId }), code: row.code }
  })
}

interface ClaimedCodeRow {
  position: string
  start: string
  batchCount: string
  formatId: string | null
  taskId: string
  batchFirst: string
  holes: number
  first: string
  count: string
  recipient: string | null
  at: Date
  expiresAt: Date | null
  code: string | null
}
