import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { type ClientRequest, request } from 'node:http'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { findEmbeddedServer } from '../src/database/embedded/server.ts'
import { encodeCursor, readLog } from '../src/domain/books/event-log.ts'
import { generateCodes } from '../src/domain/generation/generation.ts'
import { lockPool } from '../src/domain/pool/pool.ts'
import { encodeId } from '../src/graphql/ids.ts'
import { mutate, type Outcome } from './support/api.ts'
import { formatNow, newFormat, newPool, openBooks, poolNow, type TestBooks } from './support/books.ts'
import { Client } from './support/client.ts'
import { runSql, sessionsThatWait, type TestDatabase, testDatabase } from './support/database.ts'
import {
  claimant,
  endQuietly,
  expectKept,
  expectQuiet,
  expectSound,
  expectToldOfAll,
  follow,
  generator,
  newKey,
  patiently,
  refillingPool,
  tasksEnd,
} from './support/kept.ts'
import { type Claimed, Crowd, claim, Fleet } from './support/load.ts'
import { MainProcess } from './support/process.ts'
import { openProxy } from './support/proxy.ts'
import { expectRedeemed, newClaimed } from './support/redemptions.ts'
import { startService } from './support/service.ts'
import { temporaryFolder } from './support/temporary.ts'

// Ten processes start here, and the machine may be busy.
const patience = { timeout: 240_000 }

/** For how long processes are killed. In a usual run, without KILL_SECONDS, each of them is killed once. */
const killSeconds = Number(process.env['KILL_SECONDS'] ?? 0)

interface Started {
  process: MainProcess
  url: string
}

/** Starts a service on the database, which `processes` ends if nothing else does. */
async function start(
  processes: AsyncDisposableStack,
  { databaseUrl }: TestBooks,
  role = 'all',
): Promise<Started> {
  const process = processes.use(new MainProcess({ DATABASE_URL: databaseUrl, ROLE: role }))
  return { process, url: (await process.ready()).url }
}

