import { randomBytes } from 'node:crypto'
import { v7 as newId } from 'uuid'
import { hourMs } from '../../dates.ts'
import type { StoredSecret } from '../../keys/keyring.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { NotFoundError } from '../books/errors.ts'
import { InputCheck } from '../books/input.ts'
import { webhookSecretPlace } from '../books/secrets.ts'
import { lockWebhook } from './webhook.ts'

// The Standard Webhooks specification asks for 24 to 64 bytes.
const secretBytes = 32

/** For how long a secret that was replaced can go on signing. */
export const maxOverlapHours = 168

/** How many secrets of a webhook can sign at a time: each adds a signature to every message. */
export const maxSecrets = 4

/** The secret as receivers configure it. */
export function secretText(secret: Uint8Array): string {
  return `whsec_${Buffer.from(secret).toString('base64')}`
}

/** The secrets that sign the messages of a webhook at a time, the newest first: each signs every message. */
export async function readSecrets(
  books: Books,
  { accountId, id: webhookId }: { accountId: string; id: string },
  at: Date,
): Promise<Uint8Array[]> {
  const rows = await books.rows<StoredSecret & { id: string }>({
    name: 'read-webhook-secrets',
    text: `
      SELECT id, secret AS bytes, wrapped_by AS "wrappedBy" FROM webhook_secret
      WHERE account_id = $1 AND webhook_id = $2 AND (until IS NULL OR until > $3) ORDER BY number DESC`,
    values: [accountId, webhookId, at],
    // As in deliver.ts.
    query_timeout: 3_000,
  })
  return rows.map(({ id, ...stored }) => books.keyring.open(stored, webhookSecretPlace(accountId, id)))
}

/** Until when a secret signs that has been replaced, of each webhook for which there is one. */
export async function readOverlapEnds(
  books: Books,
  accountId: string,
  webhookIds: readonly string[],
  at: Date,
): Promise<Map<string, Date>> {
  const rows = await books.rows<{ webhookId: string; until: Date }>({
    text: `
      SELECT webhook_id AS "webhookId", max(until) AS until FROM webhook_secret
      WHERE account_id = $1 AND webhook_id = ANY($2::uuid[]) AND until > $3 GROUP BY webhook_id`,
    values: [accountId, webhookIds, at],
  })
  return new Map(rows.map(({ webhookId, until }) => [webhookId, until]))
}

/** Gives a webhook its first or a further secret, which becomes the present one. Resolves to it. */
export async function insertSecret(
  tx: BookTransaction,
  books: Books,
  webhookId: string,
  number = 1,
): Promise<Uint8Array> {
  const id = newId()
  const secret = randomBytes(secretBytes)
  const { bytes, wrappedBy } = books.keyring.wrap(secret, webhookSecretPlace(tx.accountId, id))
  await tx.execute({
    text: `
      INSERT INTO webhook_secret (account_id, id, webhook_id, number, secret, wrapped_by)
      VALUES ($1, $2, $3, $4, $5, $6)`,
    values: [tx.accountId, id, webhookId, number, bytes, wrappedBy],
  })
  return secret
}

/**
 * Gives a webhook a new secret. Those it has had so far go on signing beside it, for the overlap at most: one that would
 * have ended earlier still does. An overlap of 0 hours ends all of them at once. Resolves to the new secret.
 *
 * Rejects with a NotFoundError, and with an InvalidInputError if too many would sign at a time.
 */
export async function rotateSecret(
  books: Books,
  accountId: string,
  { webhookId, overlapHours }: { webhookId: string; overlapHours: number },
): Promise<Uint8Array> {
  const check = new InputCheck()
  if (overlapHours < 0 || overlapHours > maxOverlapHours)
    check.issue(['overlapHours'], `It must be from 0 to ${maxOverlapHours}.`)
  check.done()
  return await books.write(accountId, async (tx) => {
    if ((await lockWebhook(tx, webhookId)) === undefined) throw new NotFoundError('webhook', ['webhookId'])
    const now = tx.now()
    const until = new Date(now.getTime() + overlapHours * hourMs)
    await tx.execute({
      text: `
        UPDATE webhook_secret SET until = $3
        WHERE account_id = $1 AND webhook_id = $2 AND (until IS NULL OR until > $3)`,
      values: [accountId, webhookId, until],
    })
    const others = await tx.rows<{ number: number; until: Date }>({
      text: 'SELECT number, until FROM webhook_secret WHERE account_id = $1 AND webhook_id = $2 ORDER BY number',
      values: [accountId, webhookId],
    })
    const signing = others.filter((other) => other.until > now)
    if (signing.length >= maxSecrets) {
      check.issue(
        ['overlapHours'],
        `The webhook has ${signing.length} secrets that are still in use, as it was rotated several times. Wait until an ` +
          'earlier overlap has ended, or rotate with 0 hours, which ends all of them at once.',
      )
      check.done()
    }
    await tx.execute({
      text: 'DELETE FROM webhook_secret WHERE account_id = $1 AND webhook_id = $2 AND until <= $3',
      values: [accountId, webhookId, now],
    })
    return await insertSecret(tx, books, webhookId, (others.at(-1)?.number ?? 0) + 1)
  })
}
