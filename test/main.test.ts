import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startEmbeddedServer } from '../src/database/embedded/server.ts'
import { allScopes } from '../src/domain/account/account.ts'
import { Client } from './support/client.ts'
import { testDatabase } from './support/database.ts'
import { MainProcess, Program, Running } from './support/process.ts'
import { shared } from './support/shared.ts'
import { copyFolder, temporaryFolder } from './support/temporary.ts'

const key = 'a-key-of-the-tests-which-is-long-enough'

// Up to ten processes start in a test, and the machine may be busy.
const patience = { timeout: 120_000 }

/** What a service has printed that started on an empty DATA_DIR, with `key` as its first key, and the data that it left. */
const used = shared(async () => {
  const place = await temporaryFolder()
  const data = join(place.path, 'data')
  const service = new MainProcess({ DATA_DIR: data, BOOTSTRAP_API_KEY: key })
  await service.ready()
  const { stdout } = await service.end('SIGTERM')
  // A copy takes a tenth of the time of a first start.
  return {
    stdout,
    copyData: () => copyFolder(data, dataDir),
    [Symbol.asyncDispose]: place[Symbol.asyncDispose],
  }
})

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let dataDir: string

beforeEach(async () => {
  folder = await temporaryFolder()
  dataDir = join(folder.path, 'data')
})

afterEach(() => folder[Symbol.asyncDispose]())

/** The process of the embedded server, from PostgreSQL's postmaster.pid. */
async function postmaster(): Promise<number> {
  const files = await readdir(dataDir, { recursive: true })
  const file = files.find((name) => name.endsWith('postmaster.pid'))
  if (file === undefined) throw new Error('No PostgreSQL runs on the data.')
  return Number((await readFile(join(dataDir, file), 'utf8')).split('\n', 1)[0])
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function createPool(client: Client, name: string): Promise<void> {
  await client.ask(
    `mutation ($name: String!) { createPool(input: { name: $name }) { ... on CreatePoolPayload { pool { id } } } }`,
    { name },
  )
}

async function poolNames(client: Client): Promise<string[]> {
  const { pools } = await client.ask<{ pools: { edges: { node: { name: string } }[] } }>(
    '{ pools { edges { node { name } } } }',
  )
  return pools.edges.map(({ node }) => node.name)
}

describe('npm start', patience, () => {
  it('creates everything on an empty machine, says what to do next, and finds its data again', async () => {
    const first = new MainProcess({ DATA_DIR: dataDir })
    const { url, key: secret } = await first.ready()
    expect(first.stdout).toContain('Your first API key')
    expect(first.stdout).toMatch(
      /Console: +http\S+\/\n.*GraphiQL: +http\S+\/graphql .*\n\n.*signed in already/,
    )
    const client = new Client({ url, key: secret })
    expect(await poolNames(client)).toEqual(['Sample pool (play with it or leave it alone)'])
    await createPool(client, 'Kept')
    const server = await postmaster()
    const { code, stderr } = await first.end('SIGTERM')
    expect(code, stderr).toBe(0)
    expect(lives(server)).toBe(false)

    await using second = new MainProcess({ DATA_DIR: dataDir })
    const again = await second.ready()
    expect(again.key).toBeUndefined()
    expect(await poolNames(new Client({ url: again.url, key: secret }))).toContain('Kept')
  })

  it('does not print the first key where the operator has chosen it', () => {
    expect(used.stdout).toContain('signed in already')
    // Output is kept in many places.
    expect(used.stdout).toContain('BOOTSTRAP_API_KEY')
    expect(used.stdout).not.toContain(key)
  })

  it('on another database has no sample, prints the first key on a terminal alone, and says elsewhere how to get one', async () => {
    await using database = await testDatabase({ empty: true })
    const environment = { DATABASE_URL: database.url }
    await using service = new MainProcess(environment)
    const { url, key: printed } = await service.ready()
    expect(printed).toBeUndefined()
    expect(service.stdout).toContain('sign in with your API key')
    const [, command = ''] = /^ {4}npm run account -- (.+)$/m.exec(service.stdout) ?? []
    const args = [...command.matchAll(/"([^"]+)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '')
    const { stdout } = await new Program('src/cli/account.ts', { args, environment }).ended
    const [, secret] = /^ {4}(pk_\S+)$/m.exec(stdout) ?? []
    expect(await poolNames(new Client({ url, key: secret }))).toEqual([])

    await using other = await testDatabase({ empty: true })
    const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env
    // A program that gives another one a terminal.
    await using onTerminal = new Running(
      'script',
      ['--quiet', '--return', '--command', `exec "${process.execPath}" src/main.ts`, '/dev/null'],
      { cwd: process.cwd(), env: { PATH, HOME, NODE_COMPILE_CACHE, PORT: '0', DATABASE_URL: other.url } },
    )
    await onTerminal.prints(/pk_[\w-]+\s[\s\S]*Ctrl-C/)
  })

  it('recovers when its PostgreSQL was killed, then when both were killed together, and then when it was killed alone', async () => {
    await used.copyData()
    await using first = new MainProcess({ DATA_DIR: dataDir })
    const client = new Client({ ...(await first.ready()), key })
    await createPool(client, 'Kept')
    process.kill(await postmaster(), 'SIGKILL')
    // In the meantime the answer is to try again.
    await expect
      .poll(() => client.send('{ pools { edges { node { name } } } }'), { timeout: 20_000 })
      .toMatchObject({ data: { pools: { edges: expect.arrayContaining([{ node: { name: 'Kept' } }]) } } })

    first.process.kill('SIGKILL')
    process.kill(await postmaster(), 'SIGKILL')
    await first.ended
    await using second = new MainProcess({ DATA_DIR: dataDir })
    expect(await poolNames(new Client({ ...(await second.ready()), key }))).toContain('Kept')

    const server = await postmaster()
    await second.end('SIGKILL')
    expect(lives(server)).toBe(true)
    await using third = new MainProcess({ DATA_DIR: dataDir })
    expect(await poolNames(new Client({ ...(await third.ready()), key }))).toContain('Kept')
    expect(await postmaster()).toBe(server)
    await third.end('SIGINT')
    expect(lives(server)).toBe(false)
  })
})

