import type { RejectedRow } from '../../codefile/row-batch.ts'
import { shorten } from '../../codefile/shorten.ts'
import { looseKey } from '../../codespace/loose-form.ts'
import { typedKey } from '../../codespace/typed-form.ts'
import { textArray } from '../../database/text-array.ts'
import type { Statement } from '../../database/transaction.ts'
import type { BookTransaction } from '../books/books.ts'
import { take } from '../format/taken-indices.ts'
import type { ChunkDecision } from './decide-chunk.ts'

export interface AddedCode {
  code: string
  identity: string
}

/** A code could not be inserted, as the account, or the dry run, has one with its identity. Thrown to roll back. */
export class CodeExistsError extends Error {}

/** Inserts codes after the `before` earlier ones of the upload, and marks their indices in the formats as taken. */
export async function insertCodes(
  tx: BookTransaction,
  taskId: string,
  added: readonly AddedCode[],
  before: bigint,
  { accepted, takes }: ChunkDecision,
): Promise<void> {
  const taking = [...takes].map(([format, indices]) => take(tx, format.id, indices))
  const codes = added.map(({ code }) => code)
  const keys = codes.map((code) => typedKey(code))
  const looseKeys = codes.map((code, at) => looseKey(code, keys[at]))
  const inserting = insertAll(tx, codes.length, {
    text: `
      INSERT INTO uploaded_code (account_id, task_id, row, code, typed, identity, loose)
      SELECT $1, $2, $3::numeric + added.place, added.code, added.typed, added.identity, added.loose
      FROM unnest($4::integer[], $5::text[], $6::text[], $7::text[], $8::text[])
        AS added (place, code, typed, identity, loose)
      ON CONFLICT DO NOTHING RETURNING 1`,
    values: [
      tx.accountId,
      taskId,
      before,
      `{${codes.map((code) => accepted.get(code))}}`,
      textArray(codes),
      textArray(keys),
      identityArray(added),
      textArray(looseKeys.map((key, at) => (key === keys[at] ? null : key))),
    ],
  })
  await Promise.all([...taking, inserting])
}

/** Inserts the codes that a dry run would have added. */
export async function insertDryRunCodes(
  tx: BookTransaction,
  taskId: string,
  added: readonly AddedCode[],
): Promise<void> {
  const codes = added.map(({ code }) => code)
  await insertAll(tx, codes.length, {
    text: `
      INSERT INTO dry_run_code (account_id, task_id, code, identity)
      SELECT $1, $2, code, identity FROM unnest($3::text[], $4::text[]) AS added (code, identity)
      ON CONFLICT DO NOTHING RETURNING 1`,
    values: [tx.accountId, taskId, textArray(codes), identityArray(added)],
  })
}

/** Runs a statement that inserts rows and returns each. Rejects with a CodeExistsError if it has not inserted all. */
async function insertAll(tx: BookTransaction, count: number, statement: Statement): Promise<void> {
  const inserted = await tx.rows(statement)
  if (inserted.length < count) throw new CodeExistsError()
}

export async function insertRejectedRows(
  tx: BookTransaction,
  taskId: string,
  rejected: readonly RejectedRow[],
): Promise<void> {
  if (rejected.length === 0) return
  await tx.execute({
    text: `
      INSERT INTO rejected_row (account_id, task_id, number, code, reason)
      SELECT $1, $2, rejected.number, rejected.code, rejected.reason
      FROM unnest($3::bigint[], $4::text[], $5::text[]) AS rejected (number, code, reason)`,
    values: [
      tx.accountId,
      taskId,
      rejected.map(({ number }) => number),
      rejected.map(({ text }) => shorten(text)),
      rejected.map(({ reason }) => reason),
    ],
  })
}

/** Null means that the identity equals the code. */
function identityArray(added: readonly AddedCode[]) {
  return textArray(added.map(({ code, identity }) => (identity === code ? null : identity)))
}
