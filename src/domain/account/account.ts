import { hash, randomBytes, randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { v7 as newId } from 'uuid'
import { type Queryable, type Transaction, transaction } from '../../database/transaction.ts'
import type { Account, ApiKey, Scope } from '../../generated/prisma/client.ts'
import type { Books } from '../books/books.ts'
import { InvalidInputError, NameTakenError, NotFoundError } from '../books/errors.ts'
import { InputCheck } from '../books/input.ts'
import { askedName, sameName } from '../books/name.ts'
import { firstKeyName } from './names.ts'

export const allScopes: readonly Scope[] = ['READ', 'MANAGE', 'CLAIM', 'REDEEM', 'ADMIN']

/** An account with its first key. The secret is stored nowhere, so it cannot be shown again. */
export interface NewAccount {
  accountId: string
  secret: string
}

/**
 * Creates an account with a key of all scopes, whose secret is `secret` or a new one.
 * Rejects with a NameTakenError or an InvalidInputError.
 */
export function createAccount(connections: Pool, name: string, secret = newSecret()): Promise<NewAccount> {
  return transaction(connections, async (tx) => {
    await lockAccounts(tx)
    return await insertAccount(tx, name, secret)
  })
}

/**
 * Creates the first account; resolves to undefined if there is one. When several processes start on an empty database,
 * one of them creates it.
 */
export async function createFirstAccount(
  connections: Pool,
  name: string,
  secret = newSecret(),
): Promise<NewAccount | undefined> {
  return await transaction(connections, async (tx) => {
    // All starts but the first find one without the lock, which needs all nodes of a distributed database.
    if (await hasAccounts(tx)) return undefined
    await lockAccounts(tx)
    return (await hasAccounts(tx)) ? undefined : await insertAccount(tx, name, secret)
  })
}

async function hasAccounts(tx: Transaction): Promise<boolean> {
  return (await tx.rows({ text: 'SELECT 1 FROM account LIMIT 1' })).length > 0
}

/** Prevents others from creating accounts until the transaction ends. */
async function lockAccounts(tx: Transaction): Promise<void> {
  await tx.execute({ text: 'LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE' })
}

/** Inserts an account. The transaction has locked the accounts. */
async function insertAccount(tx: Transaction, name: string, secret: string): Promise<NewAccount> {
  const check = new InputCheck()
  const accountName = check.name(name)
  check.done()
  const accountId = newId()
  const [namesake] = await findAccounts(tx, accountName)
  if (namesake !== undefined) throw new NameTakenError('account', namesake.name)
  await tx.execute({
    text: 'INSERT INTO account (id, name) VALUES ($1, $2)',
    values: [accountId, accountName],
  })
  await tx.execute({ text: 'INSERT INTO catalog (account_id) VALUES ($1)', values: [accountId] })
  await tx.execute({
    text: 'INSERT INTO event_log (account_id, log) VALUES ($1, $2)',
    values: [accountId, randomUUID()],
  })
  await insertKey(tx, accountId, { name: firstKeyName, scopes: allScopes }, secret)
  return { accountId, secret }
}

export type NamedAccount = Pick<Account, 'id' | 'name'>

/** The accounts with this name, ignoring case: more than one only if they are older than the rule in name.ts. */
export async function findAccounts(books: Queryable, name: string): Promise<NamedAccount[]> {
  return await books.rows<NamedAccount>({
    text: `SELECT id, name FROM account WHERE ${sameName('name', '$1::text[]')} ORDER BY name = $2 DESC, id`,
    values: [askedName(name.normalize('NFC')), name.normalize('NFC')],
  })
}

/** Creates a key. Rejects with an InvalidInputError. */
export async function createApiKey(
  connections: Pool,
  accountId: string,
  input: { name: string; scopes: readonly Scope[] },
): Promise<{ keyId: string; secret: string }> {
  const check = new InputCheck()
  const name = check.name(input.name)
  if (input.scopes.length === 0)
    check.issue(['scopes'], `Give the key at least one scope: ${allScopes.join(', ')}.`)
  check.done()
  const secret = newSecret()
  const scopes = allScopes.filter((scope) => input.scopes.includes(scope))
  const keyId = await transaction(connections, (tx) => insertKey(tx, accountId, { name, scopes }, secret))
  return { keyId, secret }
}

async function insertKey(
  tx: Transaction,
  accountId: string,
  { name, scopes, isLocal = false }: { name: string; scopes: readonly Scope[]; isLocal?: boolean },
  secret: string,
): Promise<string> {
  const keyId = newId()
  await tx.execute({
    text: `
      INSERT INTO api_key (id, account_id, name, hash, hint, scopes, is_local)
      VALUES ($1, $2, $3, $4, $5, $6::scope[], $7)`,
    values: [keyId, accountId, name, digestOf(secret), hintOf(secret), scopes, isLocal],
  })
  return keyId
}

/** The id of the account that was created first. */
export async function findFirstAccount(books: Books): Promise<string> {
  // Not with Prisma, which compiles its query compiler first: a start would take a quarter longer.
  const [account] = await books.rows<{ id: string }>({ text: 'SELECT id FROM account ORDER BY id LIMIT 1' })
  if (account === undefined) throw new Error('There is no account.')
  return account.id
}

/**
 * The key of the browsers on the operator's own machine, with a new secret: it is stored nowhere, so every start needs one. The
 * key stays the same, so that its sessions go on, and what was done with it remains known as such; only if it was revoked, there
 * is a new one.
 */
export async function renewLocalKey(
  books: Books,
  accountId: string,
): Promise<{ keyId: string; secret: string }> {
  const secret = newSecret()
  const keyId = await transaction(books.connections, async (tx) => {
    const [kept] = await tx.rows<{ id: string }>({
      // All scopes, as it may be older than one of them.
      text: `
        UPDATE api_key SET hash = $2, hint = $3, scopes = $4::scope[]
        WHERE account_id = $1 AND is_local AND revoked_at IS NULL RETURNING id`,
      values: [accountId, digestOf(secret), hintOf(secret), allScopes],
    })
    return (
      kept?.id ??
      (await insertKey(tx, accountId, { name: localKeyName, scopes: allScopes, isLocal: true }, secret))
    )
  })
  // The secret of the last start no longer works.
  books.notifications.announce({ topic: 'keys', key: '' })
  return { keyId, secret }
}

const localKeyName = 'This machine'

/**
 * Revokes a key permanently; every process rejects it within seconds. Revoking it again changes nothing. Rejects with a
 * NotFoundError.
 */
export async function revokeApiKey(books: Books, accountId: string, keyId: string): Promise<void> {
  const [key] = await books.rows({
    // A use that was recorded while this waited for the row came before the revocation.
    text: `UPDATE api_key SET revoked_at = coalesce(revoked_at, greatest($3::timestamptz, last_used_at))
           WHERE account_id = $1 AND id = $2 RETURNING id`,
    values: [accountId, keyId, books.now()],
  })
  if (key === undefined) throw new NotFoundError('API key', ['apiKeyId'])
  books.notifications.announce({ topic: 'keys', key: '' })
}

/** The keys that exist and have not been revoked, by the hashes of their secrets (see `hashOfSecret`). */
export async function findApiKeys(books: Books, hashes: readonly string[]): Promise<Map<string, ApiKey>> {
  // Not by Prisma, which takes longer: any request may wait for this.
  const keys = await books.rows<ApiKey>({
    name: 'find-api-keys',
    text: `
      SELECT id, account_id AS "accountId", name, hash, hint, scopes::text[] AS scopes,
        created_at AS "createdAt", last_used_at AS "lastUsedAt", revoked_at AS "revokedAt",
        is_local AS "isLocal"
      FROM api_key WHERE hash = ANY ($1::bytea[]) AND revoked_at IS NULL`,
    values: [hashes.map((each) => Buffer.from(each, 'base64'))],
  })
  return new Map(keys.map((key) => [Buffer.from(key.hash).toString('base64'), key]))
}

/** Records that keys have just been used. The last use of a key that has been revoked is its revocation. */
export async function touchApiKeys(books: Books, keyIds: readonly string[]): Promise<void> {
  await books.rows({
    // Locked in the order of their ids, so that two processes cannot deadlock.
    text: `
      UPDATE api_key SET last_used_at = least($2::timestamptz, revoked_at)
      WHERE id IN (SELECT id FROM api_key WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE)`,
    values: [keyIds, books.now()],
  })
}

/** Throws an InvalidInputError unless every name is the name of a scope. */
export function parseScopes(names: readonly string[]): Scope[] {
  return names.map((name) => {
    const scope = allScopes.find((known) => known === name.toUpperCase())
    if (scope === undefined)
      throw new InvalidInputError([
        { path: ['scopes'], message: `There is no scope "${name}". Choose from ${allScopes.join(', ')}.` },
      ])
    return scope
  })
}

/** The beginning of a secret, by which people recognise it. */
function hintOf(secret: string): string {
  return secret.slice(0, 9)
}

function digestOf(secret: string): Buffer {
  return Buffer.from(hashOfSecret(secret), 'base64')
}

/** The SHA-256 of a secret, in base64. */
export function hashOfSecret(secret: string): string {
  return hash('sha256', secret, 'base64')
}

/** 256 random bits. They cannot be guessed, so their hash needs neither to be slow nor a salt. */
function newSecret(): string {
  return `pk_${randomBytes(32).toString('base64url')}`
}
