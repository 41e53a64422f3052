import { parseArgs } from 'node:util'
import { validate as isId } from 'uuid'
import {
  allScopes,
  createAccount,
  createApiKey,
  findAccounts,
  type NamedAccount,
  parseScopes,
  revokeApiKey,
} from '../domain/account/account.ts'
import type { Books } from '../domain/books/books.ts'
import type { ApiKey, Scope } from '../generated/prisma/client.ts'
import { OperatorError } from '../operator-error.ts'
import { withBooks } from './books.ts'
import { readArguments, run, UsageError } from './program.ts'

const scopes: Record<Scope, string> = {
  READ: 'queries, subscriptions, and files of claimed codes',
  MANAGE: 'formats, pools, settings, terms, generation, uploads, withdrawing and voiding codes',
  CLAIM: 'claiming codes',
  REDEEM: 'redeeming codes and rolling redemptions back: all that a till needs',
  ADMIN: 'API keys, webhooks, forgetting recipients',
}

const usage = `Manages accounts and API keys in the database of the service.

  npm run account -- list                                 list the accounts and their keys
  npm run account -- create <account>                     create an account, with a key that has all scopes
  npm run account -- create-key <account> <key> <scopes>  create another key, with scopes such as READ,CLAIM
  npm run account -- replace-key <account> <key>          replace a lost key by a new one, and revoke it
  npm run account -- revoke-key <account> <key>           revoke a key

<account> is the name of an account, or its id, as in the log. <key> is the name of a key, or its hint if several keys have that name.
The secret of a new key is shown only once. <scopes> are what a key may do; none of them includes another:

${allScopes.map((scope) => `  ${scope.padEnd(8)}${scopes[scope]}`).join('\n')}
`

type Command = (books: Books, args: string[]) => Promise<string>

const commands: Record<string, { arguments: number; run: Command }> = {
  list: { arguments: 0, run: list },
  create: { arguments: 1, run: create },
  'create-key': { arguments: 3, run: createKey },
  'replace-key': { arguments: 2, run: replaceKey },
  'revoke-key': { arguments: 2, run: revokeKey },
}

async function list(books: Books): Promise<string> {
  const accounts = await books.prisma.account.findMany({
    include: { apiKeys: { orderBy: { id: 'asc' } } },
    orderBy: { id: 'asc' },
  })
  const lines = accounts.flatMap((account) => [
    account.name,
    ...account.apiKeys.map((key) => `  ${key.hint}…  ${key.name}  ${key.scopes.join(',')}  ${useOf(key)}`),
  ])
  return lines.length === 0 ? 'There is no account yet: start the service once.' : lines.join('\n')
}

function useOf(key: ApiKey): string {
  if (key.revokedAt !== null) return `revoked ${key.revokedAt.toISOString()}`
  return key.lastUsedAt === null ? 'never used' : `last used ${key.lastUsedAt.toISOString()}`
}

async function create(books: Books, [name = '']: string[]): Promise<string> {
  const { secret } = await createAccount(books.connections, name)
  return withSecret(`The account "${name}" has a key with all scopes`, secret)
}

async function createKey(
  books: Books,
  [accountName = '', name = '', scopes = '']: string[],
): Promise<string> {
  const account = await findAccount(books, accountName)
  const { secret } = await createApiKey(books.connections, account.id, {
    name,
    scopes: parseScopes(scopes.split(',')),
  })
  return withSecret(`The account "${account.name}" has a new key "${name}"`, secret)
}

async function replaceKey(books: Books, [accountName = '', name = '']: string[]): Promise<string> {
  const account = await findAccount(books, accountName)
  const lost = await findKey(books, account, name)
  const { secret } = await createApiKey(books.connections, account.id, lost)
  await revokeApiKey(books, account.id, lost.id)
  return withSecret(`The key "${lost.name}" (${lost.hint}…) is revoked and replaced`, secret)
}

async function revokeKey(books: Books, [accountName = '', name = '']: string[]): Promise<string> {
  const account = await findAccount(books, accountName)
  const key = await findKey(books, account, name)
  await revokeApiKey(books, account.id, key.id)
  return `The key "${key.name}" (${key.hint}…) no longer works.`
}

/** The account with exactly this name, or else the one whose name differs only in case, or else the one with this id. */
async function findAccount(books: Books, name: string): Promise<NamedAccount> {
  const [named, ...others] = await findAccounts(books, name)
  const account =
    named ?? (isId(name) ? await books.prisma.account.findUnique({ where: { id: name } }) : null)
  if (account === null || (account.name !== name && others.length > 0))
    throw new OperatorError(`There is no account "${name}". List the accounts with: npm run account -- list`)
  return account
}

/** The only key with this name or hint that is not revoked. */
async function findKey(books: Books, account: NamedAccount, name: string): Promise<ApiKey> {
  const keys = await books.prisma.apiKey.findMany({
    where: {
      accountId: account.id,
      revokedAt: null,
      OR: [{ name }, { hint: name.replace(/…$/, '') }],
    },
  })
  const [key, ...others] = keys
  if (key === undefined)
    throw new OperatorError(
      `The account "${account.name}" has no working key "${name}". List the keys with: npm run account -- list`,
    )
  if (others.length > 0)
    throw new OperatorError(
      `The account "${account.name}" has ${keys.length} keys "${name}". Give the hint of one instead: ${keys.map(({ hint }) => hint).join(', ')}.`,
    )
  return key
}

function withSecret(message: string, secret: string): string {
  return `${message}. Its secret is shown only once:\n\n    ${secret}\n`
}

async function main(): Promise<number> {
  const { positionals } = readArguments(() => parseArgs({ allowPositionals: true }))
  const [name = '', ...args] = positionals
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined)
    throw new UsageError(name === '' ? 'Say what to do.' : `There is no command ${JSON.stringify(name)}.`)
  if (args.length !== command.arguments)
    throw new UsageError(
      `${name} needs ${command.arguments} arguments, but has ${args.length}. Put names with spaces in quotes.`,
    )
  process.stdout.write(`${await withBooks((books) => command.run(books, args))}\n`)
  return 0
}

await run(main, { failure: 1, usage })
