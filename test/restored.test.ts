import { randomUUID } from 'node:crypto'
import { describe, expect, inject, it } from 'vitest'
import { claim, done, finished, generate, mutate, newFormat, newPool } from './support/api.ts'
import { Client } from './support/client.ts'
import { databaseUrl, runSql } from './support/database.ts'
import { findInstalledPostgres, InstalledPostgres } from './support/installed-postgres.ts'
import { LogLines } from './support/log-lines.ts'
import { type Ended, Program } from './support/process.ts'
import { startService } from './support/service.ts'
import { upload } from './support/upload-api.ts'
import { newCodes } from './support/uploads.ts'

const installed = await findInstalledPostgres()
if (installed === undefined)
  console.warn(
    'Skipped: restoring dumps and taking over need an installed PostgreSQL, with pg_dump: see POSTGRES_BIN in CONTRIBUTING.md.',
  )

const patience = { timeout: 120_000 }
const key = 'k'.repeat(32)

/** A database that loses commits. */
interface Disaster {
  readonly url: string
  /** Whether the service has to be stopped for a backup. */
  readonly isOffline: boolean
  backUp(): Promise<void>
  /** Resolves to the address of the database as it was at the backup. */
  restore(): Promise<string>
}

/** The service on a database, with a client of the first account. */
async function openService(databaseUrl: string) {
  const lines = new LogLines('warn')
  const service = await startService({ databaseUrl, key, log: lines.log })
  const client = new Client(service)
  return {
    url: service.url,
    client,
    /** What it has logged. */
    get log() {
      return lines.text
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await service.close()
    },
  }
}
type OpenService = Awaited<ReturnType<typeof openService>>

const restored = (url: string, ...args: string[]) =>
  new Program('src/cli/restored.ts', { args, environment: { DATABASE_URL: url } })

interface Pools {
  refilled: string
  generated: string
  uploaded: string
}

/** Pools of each kind, and all codes that were handed out from them. */
class Story {
  readonly given: string[] = []
  readonly #formatId: string
  readonly #pools: Pools

  private constructor(formatId: string, pools: Pools) {
    this.#formatId = formatId
    this.#pools = pools
  }

  static async begin({ client }: OpenService): Promise<Story> {
    const formatId = await newFormat(client)
    const [refilled, generated, uploaded] = [
      await newPool(client),
      await newPool(client),
      await newPool(client),
    ]
    const settings = {
      method: 'GENERATE',
      formatId,
      quantity: '30',
      autoGenerate: true,
      refillThreshold: '5',
    }
    await done(client, 'saveReplenishment', { poolId: refilled, ...settings }, 'pool { id }')
    return new Story(formatId, { refilled, generated, uploaded })
  }