describe('a problem that only the operator can fix ends the start with one clear message', patience, () => {
  async function refusal(environment: Record<string, string>): Promise<string> {
    const { code, stdout, stderr } = await new MainProcess({ DATA_DIR: dataDir, ...environment }).ended
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).not.toMatch(/^\s+at /m)
    return stderr
  }

  it('all problems of the environment, together', async () => {
    const message = await refusal({
      PORT: 'abc',
      DATABASE_URL: 'mysql://x',
      ROLE: 'boss',
      BOOTSTRAP_API_KEY: 'short',
    })
    for (const name of ['PORT', 'DATABASE_URL', 'ROLE', 'BOOTSTRAP_API_KEY']) expect(message).toContain(name)
    expect(message).not.toContain('"short"')
  })

  it('a database that cannot be reached', async () => {
    const message = await refusal({ DATABASE_URL: 'postgres://me:hidden-password@127.0.0.1:9/db' })
    expect(message).toContain('127.0.0.1:9')
    expect(message).not.toContain('hidden-password')
  })

  it('a database that is newer than the service', async () => {
    await using database = await testDatabase()
    await database.connections.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ('x', 'x', '99999999999999_of_the_future', now(), 1)`,
    )
    expect(await refusal({ DATABASE_URL: database.url })).toContain('newer')
  })

  it('a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    try {
      await new Promise((resolve) => taken.once('listening', resolve))
      const address = taken.address()
      const port = typeof address === 'object' ? String(address?.port) : ''
      // On an empty machine, it says nothing of the PostgreSQL that it stops, and the next start still has the first key.
      const message = await refusal({ PORT: port })
      expect(message).toContain(`PORT ${port} of 127.0.0.1 is already in use.`)
      expect(message).not.toContain('lost a connection')
    } finally {
      taken.close()
    }
    await using next = new MainProcess({ DATA_DIR: dataDir })
    const { url, key: secret } = await next.ready()
    expect(await poolNames(new Client({ url, key: secret }))).toHaveLength(1)
  })

  it('a folder that another service uses', async () => {
    await used.copyData()
    const other = await startEmbeddedServer({ dataDir, log: pino({ level: 'silent' }) })
    try {
      expect(await refusal({})).toContain(`${dataDir} is in use by another service`)
    } finally {
      await other.close()
    }
  })

  it('a folder that cannot be written', async () => {
    const impossible = '/dev/null/promo-codes'
    expect(await refusal({ DATA_DIR: impossible })).toContain(impossible)
  })
})

describe('roles', patience, () => {
  /** A process for the API and one for the work on a database, with the modules that each had loaded by the time it was ready. */
  const processes = shared(async () => {
    await using opened = new AsyncDisposableStack()
    const lists = opened.use(await temporaryFolder())
    const database = opened.use(await testDatabase())
    const start = async (ROLE: string) => {
      const list = join(lists.path, ROLE)
      const hook = `import { appendFileSync } from 'node:fs'
        import { registerHooks } from 'node:module'
        registerHooks({ load: (url, context, next) => {
          appendFileSync(${JSON.stringify(list)}, url + '\\n')
          return next(url, context)
        } })`
      const process = opened.use(
        new MainProcess({
          DATABASE_URL: database.url,
          BOOTSTRAP_API_KEY: key,
          ROLE,
          NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}`,
        }),
      )
      const { url } = await process.ready()
      return { url, stdout: process.stdout, modules: await readFile(list, 'utf8') }
    }
    const [api, worker] = [await start('api'), await start('worker')]
    const all = opened.move()
    return { api, worker, [Symbol.asyncDispose]: () => all.disposeAsync() }
  })

  it('a worker loads nothing of GraphQL’s server, the schema and the pages, neither process loads what is off, and the worker says where its health is', () => {
    const { api, worker } = processes
    const parts = ['graphql-yoga', 'graphql-ws', '@pothos', 'graphql/schema.ts', 'graphiql', 'console']
    expect(parts.filter((part) => !api.modules.includes(part))).toEqual([])
    expect(parts.filter((part) => worker.modules.includes(part))).toEqual([])
    // Traces are off.
    for (const { modules } of [api, worker]) expect(modules).not.toContain('@opentelemetry')
    expect(worker.stdout).toContain('/health')
    expect(worker.stdout).not.toMatch(/GraphiQL|Console/)
  })

  it('one process serves the API, another executes tasks, which start as soon as they are created', async () => {
    const { api, worker } = processes
    expect((await fetch(`${worker.url}/graphql`, { method: 'POST' })).status).toBe(404)
    expect((await fetch(`${worker.url}/ready`)).status).toBe(200)

    await using client = new Client({ url: api.url, key })
    const made = await client.ask<{
      format: { format: { id: string } }
      pool: { pool: { id: string } }
    }>(`mutation {
      format: createFormat(input: { name: "F", shape: { body: { length: 8 }, characters: { set: DIGITS } } }) {
        ... on CreateFormatPayload { format { id } }
      }
      pool: createPool(input: { name: "P" }) { ... on CreatePoolPayload { pool { id } } }
    }`)
    const input = { poolId: made.pool.pool.id, formatId: made.format.format.id, quantity: 5 }
    const { generateCodes } = await client.ask<{ generateCodes: { task: { id: string; status: string } } }>(
      `mutation ($input: GenerateCodesInput!) {
        generateCodes(input: $input) { ... on GenerateCodesPayload { task { id status } } }
      }`,
      { input },
    )
    expect(generateCodes.task.status).toBe('AWAITING_EXECUTION')
    const seen: unknown[] = []
    for await (const { data } of client.subscribe(
      'subscription ($id: ID!) { taskUpdated(id: $id) { status } }',
      {
        id: generateCodes.task.id,
      },
    ))
      seen.push(data)
    expect(seen.at(-1)).toEqual({ taskUpdated: { status: 'COMPLETED' } })
  })
})

