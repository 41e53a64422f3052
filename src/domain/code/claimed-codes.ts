import type { Queryable, RowOf } from '../../database/transaction.ts'
import type { Books } from '../books/books.ts'
import { type Batch, type BatchRow, decodeBatch, type Place } from '../pool/batch.ts'
import { type Claim, decodeClaim } from '../pool/claim-rows.ts'
import { BatchReader, type Code, type CodeText } from './code.ts'

/** Where a claimed code is for ever. */
type ClaimedPlace = Pick<Place, 'poolId' | 'position'>

/** The codes at claimed positions of any pools of an account, in the order of the places. */
export async function readClaimedCodes(
  books: Books,
  accountId: string,
  places: readonly ClaimedPlace[],
): Promise<Code[]> {
  const found = await findClaimed(books, accountId, places)
  const indices: bigint[] = []
  for (const { batch, position } of found) {
    const reader = new BatchReader(books, accountId, batch)
    indices.push((await reader.indices(position - batch.start, 1)).first)
  }
  const uploaded = await readUploaded(
    books,
    accountId,
    found.map(({ batch: { uploadId } }, i) => ({ uploadId, index: indices[i] as bigint })),
  )
  const codes: Code[] = []
  for (const [i, { batch, poolId, position, claim }] of found.entries()) {
    const index = indices[i] as bigint
    const { formatId, uploadId } = batch
    let text: CodeText
    if (formatId === undefined) {
      const code = uploaded[i]
      if (code === undefined) throw new Error(`The claimed code ${index} of the upload ${uploadId} is gone.`)
      text = { uploadId, index, code }
    } else {
      const space = await books.codeSpaces.get(books, accountId, formatId)
      text = { formatId, index, code: space.codeAt(index) }
    }
    codes.push({ ...text, poolId, lane: 'LINE', position, claim })
  }
  return codes
}

type FoundRow = { position: string; batch_first: string; batch_count: string } & RowOf<Claim> &
  Omit<BatchRow, 'first' | 'count'>

/** The batches and claims of the places. */
export async function findClaimed(
  books: Queryable,
  accountId: string,
  places: readonly ClaimedPlace[],
): Promise<(ClaimedPlace & { batch: Batch; claim: Claim })[]> {
  const rows = await books.rows<FoundRow>({
    name: 'find-claimed',
    // Each LATERAL part descends one index, whatever the statistics say.
    text: `
      SELECT asked.pool_id AS "poolId", asked.position, batch.start, batch.count AS batch_count, batch.format_id,
        batch.task_id, batch.first AS batch_first, batch.holes,
        claim.first, claim.count, claim.recipient, claim.at, claim.expires_at AS "expiresAt"
      FROM unnest($2::uuid[], $3::numeric[]) WITH ORDINALITY AS asked (pool_id, position, number)
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
  }))
}

/** The texts of uploaded codes, in their order; undefined for what is not of an upload. */
async function readUploaded(
  books: Queryable,
  accountId: string,
  origins: readonly { uploadId: string | undefined; index: bigint }[],
): Promise<(string | undefined)[]> {
  if (origins.every(({ uploadId }) => uploadId === undefined)) return []
  const rows = await books.rows<{ code: string | null }>({
    name: 'read-single-uploaded-codes',
    text: `
      SELECT found.code FROM unnest($2::uuid[], $3::numeric[]) WITH ORDINALITY AS asked (task_id, row, number)
      LEFT JOIN LATERAL (
        SELECT code FROM uploaded_code WHERE account_id = $1 AND task_id = asked.task_id AND row = asked.row LIMIT 1
      ) AS found ON true
      ORDER BY asked.number`,
    values: [accountId, origins.map(({ uploadId }) => uploadId ?? null), origins.map(({ index }) => index)],
  })
  return rows.map(({ code }) => code ?? undefined)
}