  /** Claims, generates, uploads, redeems, withdraws and restores. */
  async goOn(service: OpenService, rounds: number): Promise<void> {
    const { client } = service
    const { refilled, generated, uploaded } = this.#pools
    for (let round = 0; round < rounds; round++) {
      await generate(client, { poolId: generated, formatId: this.#formatId, quantity: 25 })
      await finished(client, await upload(service, client, uploaded, newCodes(8).join('\n')))
      if (round % 2 === 1) await done(client, 'restoreCodes', { poolId: generated }, 'pool { id }')
      for (const poolId of [refilled, generated, uploaded, refilled]) {
        const codes = await claim(client, poolId, 7)
        this.given.push(...codes.map(({ code }) => code))
        const [first] = codes
        const reference = randomUUID()
        await done(client, 'redeemCode', { code: first?.code, reference }, 'redemption { id }')
      }
      if (round % 2 === 0) await done(client, 'withdrawCodes', { poolId: generated }, 'pool { id }')
    }
  }

  /** Tries to put withdrawn codes back into the stock. */
  async restoreAll({ client }: OpenService): Promise<void> {
    for (const poolId of Object.values(this.#pools)) await mutate(client, 'restoreCodes', { poolId })
  }
}

/** Runs `npm run restored` in a database that needs it: it is looked at, killed in the middle, and completed. */
async function followUp(url: string): Promise<void> {
  const counters = () =>
    runSql(url, 'SELECT id, next FROM format UNION ALL SELECT id, total FROM pool ORDER BY id')
  const before = await counters()
  expect(await restored(url).ended).toMatchObject({
    code: 2,
    stderr: '',
    stdout: expect.stringContaining('npm run restored -- --confirm'),
  })
  expect(await counters()).toEqual(before)
  {
    await using killed = restored(url, '--confirm')
    await killed.prints(/Doing it:\n.*format/)
    await killed.end('SIGKILL')
  }
  const { code, stdout, stderr }: Ended = await restored(url, '--confirm').ended
  expect(stderr).toBe('')
  expect(stdout).toMatch(/has not finished|This was done/)
  expect(code).toBe(stdout.includes('This was done') ? 2 : 0)
  const after = await counters()
  const again = await restored(url, '--confirm').ended
  expect(again).toMatchObject({ code: 2, stderr: '', stdout: expect.stringContaining('This was done') })
  expect(await counters()).toEqual(after)
}

async function tell({ url, isOffline, backUp, restore }: Disaster): Promise<void> {
  const { story, cursor } = await tellUntilDisaster({ url, isOffline, backUp })
  const back = await restore()
  {
    await using service = await openService(back)
    expect(service.log).toMatch(/npm run restored/)
  }
  // Only one of them is looked at so closely, as each process takes a while to start.
  if (isOffline) await followUp(back)
  else expect(await restored(back, '--confirm').ended).toMatchObject({ code: 0, stderr: '' })

  await using service = await openService(back)
  expect(service.log).not.toMatch(/npm run restored/)
  await story.restoreAll(service)
  await story.goOn(service, 2)
  expect(new Set(story.given).size).toBe(story.given.length)
  const subscription = 'subscription ($after: String) { poolEvents(after: $after) { __typename } }'
  const [answer] = await Array.fromAsync(service.client.subscribe(subscription, { after: cursor }))
  expect(answer?.errors?.map((error) => error.extensions?.['code'])).toEqual(['CURSOR_INVALID'])
  const audit = await new Program('src/cli/audit.ts', { environment: { DATABASE_URL: back } }).ended
  expect(audit.stdout).toContain('The books are sound.')
}

/** Two chapters, with the backup in between, and a cursor of the second. */
async function tellUntilDisaster({ url, isOffline, backUp }: Omit<Disaster, 'restore'>) {
  const begin = async (service: OpenService) => {
    const story = await Story.begin(service)
    await story.goOn(service, 2)
    return story
  }
  const end = async (service: OpenService, story: Story) => {
    await story.goOn(service, 2)
    expect(service.log).not.toMatch(/npm run restored/)
    const { eventCursor: cursor } = await service.client.ask<{ eventCursor: string }>('{ eventCursor }')
    return { story, cursor }
  }
  if (!isOffline) {
    await using service = await openService(url)
    const story = await begin(service)
    await Promise.all([backUp(), story.goOn(service, 1)])
    return await end(service, story)
  }
  const first = await openService(url)
  const story = await begin(first)
  await first[Symbol.asyncDispose]()
  await backUp()
  await using second = await openService(url)
  return await end(second, story)
}

describe('after npm run restored, no code is handed out twice', patience, () => {
  it('when a copy of the database was restored', async () => {
    const server = inject('serverUrl')
    const names: string[] = []
    const newDatabase = async (template: string) => {
      const name = `test_${randomUUID().replaceAll('-', '')}`
      await runSql(server, `CREATE DATABASE ${name} TEMPLATE ${template}`)
      names.push(name)
      return name
    }
    const name = await newDatabase(inject('templateName'))
    let backup = ''
    await tell({
      url: databaseUrl(server, name),
      isOffline: true,
      async backUp() {
        backup = await newDatabase(name)
      },
      restore: async () => databaseUrl(server, await newDatabase(backup)),
    })
    for (const each of names) await runSql(server, `DROP DATABASE ${each} WITH (FORCE)`)
  })

  describe.skipIf(installed === undefined)('on an installed PostgreSQL', () => {
    it('when a dump was restored that was made while services ran', async () => {
      await using server = await InstalledPostgres.start(installed ?? '')
      await runSql(server.url, 'CREATE DATABASE codes')
      const url = databaseUrl(server.url, 'codes')
      let load: (() => Promise<string>) | undefined
      await tell({
        url,
        isOffline: false,
        async backUp() {
          load = await server.dump(url)
        },
        restore: async () => (await load?.()) ?? '',
      })
    })

    it('when a standby took over that had not received all commits', async () => {
      await using server = await InstalledPostgres.start(installed ?? '')
      await using standbys = new AsyncDisposableStack()
      let promote: (() => Promise<InstalledPostgres>) | undefined
      await tell({
        url: server.url,
        isOffline: false,
        async backUp() {
          promote = await server.backUp()
        },
        async restore() {
          if (promote === undefined) throw new Error('There is no backup.')
          return standbys.use(await promote()).url
        },
      })
    })
  })
})
