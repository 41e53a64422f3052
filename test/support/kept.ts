import { randomInt, randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { allScopes, createApiKey } from '../../src/domain/account/account.ts'
import { auditBooks, type Finding } from '../../src/domain/audit/audit.ts'
import { encodeCursor, readLog } from '../../src/domain/books/event-log.ts'
import { computeCodes } from '../../src/domain/code/code.ts'
import { readBatches } from '../../src/domain/pool/batch.ts'
import { encodeId } from '../../src/graphql/ids.ts'
import type { Outcome } from './api.ts'
import { newPool, type Place, poolNow } from './books.ts'
import type { Client } from './client.ts'
import { type Claimed, claim, type Fleet } from './load.ts'
import type { Ended, MainProcess } from './process.ts'

// The machine may be busy.
export const patiently = { timeout: 40_000 }

/** The secret of a new key of the account. */
export async function newKey({ books, accountId }: Place): Promise<string> {
  return (await createApiKey(books.connections, accountId, { name: 'Tests', scopes: allScopes })).secret
}

/** The id of a pool with auto-generation of `quantity` codes, which these tests trigger often. */
export async function refillingPool(place: Place, formatId: string, quantity = 40n): Promise<string> {
  return await newPool(place, { formatId, quantity, autoGenerate: true, refillThreshold: 3n })
}

/** A client that claims from one pool after the other, a few codes or many, and keeps the results in `claims`. */
export function claimant(fleet: Fleet, poolIds: readonly string[], claims: Claimed[]): () => Promise<void> {
  let next = randomInt(poolIds.length)
  return async () => {
    const poolId = poolIds[next++ % poolIds.length] ?? ''
    const count = randomInt(10) === 0 ? 150 : randomInt(1, 6)
    claims.push(await claim(fleet, { poolId, count }))
  }
}

/** A client that generates codes into the pool, and cancels about half of the tasks. */
export function generator(fleet: Fleet, poolId: string, formatId: string): () => Promise<void> {
  const input = { poolId: encodeId('Pool', poolId), formatId: encodeId('Format', formatId), quantity: 7 }
  return async () => {
    const { generateCodes } = await fleet.ask<{ generateCodes: Outcome & { task: { id: string } } }>(
      `mutation ($input: GenerateCodesInput!) {
        generateCodes(input: $input) { __typename ... on GenerateCodesPayload { task { id } } }
      }`,
      { input: { ...input, idempotencyKey: randomUUID() } },
    )
    expect(generateCodes.__typename).toBe('GenerateCodesPayload')
    if (randomInt(2) === 0) return
    const { cancelTask } = await fleet.ask<{ cancelTask: Outcome }>(
      'mutation ($input: CancelTaskInput!) { cancelTask(input: $input) { __typename } }',
      { input: { taskId: generateCodes.task.id } },
    )
    expect(cancelTask.__typename).toMatch(/^(CancelTaskPayload|TaskFinishedError)$/)
  }
}

/** Resolves when all tasks have ended. */
export async function tasksEnd({ books, accountId }: Place): Promise<void> {
  const unfinished = `
    SELECT id FROM task WHERE account_id = $1 AND status IN ('AWAITING_EXECUTION', 'RUNNING')`
  await expect.poll(() => books.rows({ text: unfinished, values: [accountId] }), patiently).toEqual([])
}

/**
 * Checks claims of which none was left unanswered: the database has exactly these, each with exactly its codes, no code
 * was handed out twice, and the books balance.
 */
export async function expectKept(place: Place, claims: readonly Claimed[]): Promise<void> {
  const { books, accountId } = place
  const codes = claims.flatMap((claimed) => claimed.codes.map(({ code }) => code))
  expect(new Set(codes).size).toBe(codes.length)
  for (const claimed of claims) expect(claimed.codes).toHaveLength(claimed.count)

  const kept: [string, string[]][] = []
  for (const poolId of new Set(claims.map((claimed) => claimed.poolId))) {
    const { claimed: end } = await poolNow(place, poolId)
    const line = await computeCodes(
      books,
      accountId,
      await readBatches(books, accountId, poolId, 0n, end),
      0n,
      end,
    )
    const rows = await books.rows<{ first: string; count: string; recipient: string }>({
      text: 'SELECT first, count, recipient FROM claim WHERE account_id = $1 AND pool_id = $2',
      values: [accountId, poolId],
    })
    for (const { first, count, recipient } of rows)
      kept.push([recipient, line.slice(Number(first), Number(first) + Number(count)).map(({ code }) => code)])
  }
  const answered = claims.map(({ idempotencyKey, codes: given }): [string, string[]] => [
    idempotencyKey,
    given.map(({ code }) => code),
  ])
  const byKey = ([a]: [string, string[]], [b]: [string, string[]]) => (a < b ? -1 : 1)
  expect(kept.toSorted(byKey)).toEqual(answered.toSorted(byKey))
  await tasksEnd(place)
  await expectSound(place)
}

/** Audits all books of the database while others use them. */
export async function expectSound({ books }: Place): Promise<void> {
  const findings: Finding[] = []
  await auditBooks(books.connections, (finding) => findings.push(finding))
  expect(findings).toEqual([])
}

/** Ends services and checks that they have logged no errors. */
export async function endQuietly(processes: readonly MainProcess[]): Promise<void> {
  for (const ended of await Promise.all(processes.map((one) => one.end('SIGTERM')))) {
    expect(ended.code, ended.stderr).toBe(0)
    expectQuiet(ended)
  }
}

/** Checks that a process has logged no errors, even if it was killed. */
export function expectQuiet({ stderr }: Ended): void {
  expect(stderr.split('\n').filter((line) => /"level":[56]0/.test(line))).toEqual([])
}

/** Adds the cursors of all events after `cursor` to `seen`, and the errors of the subscription. */
export async function follow(client: Client, cursor: string, seen: unknown[]): Promise<void> {
  const events = client.subscribe<{ poolEvents: { cursor: string } }>(
    'subscription ($after: String) { poolEvents(after: $after) { cursor } }',
    { after: cursor },
  )
  for await (const { data, errors } of events) seen.push(errors ?? data?.poolEvents.cursor)
}

/** Checks that a subscriber has been told of each event after `from`, once and in order. */
export async function expectToldOfAll(
  { books, accountId }: Place,
  from: bigint,
  seen: readonly unknown[],
): Promise<void> {
  const { log, last } = await readLog(books, accountId)
  const cursors = Array.from({ length: Number(last - from) }, (_, i) =>
    encodeCursor({ log, sequence: from + BigInt(i + 1) }),
  )
  await expect.poll(() => seen.length, patiently).toBe(cursors.length)
  expect(seen).toEqual(cursors)
}
