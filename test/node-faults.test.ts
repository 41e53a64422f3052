import { exec } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { DatabaseUnavailableError } from '../src/database/errors.ts'
import { encodeCursor, readLog } from '../src/domain/books/event-log.ts'
import { generateCodes } from '../src/domain/generation/generation.ts'
import { readTask } from '../src/domain/generation/task.ts'
import { fill, newAccount, newFormat, openBooks, type Place } from './support/books.ts'
import { Client } from './support/client.ts'
import { testDatabase } from './support/database.ts'
import {
  claimant,
  expectKept,
  expectToldOfAll,
  follow,
  newKey,
  patiently,
  refillingPool,
} from './support/kept.ts'
import { type Claimed, Crowd, Fleet } from './support/load.ts'
import { MainProcess } from './support/process.ts'

/** Shell commands that kill a node of the server that TEST_DATABASE_URL names, and start it again. */
const { TEST_NODE_KILL: killNode, TEST_NODE_START: startNode } = process.env
const run = promisify(exec)

const manyAccounts = 8

interface Tenant extends Place {
  formatId: string
  poolId: string
  key: string
  claims: Claimed[]
  /** The cursor of the event that its subscriber has heard of last before all this, and its sequence. */
  after: string
  from: bigint
  seen: unknown[]
}

async function newTenant({ books }: Pick<Place, 'books'>): Promise<Tenant> {
  const place = { books, accountId: await newAccount(books) }
  const formatId = await newFormat(place)
  const poolId = await refillingPool(place, formatId)
  await fill(place, poolId, formatId, 100n)
  const { log, last } = await readLog(books, place.accountId)
  const after = encodeCursor({ log, sequence: last })
  return { ...place, formatId, poolId, key: await newKey(place), claims: [], after, from: last, seen: [] }
}

async function isServed({ books, accountId }: Place): Promise<boolean> {
  try {
    await readLog(books, accountId)
    return true
  } catch (error) {
    if (error instanceof DatabaseUnavailableError) return false
    throw error
  }
}

/** The lines of a process about nodes. */
function nodeLines({ stderr }: MainProcess): { msg: string; accounts: number }[] {
  return stderr
    .split('\n')
    .filter((line) => line.includes('a node of the database is'))
    .map((line) => JSON.parse(line))
}

describe.skipIf(!killNode || !startNode)(
  'a node of a distributed database that is killed (CONTRIBUTING.md says how to run this)',
  () => {
    it('stops only its own accounts, and nothing is lost or done twice', { timeout: 300_000 }, async () => {
      await using database = await testDatabase()
      await using test = await openBooks({ databaseUrl: database.url })
      const tenants = await Promise.all(Array.from({ length: manyAccounts }, () => newTenant(test)))
      await using processes = new AsyncDisposableStack()
      const start = async (role: string) => {
        const process = processes.use(new MainProcess({ DATABASE_URL: database.url, ROLE: role }))
        return { process, url: (await process.ready()).url }
      }
      const api = await start('api')
      const following = tenants.map(async (tenant) => {
        const client = processes.use(new Client({ url: api.url, key: tenant.key }))
        await follow(client, tenant.after, tenant.seen)
      })
      const crowd = new Crowd(
        tenants.map((tenant) => {
          const fleet = processes.use(new Fleet(tenant.key, [api.url]))
          return claimant(fleet, [tenant.poolId], tenant.claims)
        }),
      )
      await crowd.everyone(5)

      // Nobody carries these tasks out yet.
      const tasks = await Promise.all(
        tenants.map(async ({ books, accountId, poolId, formatId }) => ({
          accountId,
          taskId: await generateCodes(books, accountId, { poolId, formatId, quantity: 9n }),
        })),
      )
      const statusOf = async (tenant: Place) => {
        const task = tasks.find(({ accountId }) => accountId === tenant.accountId)
        return (await readTask(test.books, tenant.accountId, task?.taskId ?? ''))?.status
      }

      await run(killNode ?? '')
      const served = await Promise.all(tenants.map(isServed))
      const [live, dead] = [true, false].map((is) => tenants.filter((_, i) => served[i] === is))
      expect(live?.length).toBeGreaterThan(0)
      expect(dead?.length).toBeGreaterThan(0)

      // A worker that starts now carries out what it can reach, and says once what waits.
      const worker = await start('all')
      for (const tenant of live ?? []) {
        await expect.poll(() => statusOf(tenant), patiently).toBe('COMPLETED')
        const { last } = await readLog(test.books, tenant.accountId)
        await expect
          .poll(() => tenant.seen.at(-1), patiently)
          .toBe(encodeCursor(await cursorAt(tenant, last)))
      }
      const lines = () => nodeLines(worker.process).map(({ msg, accounts }) => ({ msg, accounts }))
      const away = {
        msg: 'a node of the database is away: the work for its accounts waits',
        accounts: dead?.length,
      }
      await expect.poll(lines, patiently).toEqual([{ ...away, accounts: expect.any(Number) }])
      const ready = async (url: string) => {
        const answer = await fetch(`${url}/ready`)
        return { status: answer.status, text: await answer.text() }
      }
      for (const { url } of [api, worker])
        await expect
          .poll(() => ready(url), patiently)
          .toEqual({
            status: 200,
            text: expect.stringMatching(/^ready\nthe node \S+ of the database is away since/),
          })
      for (const { key, poolId, formatId } of dead ?? []) {
        await using client = new Client({ url: worker.url, key })
        const { errors } = await client.send('{ pools(first: 1) { edges { node { id } } } }', {})
        expect(errors, `${poolId} ${formatId}`).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }])
      }

      await run(startNode ?? '')
      await crowd.everyone(3)
      for (const tenant of tenants) await expect.poll(() => statusOf(tenant), patiently).toBe('COMPLETED')
      await crowd.stop()
      await expect.poll(() => ready(worker.url), patiently).toEqual({ status: 200, text: 'ready\n' })
      expect(lines()).toEqual([
        { ...away, accounts: expect.any(Number) },
        {
          msg: 'a node of the database is back: the work for its accounts goes on',
          accounts: expect.any(Number),
        },
      ])
      for (const tenant of tenants) {
        await expectKept(tenant, tenant.claims)
        await expectToldOfAll(tenant, tenant.from, tenant.seen)
      }
      await processes.disposeAsync()
      await Promise.all(following)
    })
  },
)

async function cursorAt({ books, accountId }: Place, sequence: bigint) {
  const { log } = await readLog(books, accountId)
  return { log, sequence }
}