describe('npm run account', patience, () => {
  it('creates accounts and keys in the database of the running service, and replaces lost keys', async () => {
    await used.copyData()
    await using service = new MainProcess({ DATA_DIR: dataDir })
    const { url } = await service.ready()
    const account = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Program('src/cli/account.ts', {
        args,
        environment: { DATA_DIR: dataDir },
      }).ended
      expect(code, stderr).toBe(0)
      return stdout
    }
    const secretIn = (text: string) => /^ {4}(pk_\S+)$/m.exec(text)?.[1]

    const first = secretIn(await account('create', 'Acme'))
    expect(await poolNames(new Client({ url, key: first }))).toEqual([])
    const claimOnly = new Client({ url, key: secretIn(await account('create-key', 'Acme', 'Shop', 'CLAIM')) })
    expect((await claimOnly.send('{ pools { totalCount } }')).errors?.[0]?.extensions.code).toBe('FORBIDDEN')
    const own = await new Client({ url, key: first }).ask<{ account: { id: string } }>('{ account { id } }')
    const [, accountId = ''] = Buffer.from(own.account.id, 'base64').toString().split(':')
    expect(await account('create-key', accountId, 'On call', 'READ')).toContain(
      'The account "Acme" has a new key',
    )
    const till = new Client({ url, key: secretIn(await account('create-key', 'Acme', 'Till', 'redeem')) })
    const { redeemCode } = await till.ask<{ redeemCode: object }>(
      'mutation { redeemCode(input: { code: "no code", reference: "order 1" }) { __typename } }',
    )
    expect(redeemCode).toEqual({ __typename: 'NotFoundError' })
    expect(await account('list')).toMatch(/Till {2}REDEEM {2}/)

    const second = secretIn(await account('replace-key', 'Acme', 'First key'))
    expect(await poolNames(new Client({ url, key: second }))).toEqual([])
    const lost = new Client({ url, key: first })
    await expect
      .poll(async () => (await lost.send('{ account { id } }')).errors?.[0]?.extensions.code)
      .toBe('UNAUTHENTICATED')
    const list = await account('list')
    expect(list).toContain('Acme')
    expect(list).toContain('revoked')
    expect(list).not.toContain(second)
    // Not the one that was replaced, which has the same name.
    expect(await account('revoke-key', 'Acme', 'First key')).toContain('no longer works')

    await service.end('SIGTERM')
    expect(await account('list')).toContain('Acme')
  })

  it('says what is wrong and shows its usage', async () => {
    const outcome = async (...args: string[]) =>
      await new Program('src/cli/account.ts', { args, environment: { DATA_DIR: dataDir } }).ended
    const unknown = await outcome('drop')
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toMatch(/^There is no command "drop"\./)
    expect(unknown.stderr).toContain('npm run account -- create')
    for (const scope of allScopes) expect(unknown.stderr).toContain(`  ${scope} `)
    expect(unknown.stderr).toMatch(/ADMIN +API keys, webhooks, forgetting recipients/)
    const lost = await outcome('list')
    expect(lost.code).toBe(1)
    expect(lost.stderr).toMatch(/^There is no database in /)
  })
})
