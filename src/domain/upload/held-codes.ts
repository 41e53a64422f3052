import { typedKey } from '../../codespace/typed-form.ts'
import type { BookTransaction } from '../books/books.ts'
import type { Chunk, ChunkDecision } from './decide-chunk.ts'
import { textArray } from './text-array.ts'

/** Uploads that were undone, were cancelled or have failed still hold codes, which must be cleared away first. */
export class HeldByEndedUploadError extends Error {
  override name = 'HeldByEndedUploadError'
  readonly taskIds: readonly string[]

  constructor(taskIds: readonly string[]) {
    super(`${taskIds.length} uploads that have ended still hold codes.`)
    this.taskIds = taskIds
  }
}

/**
 * Rejects with a HeldByEndedUploadError if a code is a duplicate only because an ended upload has not been cleared away
 * yet, or if a code is refused because its format has no room while ended uploads may hold some of it.
 */
export async function checkHeldCodes(
  tx: BookTransaction,
  codes: readonly string[],
  { duplicatesInAccount, refused }: ChunkDecision,
  chunk: Chunk,
): Promise<void> {
  const lacksRoom = refused > chunk.rejected.length
  if (duplicatesInAccount === 0 && !lacksRoom) return
  const ended = await tx.rows<{ id: string }>({
    name: 'read-ended-uploads',
    // In the order of the index that has only these rows, which is not chosen otherwise without statistics.
    text: `
      SELECT id FROM task WHERE has_work AND account_id = $1 AND NOT dry_run
        AND status IN ('FAILED', 'CANCELLED', 'UNDONE') AND accepted > 0 ORDER BY account_id, id`,
    values: [tx.accountId],
  })
  if (ended.length === 0) return
  const ids = ended.map(({ id }) => id)
  const holding = lacksRoom ? ids : await findHolding(tx, ids, codes)
  if (holding.length > 0) throw new HeldByEndedUploadError(holding)
}

/** Which of some uploads have codes with the same typed key as some codes. */
async function findHolding(
  tx: BookTransaction,
  taskIds: readonly string[],
  codes: readonly string[],
): Promise<string[]> {
  const rows = await tx.rows<{ task_id: string }>({
    text: `
      SELECT DISTINCT known.task_id FROM unnest($2::text[]) AS wanted (typed)
      CROSS JOIN LATERAL (
        SELECT task_id FROM uploaded_code WHERE account_id = $1 AND typed = wanted.typed
      ) AS known
      WHERE known.task_id = ANY ($3::uuid[])`,
    values: [tx.accountId, textArray(codes.map(typedKey)), taskIds],
  })
  return rows.map(({ task_id }) => task_id).sort()
}