describe('many processes on one database', patience, () => {
  let database: TestDatabase
  let test: TestBooks
  let key: string
  const processes = new AsyncDisposableStack()
  // All of them serve, and two of them work. Workers alone are killed in upload-faults.test.ts.
  const roles = ['api', 'all', 'all']
  let running: Started[] = []
  let urls: string[]
  let formatId: string

  beforeAll(async () => {
    database = await testDatabase()
    test = await openBooks({ databaseUrl: database.url })
    key = await newKey(test)
    formatId = await newFormat(test)
    running = await Promise.all(roles.map((role) => start(processes, test, role)))
    urls = running.map(({ url }) => url)
  }, patience.timeout)

  afterAll(async () => {
    await endQuietly(running.map(({ process }) => process))
    await processes.disposeAsync()
    await test.close()
    const name = new URL(database.url).pathname.slice(1)
    const ask = (sql: string) => runSql(inject('serverUrl'), `${sql} WHERE datname = '${name}'`)
    // The statistics of a connection are complete once it is closed.
    await vi.waitFor(async () => expect(await ask('SELECT pid FROM pg_stat_activity')).toEqual([]), patiently)
    expect(await ask('SELECT deadlocks FROM pg_stat_database')).toEqual([{ deadlocks: '0' }])
    await database.close()
  }, patience.timeout)

  /** Holds the lock of a pool while `meanwhile` runs, so that claims wait. */
  async function holding<T>(poolId: string, meanwhile: () => Promise<T>): Promise<T> {
    return await test.books.write(test.accountId, async (tx) => {
      await lockPool(tx, poolId)
      return await meanwhile()
    })
  }

  /** Resolves when `count` transactions wait for the lock of a pool. */
  async function waiting(count: number): Promise<void> {
    await expect.poll(() => sessionsThatWait(test.books, 'FROM pool'), patiently).toHaveLength(count)
  }

  /** A pool with this stock and without refills. */
  async function stocked(quantity: bigint): Promise<string> {
    const poolId = await newPool(test)
    await generateCodes(test.books, test.accountId, { poolId, formatId, quantity })
    await tasksEnd(test)
    return poolId
  }

  it('serve one pool and several, refill, generate and cancel, and answer everybody', async () => {
    await using fleet = new Fleet(key, urls)
    const own = await newFormat(test)
    const one = await refillingPool(test, formatId)
    const several = await Promise.all([formatId, formatId, own].map((id) => refillingPool(test, id)))
    const claims: Claimed[] = []
    const crowd = new Crowd([
      ...Array.from({ length: 6 }, () => claimant(fleet, [one], claims)),
      ...Array.from({ length: 6 }, () => claimant(fleet, several, claims)),
      generator(fleet, one, formatId),
      generator(fleet, several[0] ?? '', formatId),
      generator(fleet, several[2] ?? '', own),
    ])
    await crowd.everyone(10)
    await expectSound(test)
    await crowd.everyone(10)
    await crowd.stop()
    await expectKept(test, claims)

    for (const poolId of [one, ...several]) {
      const answered = claims.filter((claimed) => claimed.poolId === poolId)
      const count = answered.reduce((sum, claimed) => sum + claimed.count, 0)
      expect(await poolNow(test, poolId)).toMatchObject({ claimed: BigInt(count) })
    }
    expect(await formatNow(test, own)).toMatchObject({ reserved: 0n })
  })

  it('return the same codes for the same key, from every process and concurrently', async () => {
    await using fleet = new Fleet(key, urls)
    const poolId = await refillingPool(test, formatId)
    for (let round = 0; round < 5; round++) {
      const keys = [randomUUID(), randomUUID()]
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          claim(fleet, { poolId, count: 2, idempotencyKey: keys[i % 2] ?? '' }),
        ),
      )
      expect(new Set(answers.map(({ codes }) => JSON.stringify(codes))).size).toBe(2)
    }
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 20n })
  })

  it('serve one of two inputs that are sent concurrently with one key', async () => {
    const clients = urls.map((url) => new Client({ url, key }))
    const [a, b] = await Promise.all([stocked(100n), stocked(100n)])
    for (let round = 0; round < 10; round++) {
      const idempotencyKey = randomUUID()
      const outcomes = await Promise.all(
        clients.map((client, i) =>
          mutate(client, 'claimCodes', {
            poolId: encodeId('Pool', (i % 2 === 0 ? a : b) ?? ''),
            count: 3,
            idempotencyKey,
          }),
        ),
      )
      const served = outcomes.map(({ __typename }) => __typename)
      expect([
        ['ClaimCodesPayload', 'IdempotencyConflictError', 'ClaimCodesPayload'],
        ['IdempotencyConflictError', 'ClaimCodesPayload', 'IdempotencyConflictError'],
      ]).toContainEqual(served)
    }
    const [one, other] = [await poolNow(test, a), await poolNow(test, b)]
    expect(one.claimed + other.claimed).toBe(30n)
    await expectSound(test)
  })

  describe('a client that disconnects before the answer, and repeats its request with the same key', () => {
    /** Sends a claim on its own connection. */
    function send(url: string, poolId: string, idempotencyKey: string): ClientRequest {
      const query =
        'mutation ($input: ClaimCodesInput!) { claimCodes(input: $input) { ... on ClaimCodesPayload { codes { code } } } }'
      const input = { poolId: encodeId('Pool', poolId), count: 2, recipient: idempotencyKey, idempotencyKey }
      const sent = request(`${url}/graphql`, {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      })
      sent.end(JSON.stringify({ query, variables: { input } }))
      return sent
    }

    /** Destroys the connection, unless it has been closed already. */
    async function disconnect(lost: ClientRequest): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>()
      lost.once('close', resolve)
      // The client itself reports 'socket hang up'.
      lost.on('error', () => undefined)
      lost.destroy()
      if (!lost.closed) await promise
    }

    it('gets the codes of the claim, which was completed without it', async () => {
      await using fleet = new Fleet(key, urls)
      const poolId = await stocked(10n)
      const idempotencyKey = randomUUID()
      await holding(poolId, async () => {
        const lost = send(urls[0] ?? '', poolId, idempotencyKey)
        await waiting(1)
        await disconnect(lost)
      })
      const codes = await claim(fleet, { poolId, count: 2, idempotencyKey })
      expect(await claim(fleet, { poolId, count: 2, idempotencyKey })).toEqual(codes)
      await expectKept(test, [codes])
    })

    it('gets its codes once, whenever it disconnects', async () => {
      await using fleet = new Fleet(key, urls)
      const poolId = await refillingPool(test, formatId)
      const claims = await Promise.all(
        Array.from({ length: 60 }, async () => {
          const idempotencyKey = randomUUID()
          const lost = send(urls[randomInt(3)] ?? '', poolId, idempotencyKey)
          await once(lost, 'finish')
          for (let iterations = randomInt(60); iterations > 0; iterations--)
            await new Promise((resolve) => setImmediate(resolve))
          await disconnect(lost)
          return await claim(fleet, { poolId, count: 2, idempotencyKey })
        }),
      )
      for (const first of claims.slice(0, 10)) expect(await claim(fleet, first)).toEqual(first)
      await expectKept(test, claims)
    })
  })

  describe('a claim', () => {
    it('does not depend on the outcome of others in its group', async () => {
      const [url = ''] = urls
      await using client = new Client({ url, key })
      const poolId = await stocked(20n)
      const used = randomUUID()
      const ask = (input: { count: number; idempotencyKey?: string }) =>
        mutate<{ codes: unknown[] }>(
          client,
          'claimCodes',
          { poolId: encodeId('Pool', poolId), ...input },
          'codes { code }',
        )
      const earlier = await ask({ count: 1, idempotencyKey: used })

      const asked = await holding(poolId, async () => {
        const ahead = ask({ count: 1 })
        await waiting(1)
        const behind = [
          ask({ count: 2 }),
          ask({ count: 0 }),
          ask({ count: 1, idempotencyKey: '' }),
          ask({ count: 2, idempotencyKey: used }),
          ask({ count: 1, idempotencyKey: used }),
          ask({ count: 100 }),
          ask({ count: 3 }),
        ]
        // Sent after the others and answered from the database: by then, the others wait for the pool.
        for (let i = 0; i < 3; i++) await client.ask('{ pools { totalCount } }')
        return { ahead, behind }
      })
      expect((await asked.ahead).codes).toHaveLength(1)
      expect((await Promise.all(asked.behind)).map(({ __typename, codes }) => codes ?? __typename)).toEqual([
        expect.objectContaining({ length: 2 }),
        'InvalidInputError',
        'InvalidInputError',
        'IdempotencyConflictError',
        earlier.codes,
        'NotEnoughCodesError',
        expect.objectContaining({ length: 3 }),
      ])
      const groups = await test.books.rows<{ counts: number[] }>({
        text: `SELECT array_agg(count ORDER BY first) AS counts FROM claim
               WHERE account_id = $1 AND pool_id = $2 GROUP BY nonce ORDER BY min(first)`,
        values: [test.accountId, poolId],
      })
      expect(groups.map(({ counts }) => counts)).toEqual([[1], [1], [2, 3]])
      expect(await poolNow(test, poolId)).toMatchObject({ claimed: 7n })
    })

    it('does not wait for another pool, nor for others to join its group', async () => {
      await using fleet = new Fleet(key, urls.slice(0, 1))
      const [held, free] = await Promise.all([stocked(5n), stocked(5n)])
      const { stuck } = await holding(held, async () => {
        const stuck = claim(fleet, { poolId: held, count: 1 })
        await waiting(1)
        expect((await claim(fleet, { poolId: free, count: 1 })).codes).toHaveLength(1)
        return { stuck }
      })
      expect((await stuck).codes).toHaveLength(1)
    })
  })

  // The last test: it replaces the processes.
  it(
    'are killed in turn, lose no claim that was answered and no event, and hand out no code twice',
    async () => {
      const poolIds = await Promise.all(Array.from({ length: 50 }, () => refillingPool(test, formatId)))
      await using fleet = new Fleet(key, urls)

      // It stays, so that the subscription has no reason to end.
      await using quiet = await startService({ databaseUrl: test.databaseUrl, role: 'api' })
      await using subscriber = new Client({ url: quiet.url, key })
      const log = await readLog(test.books, test.accountId)
      const seen: unknown[] = []
      const following = follow(subscriber, encodeCursor({ log: log.log, sequence: log.last }), seen)

      const claims: Claimed[] = []
      const crowd = new Crowd([
        ...Array.from({ length: 6 }, () => claimant(fleet, poolIds, claims)),
        generator(fleet, poolIds[0] ?? '', formatId),
        generator(fleet, poolIds[1] ?? '', formatId),
      ])
      const end = performance.now() + killSeconds * 1_000
      // Some of the kills interrupt a claim.
      for (let turn = 0; turn < roles.length || performance.now() < end || fleet.lost === 0; turn++) {
        const at = turn % roles.length
        // While a process starts, there is load, but not so much that it has no processor. It is killed under full load.
        crowd.restMs = 200
        const successor = await start(processes, test, roles[at])
        crowd.restMs = 0
        await crowd.everyone(1)
        const { process, url } = running[at] ?? successor
        fleet.add(successor.url)
        fleet.remove(url)
        expectQuiet(await process.end('SIGKILL'))
        running[at] = successor
      }
      await crowd.stop()
      expect(fleet.lost).toBeGreaterThan(0)
      await expectKept(test, claims)
      await expectToldOfAll(test, log.last, seen)

      // The keys work with every later service.
      for (const claimed of claims.slice(0, 50)) expect(await claim(fleet, claimed)).toEqual(claimed)
      await expectKept(test, claims)
      await subscriber[Symbol.asyncDispose]()
      await following
    },
    patience.timeout + killSeconds * 1_000,
  )
})

