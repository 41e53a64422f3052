import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { openConnections } from '../../src/database/open.ts'
import { createAccount } from '../../src/domain/account/account.ts'
import { Client } from './client.ts'
import type { TestService } from './service.ts'

/** The answer to a mutation: the fields of its payload, or those of a typed error. */
export interface Outcome {
  __typename: string
  message?: string
  code?: string
  path?: string[]
  issues?: { path: string[]; message: string }[]
  [field: string]: unknown
}

/** The fields of every typed error. */
export const errorFields = `
  ... on UserError { message code path }
  ... on InvalidInputError { issues { path message } }`

/** Sends a mutation with its input, and resolves to its answer. `payload` selects from its payload. */
export async function mutate<Payload = Outcome>(
  client: Client,
  mutation: string,
  input: Record<string, unknown>,
  payload = '',
): Promise<Payload & Outcome> {
  const name = mutation.slice(0, 1).toUpperCase() + mutation.slice(1)
  const selection = payload === '' ? '' : `... on ${name}Payload { ${payload} }`
  const { result } = await client.ask<{ result: Payload & Outcome }>(
    `mutation ($input: ${name}Input!) { result: ${mutation}(input: $input) { __typename ${errorFields} ${selection} } }`,
    { input },
  )
  return result
}

/** As `mutate`, but rejects when the mutation fails. */
export async function done<Payload>(
  client: Client,
  mutation: string,
  input: Record<string, unknown>,
  payload: string,
): Promise<Payload> {
  const result = await mutate<Payload>(client, mutation, input, payload)
  if (result.message !== undefined) throw new Error(`${mutation}: ${result.message}`)
  return result
}

export interface Shape {
  prefix?: string
  suffix?: string
  body?: { length?: number; pattern?: string }
  characters?: { set?: string; list?: string }
}

/** The id of a new webhook, by default to a receiver that does not exist. The service allows the network of 127.0.0.1. */
export async function newWebhook(
  client: Client,
  input: { url?: string; kinds?: string[]; poolId?: string; after?: string } = {},
): Promise<string> {
  const { webhook } = await done<{ webhook: { id: string } }>(
    client,
    'createWebhook',
    { url: 'http://127.0.0.1:1/', ...input },
    'webhook { id }',
  )
  return webhook.id
}

/** The id of a new format, which does not overlap with others unless `shape` has a prefix. */
export async function newFormat(client: Client, shape: Shape = {}): Promise<string> {
  const { format } = await done<{ format: { id: string } }>(
    client,
    'createFormat',
    {
      name: randomUUID(),
      shape: {
        prefix: `${randomUUID().slice(0, 8)}-`,
        body: { length: 10 },
        characters: { set: 'UNAMBIGUOUS' },
        ...shape,
      },
    },
    'format { id }',
  )
  return format.id
}

/** The id of a new pool. */
export async function newPool(client: Client, name: string = randomUUID()): Promise<string> {
  const { pool } = await done<{ pool: { id: string } }>(client, 'createPool', { name }, 'pool { id }')
  return pool.id
}

/** Generates codes into a pool, and resolves to the id of the task when it is completed. */
export async function generate(
  client: Client,
  input: { poolId: string; formatId: string; quantity: number | string } & Record<string, unknown>,
): Promise<string> {
  const { task } = await done<{ task: { id: string } }>(client, 'generateCodes', input, 'task { id }')
  await finished(client, task.id)
  return task.id
}

/** Resolves when the task has been completed. */
export async function finished(client: Client, taskId: string): Promise<void> {
  let status: string | undefined
  const updates = client.subscribe<{ taskUpdated: { status: string } }>(
    'subscription ($id: ID!) { taskUpdated(id: $id) { status } }',
    { id: taskId },
  )
  for await (const { data } of updates) status = data?.taskUpdated.status
  if (status !== 'COMPLETED') throw new Error(`The task ended as ${status}.`)
}

/** A new pool with this many codes of a new format. */
export async function newStock(
  client: Client,
  quantity: number | string,
  shape?: Shape,
): Promise<{ poolId: string; formatId: string; taskId: string }> {
  const [poolId, formatId] = await Promise.all([newPool(client), newFormat(client, shape)])
  return { poolId, formatId, taskId: await generate(client, { poolId, formatId, quantity }) }
}

/** Claims codes of a pool. */
export async function claim(
  client: Client,
  poolId: string,
  count = 1,
): Promise<{ id: string; code: string }[]> {
  const payload = 'codes { id code }'
  return (
    await done<{ codes: { id: string; code: string }[] }>(client, 'claimCodes', { poolId, count }, payload)
  ).codes
}

/** A client with a new key of the same account. */
export async function withScopes(
  service: { url: string },
  client: Client,
  scopes: readonly string[],
): Promise<Client & { keyId: string }> {
  const created = await done<{ secret: string; apiKey: { id: string } }>(
    client,
    'createApiKey',
    { name: scopes.join(' '), scopes },
    'secret apiKey { id }',
  )
  return Object.assign(new Client({ url: service.url, key: created.secret }), { keyId: created.apiKey.id })
}

/** A client of another account, which is new, on the same service, and its key. */
export async function stranger(service: TestService): Promise<Client & { key: string }> {
  const connections = openConnections(service.databaseUrl, { max: 1, log: pino({ level: 'silent' }) })
  try {
    const { secret } = await createAccount(connections, randomUUID())
    return Object.assign(new Client({ url: service.url, key: secret }), { key: secret })
  } finally {
    await connections.end()
  }
}
