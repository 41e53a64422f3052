import { randomBytes } from 'node:crypto'
import type { Queryable } from '../../database/transaction.ts'

// The Standard Webhooks specification asks for 24 to 64 bytes.
const secretBytes = 32

export function newSecret(): Buffer {
  return randomBytes(secretBytes)
}

/** The secret as receivers configure it. */
export function secretText(secret: Uint8Array): string {
  return `whsec_${Buffer.from(secret).toString('base64')}`
}

/** The secrets that sign messages of a webhook at a time, the newest first: each signs every message. */
export async function readSecrets(
  books: Queryable,
  { accountId, id }: { accountId: string; id: string },
  at: Date,
): Promise<Uint8Array[]> {
  const rows = await books.rows<{ secret: Uint8Array }>({
    name: 'read-webhook-secrets',
    text: `
      SELECT secret FROM webhook_secret
      WHERE account_id = $1 AND webhook_id = $2 AND (until IS NULL OR until > $3) ORDER BY number DESC`,
    values: [accountId, id, at],
  })
  return rows.map((row) => row.secret)
}