describe('a service that is killed while codes are redeemed and rolled back, three times', () => {
  it('keeps every answer that it has given, and redeems no code twice', patience, async () => {
    await using test = await openBooks()
    const key = await newKey(test)
    const { poolId, codes } = await newClaimed(test, { count: 2_000 })
    await using fleet = new Fleet(key)
    await using processes = new AsyncDisposableStack()
    await using lasting = await startService({ databaseUrl: test.databaseUrl })
    fleet.add(lasting.url)
    /** What stands of each code, by the answers: the reference for which it was redeemed, unless that was rolled back. */
    const standing = new Map<string, string | undefined>()
    let next = 0
    // Two rivals redeem the same codes. Whoever wins rolls some back.
    const rivals = Array.from({ length: 6 }, () => async () => {
      const { code = '' } = codes[next++] ?? {}
      const outcomes = await Promise.all(['a', 'b'].map((reference) => redeem(fleet, code, reference)))
      const [winner, ...others] = outcomes.filter(({ redemption }) => redemption !== undefined)
      expect(others).toEqual([])
      const { id = '', reference } = winner?.redemption ?? {}
      for (const refused of outcomes.filter((outcome) => outcome !== winner))
        expect(refused).toEqual({ __typename: 'CodeRedeemedError' })
      const isRolledBack = randomInt(3) === 0
      if (isRolledBack) expect(await rollBack(fleet, id)).toBe('RollBackRedemptionPayload')
      standing.set(code, isRolledBack ? undefined : reference)
    })

    for (let kill = 1; kill <= 3; kill++) {
      const { process, url } = await start(processes, test)
      fleet.add(url)
      const crowd = new Crowd(rivals)
      await crowd.everyone(2)
      fleet.remove(url)
      expectQuiet(await process.end('SIGKILL'))
      await crowd.stop()
    }
    expect(fleet.lost).toBeGreaterThan(0)

    const rows = await test.books.rows<{ position: string; reference: string }>({
      text: `
        SELECT position, reference FROM redemption
        WHERE account_id = $1 AND pool_id = $2 AND rolled_back_version IS NULL`,
      values: [test.accountId, poolId],
    })
    const kept = new Map(rows.map(({ position, reference }) => [position, reference]))
    for (const { code, position } of codes) expect(kept.get(String(position))).toBe(standing.get(code))
    await expectRedeemed(test, poolId, rows.length)
    await expectSound(test)
  })

  async function redeem(fleet: Fleet, code: string, reference: string) {
    const { redeemCode } = await fleet.ask<{
      redeemCode: { __typename: string; redemption?: { id: string; reference: string } }
    }>(
      `mutation ($input: RedeemCodeInput!) {
        redeemCode(input: $input) { __typename ... on RedeemCodePayload { redemption { id reference } } }
      }`,
      { input: { code, reference } },
    )
    return redeemCode
  }

  async function rollBack(fleet: Fleet, redemptionId: string): Promise<string> {
    const { rollBackRedemption } = await fleet.ask<{ rollBackRedemption: Outcome }>(
      'mutation ($input: RollBackRedemptionInput!) { rollBackRedemption(input: $input) { __typename } }',
      { input: { redemptionId } },
    )
    return rollBackRedemption.__typename
  }
})

