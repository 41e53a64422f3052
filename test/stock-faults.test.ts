import { expect, it } from 'vitest'
import { createApiKey } from '../src/domain/account/account.ts'
import { readEventsAfter } from '../src/domain/books/event-log.ts'
import { encodeId } from '../src/graphql/ids.ts'
import type { Outcome } from './support/api.ts'
import { expectBalance } from './support/audit.ts'
import { fill, newFormat, newPool, poolNow, useBooks } from './support/books.ts'
import { type Claimed, Crowd, claim, Fleet } from './support/load.ts'
import { MainProcess } from './support/process.ts'
import { startService } from './support/service.ts'

// Whole processes are started here, on a machine that may be busy.
const patience = { timeout: 120_000 }

const test = useBooks()

it('codes are withdrawn and restored as a whole or not at all, whoever is killed', patience, async () => {
  const { books, accountId, databaseUrl } = test
  const quantity = 100_000n
  const poolId = await newPool(test)
  const formatId = await newFormat(test)
  const tasks = [await fill(test, poolId, formatId, quantity), await fill(test, poolId, formatId, quantity)]
  const { secret } = await createApiKey(books.connections, accountId, {
    name: 'Tests',
    scopes: ['READ', 'MANAGE', 'CLAIM'],
  })
  const start = async () => {
    const service = new MainProcess({ DATABASE_URL: databaseUrl, ROLE: 'api' })
    return { service, url: (await service.ready()).url }
  }
  await using fleet = new Fleet(secret)
  await using lasting = await startService({ databaseUrl, role: 'api' })
  fleet.add(lasting.url)

  const claims: Claimed[] = []
  const refused = new Set<string>()
  const claimant = async () => {
    try {
      claims.push(await claim(fleet, { poolId, count: 3 }))
    } catch (error) {
      // Everything was withdrawn just then.
      refused.add(String(error))
    }
  }
  const manager = (taskId: string) => {
    const input = { poolId: encodeId('Pool', poolId), taskId: encodeId('Task', taskId) }
    let name = 'Withdraw'
    return async () => {
      const { result } = await fleet.ask<{ result: Outcome }>(
        `mutation ($input: ${name}CodesInput!) { result: ${name.toLowerCase()}Codes(input: $input) { __typename } }`,
        { input },
      )
      expect(result.__typename).toBe(`${name}CodesPayload`)
      name = name === 'Withdraw' ? 'Restore' : 'Withdraw'
    }
  }
  const crowd = new Crowd([claimant, claimant, claimant, ...tasks.map(manager)])
  // Some of the kills interrupt a request.
  for (let kill = 0; kill < 2 || fleet.lost === 0; kill++) {
    // There is load while it starts, and full load when it is killed.
    crowd.restMs = 200
    const { service, url } = await start()
    fleet.add(url)
    crowd.restMs = 0
    await crowd.everyone(8)
    fleet.remove(url)
    await service.end('SIGKILL')
  }
  await crowd.everyone(4)
  await crowd.stop()

  const codes = claims.flatMap((claimed) => claimed.codes.map(({ code }) => code))
  expect(new Set(codes).size).toBe(codes.length)
  for (const message of refused) expect(message).toMatch(/available, so nothing was claimed/)
  const pool = await poolNow(test, poolId)
  expect(pool).toMatchObject({ claimed: BigInt(codes.length), total: 2n * quantity - pool.withdrawn })
  // What the history says of each task adds up to what is withdrawn of it.
  const events = await readEventsAfter(books, accountId, 0n, 10_000)
  const withdrawn = events.reduce((sum, { kind, payload }) => {
    if (kind === 'CODES_WITHDRAWN') return sum + BigInt(payload.count)
    return kind === 'CODES_RESTORED' ? sum - BigInt(payload.count) : sum
  }, 0n)
  expect(pool.withdrawn).toBe(withdrawn)
  await expectBalance(test)
})
