import { randomBytes } from 'node:crypto'
import { transaction } from '../../database/transaction.ts'
import { hourMs } from '../../dates.ts'
import type { Scope } from '../../generated/prisma/client.ts'
import type { Books } from '../books/books.ts'
import { hashOfSecret } from './account.ts'

// A session ends this long after its last use, which is known to the minute, and this long after it was opened in any case.
const maxIdleMs = 30 * 60 * 1_000
const maxAgeMs = 12 * hourMs

// More than people who share one key have browsers. It bounds what a client that signs in again and again leaves behind.
const maxSessionsOfKey = 100

/** What a session may do: what its API key may. */
export interface Session {
  accountId: string
  keyId: string
  scopes: readonly Scope[]
}

/**
 * Opens a session of an API key; if the key has too many, those that were used least recently end. Resolves to its token,
 * which is stored nowhere; to undefined if the key does not exist, or was revoked.
 */
export async function openSession(books: Books, keyId: string): Promise<string | undefined> {
  const token = newToken()
  const opened = await transaction(books.connections, async (tx) => {
    const [key] = await tx.rows({
      // Locked, so that sessions that are opened at the same time count each other.
      text: 'SELECT 1 FROM api_key WHERE id = $1 AND revoked_at IS NULL FOR NO KEY UPDATE',
      values: [keyId],
    })
    if (key === undefined) return undefined
    const surplus = await tx.execute({
      text: `
        DELETE FROM session WHERE hash IN (
          SELECT hash FROM session WHERE api_key_id = $1
          ORDER BY used_at DESC, created_at DESC, hash OFFSET $2)`,
      values: [keyId, maxSessionsOfKey - 1],
    })
    await tx.execute({
      text: 'INSERT INTO session (hash, api_key_id, created_at, used_at) VALUES ($1, $2, $3, $3)',
      values: [bytesOf(hashOfSecret(token)), keyId, books.now()],
    })
    return { surplus }
  })
  if (opened === undefined) return undefined
  if (opened.surplus > 0) announceEnd(books)
  return token
}

/**
 * The sessions that are open, by the hashes of their tokens (see `hashOfSecret`): those that have neither ended nor expired,
 * of keys that have not been revoked. `maxWaitMs`: how long the database may take; by default as long as usual.
 */
export async function findSessions(
  books: Books,
  hashes: readonly string[],
  { maxWaitMs }: { maxWaitMs?: number } = {},
): Promise<Map<string, Session>> {
  const rows = await books.rows<Session & { hash: Uint8Array }>({
    name: 'find-sessions',
    text: `
      SELECT session.hash, key.account_id AS "accountId", key.id AS "keyId", key.scopes::text[] AS scopes
      FROM session JOIN api_key AS key ON key.id = session.api_key_id
      WHERE session.hash = ANY ($1::bytea[]) AND ${isNotExpired('$2', '$3')} AND key.revoked_at IS NULL`,
    values: [hashes.map(bytesOf), ...expiry(books)],
    ...(maxWaitMs === undefined ? {} : { query_timeout: maxWaitMs }),
  })
  return new Map(rows.map(({ hash, ...session }) => [Buffer.from(hash).toString('base64'), session]))
}

/** Records that sessions have just been used. One that has expired stays so. */
export async function touchSessions(books: Books, hashes: readonly string[]): Promise<void> {
  await books.rows({
    // Locked in one order, so that two processes cannot deadlock.
    text: `
      UPDATE session SET used_at = greatest(used_at, $4)
      WHERE hash IN (SELECT hash FROM session WHERE hash = ANY ($1::bytea[]) ORDER BY hash FOR NO KEY UPDATE)
        AND ${isNotExpired('$2', '$3')}`,
    values: [hashes.map(bytesOf), ...expiry(books), books.now()],
  })
}

/** Ends a session, in every process within seconds. Ending it again changes nothing. */
export async function endSession(books: Books, hash: string): Promise<void> {
  const ended = await books.rows({
    text: 'DELETE FROM session WHERE hash = $1 RETURNING 1',
    values: [bytesOf(hash)],
  })
  if (ended.length > 0) announceEnd(books)
}

/** Removes at most `max` sessions that have expired, and resolves to their number. */
export async function forgetSessions(books: Books, max: number): Promise<number> {
  const removed = await books.rows({
    text: `
      DELETE FROM session WHERE hash IN (
        SELECT hash FROM session WHERE NOT (${isNotExpired('$2', '$3')}) LIMIT $1 FOR UPDATE SKIP LOCKED)
      RETURNING 1`,
    values: [max, ...expiry(books)],
  })
  return removed.length
}

/** SQL: whether a session was last used after the first time, and opened after the second. */
function isNotExpired(usedAfter: string, openedAfter: string): string {
  return `session.used_at > ${usedAfter} AND session.created_at > ${openedAfter}`
}

/** The parameters of `isNotExpired`. */
function expiry(books: Books): [usedAfter: Date, openedAfter: Date] {
  const now = books.now().getTime()
  return [new Date(now - maxIdleMs), new Date(now - maxAgeMs)]
}

// Whoever caches or watches keys does so with sessions.
function announceEnd(books: Books): void {
  books.notifications.announce({ topic: 'keys', key: '' })
}

function bytesOf(hash: string): Buffer {
  return Buffer.from(hash, 'base64')
}

/** 256 random bits after a prefix, by which the log recognises tokens. */
function newToken(): string {
  return `ps_${randomBytes(32).toString('base64url')}`
}

/** Whether a text can be the token of a session. */
export function isToken(text: string): boolean {
  return /^ps_[\w-]{43}$/.test(text)
}