describe('a database that goes away', patience, () => {
  const status = async (url: string, path: string) => (await fetch(`${url}${path}`)).status

  it('is reported immediately, and the service recovers on its own when it is back', async () => {
    await using test = await openBooks()
    await using proxy = await openProxy(test.databaseUrl)
    const errors: string[] = []
    const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) })
    await using service = await startService({ databaseUrl: proxy.url, log })
    const { url } = service
    const client = new Client({ url, key: await newKey(test) })
    const poolId = await refillingPool(test, await newFormat(test))
    const ask = () =>
      client.send<{ claimCodes: unknown } | null>(
        'mutation ($input: ClaimCodesInput!) { claimCodes(input: $input) { ... on ClaimCodesPayload { codes { code } } } }',
        { input: { poolId: encodeId('Pool', poolId), count: 1 } },
      )
    expect((await ask()).errors).toBeUndefined()

    proxy.breakDown()
    // All are answered while the database is unavailable: it comes back only after that.
    for (const { errors } of await Promise.all(Array.from({ length: 20 }, ask)))
      expect(errors).toMatchObject([
        { extensions: { code: 'UNAVAILABLE', retryAfterMs: expect.any(Number) } },
      ])
    expect(await status(url, '/ready')).toBe(503)
    expect(await status(url, '/health')).toBe(200)

    proxy.mend()
    expect(await status(url, '/ready')).toBe(200)
    expect((await ask()).errors).toBeUndefined()
    expect(await poolNow(test, poolId)).toMatchObject({ claimed: 2n })
    await service.close()
    expect(errors).toEqual([])
  })

  it('loses nothing when its own PostgreSQL is killed under load, several times, and told to stop', async () => {
    await using folder = await temporaryFolder()
    const dataDir = join(folder.path, 'data')
    await using service = new MainProcess({ DATA_DIR: dataDir })
    const { url } = await service.ready()
    const databaseUrl = (await findEmbeddedServer({ dataDir })) ?? ''
    await using test = await openBooks({ databaseUrl })
    const key = await newKey(test)
    const formatId = await newFormat(test)
    const poolIds = [await refillingPool(test, formatId), await refillingPool(test, formatId)]

    await using subscriber = new Client({ url, key })
    const log = await readLog(test.books, test.accountId)
    const seen: unknown[] = []
    const following = follow(subscriber, encodeCursor({ log: log.log, sequence: log.last }), seen)

    await using fleet = new Fleet(key, [url])
    const claims: Claimed[] = []
    const crowd = new Crowd([
      ...Array.from({ length: 6 }, () => claimant(fleet, poolIds, claims)),
      generator(fleet, poolIds[0] ?? '', formatId),
    ])
    for (const [signal, victim] of [
      ['SIGKILL', postmaster],
      ['SIGKILL', anyBackend],
      ['SIGTERM', postmaster],
      ['SIGKILL', postmaster],
      ['SIGKILL', postmaster],
    ] as const) {
      await crowd.everyone(5)
      // A busy machine may have recovered from the loss of a backend before anybody asks whether the service is ready.
      const connection = new pg.Client(databaseUrl)
      const lost = new Promise((resolve) => connection.on('error', resolve))
      await connection.connect()
      process.kill(await victim(), signal)
      await lost
      if (victim === postmaster)
        await expect.poll(() => status(url, '/ready'), { ...patiently, interval: 1 }).toBe(503)
      expect(await status(url, '/health')).toBe(200)
      await expect.poll(() => status(url, '/ready'), patiently).toBe(200)
    }
    await crowd.everyone(5)
    await crowd.stop()
    expect(fleet.unavailable).toBeGreaterThan(0)
    await expectKept(test, claims)

    await expectToldOfAll(test, log.last, seen)
    await subscriber[Symbol.asyncDispose]()
    await following

    /** The process of the embedded server, from PostgreSQL's postmaster.pid. */
    async function postmaster(): Promise<number> {
      const files = await readdir(dataDir, { recursive: true })
      const file = files.find((name) => name.endsWith('postmaster.pid')) ?? ''
      return Number((await readFile(join(dataDir, file), 'utf8')).split('\n', 1)[0])
    }

    /** A process that serves a connection. If it is killed, PostgreSQL ends all connections and recovers. */
    async function anyBackend(): Promise<number> {
      const [backend] = await runSql<{ pid: number }>(
        databaseUrl,
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() LIMIT 1`,
      )
      return backend?.pid ?? 0
    }
  })
})
