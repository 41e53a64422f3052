import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { pino } from 'pino'
import { v7 as newId } from 'uuid'
import { typedKey } from '../src/codespace/typed-form.ts'
import { startEmbeddedServer } from '../src/database/embedded/server.ts'
import { Notifications } from '../src/database/notifications.ts'
import { connectionConfig, openDatabase } from '../src/database/open.ts'
import { createFirstAccount } from '../src/domain/account/account.ts'
import { Books } from '../src/domain/books/books.ts'
import { CodeSpaces } from '../src/domain/books/codespaces.ts'
import { createFormat } from '../src/domain/format/create.ts'
import { generateCodes, runGeneration } from '../src/domain/generation/generation.ts'
import { saveReplenishment } from '../src/domain/generation/replenishment.ts'
import { readTask } from '../src/domain/generation/task.ts'
import { createPool, readPool } from '../src/domain/pool/pool.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { encodeId } from '../src/graphql/ids.ts'
import type { Lifecycle } from '../src/lifecycle.ts'
import { startService } from '../src/service.ts'
import { type Load, type Measurement, measure, requestOf } from './load.ts'
import type { ServerOptions } from './server.ts'

// Ten million rows are written by one statement.
const maxPreparationMs = 3_600_000

/** How an answer with codes begins. */
export const beginningOfClaim = '{"data":{"result":{"codes":[{"code":"'

const log = pino({ level: 'error' }, pino.destination(2))

/** Books on a database of their own, with one account, whose key has all scopes. */
export interface BenchBooks {
  readonly databaseUrl: string
  readonly books: Books
  readonly accountId: string
  readonly key: string
}

/** Starts a PostgreSQL with its own defaults, on disk, which does not outlive this process. Resolves to the address of an empty database. */
export async function startPostgres(lifecycle: Lifecycle): Promise<string> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void lifecycle.close().finally(() => process.exit(1)))
  const dataDir = await lifecycle.open(
    'data',
    () => mkdtemp(join(tmpdir(), 'promo-codes-bench-')),
    (folder) => rm(folder, { recursive: true, force: true }),
  )
  const server = await lifecycle.open(
    'PostgreSQL',
    () => startEmbeddedServer({ dataDir, log }),
    (opened) => opened.close(),
  )
  return server.url
}

/** Resolves to the address of another empty database on the same PostgreSQL. */
export async function createDatabase(databaseUrl: string, name: string): Promise<string> {
  const client = new pg.Client(connectionConfig(databaseUrl))
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  const url = new URL(databaseUrl)
  url.pathname = name
  return url.href
}

export async function openBooks(lifecycle: Lifecycle, databaseUrl: string): Promise<BenchBooks> {
  const pool = await lifecycle.open(
    'connections',
    () => openDatabase(databaseUrl, { max: 16, log, statementTimeoutMs: maxPreparationMs }),
    (opened) => opened.end(),
  )
  const prisma = await lifecycle.open(
    'Prisma',
    () => new PrismaClient({ adapter: new PrismaPg(pool) }),
    (opened) => opened.$disconnect(),
  )
  // Not opened: nobody here listens.
  const notifications = new Notifications({ pool, connection: connectionConfig(databaseUrl), log })
  const books = new Books({ pool, prisma, notifications, codeSpaces: new CodeSpaces(), log })
  const key = randomBytes(24).toString('hex')
  const account = await createFirstAccount(pool, 'Bench', key)
  if (account === undefined) throw new Error('The database is not a new one.')
  return { databaseUrl, books, accountId: account.accountId, key }
}

const servers = new Map<string, ChildProcess>()

/** The process of a server. */
export function processOf(url: string): ChildProcess {
  const server = servers.get(url)
  if (server === undefined) throw new Error(`There is no server at ${url}.`)
  return server
}

/** Bytes of memory that a server holds. */
export async function memoryOf(url: string): Promise<number> {
  const server = processOf(url)
  const answer = once(server, 'message')
  server.send('memory')
  return Number((await answer)[0])
}

/** What one turn of a server's event loop took at most, in milliseconds. */
export interface LongestTurn {
  /** Until its turn was over, by the clock, whatever else the machine did. */
  maxDelayMs: number
  /** Of a processor's time. */
  maxStretchMs: number
}

/** Does something and measures what it makes a server do. */
export async function watchTurns(url: string, work: () => Promise<void>): Promise<LongestTurn> {
  const server = processOf(url)
  const ask = async (what: 'watch' | 'end') => {
    const answer = once(server, 'message')
    server.send(what)
    return (await answer)[0]
  }
  await ask('watch')
  await work()
  return await ask('end')
}

/** Starts a server as a process of its own. Resolves to its address. */
export async function startServer(lifecycle: Lifecycle, options: ServerOptions): Promise<string> {
  const server = await lifecycle.open(
    'server',
    () =>
      fork(join(import.meta.dirname, 'server.ts'), [JSON.stringify(options)], { execArgv: ['--expose-gc'] }),
    async (child) => {
      if (!child.connected) return
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  )
  const [address] = await Promise.race([
    once(server, 'message'),
    once(server, 'exit').then(() => Promise.reject(new Error('The server has ended.'))),
  ])
  servers.set(String(address), server)
  return String(address)
}

/** A service on a PostgreSQL of its own, on disk: what `npm start` gives, in this process. */
export async function startBenchService(
  lifecycle: Lifecycle,
): Promise<{ url: string; key: string; databaseUrl: string }> {
  const databaseUrl = await startPostgres(lifecycle)
  const key = randomBytes(24).toString('hex')
  const { url } = await startService(lifecycle, {
    databaseUrl,
    embedded: false,
    port: 0,
    host: '127.0.0.1',
    role: 'all',
    bootstrapApiKey: key,
    eventRetentionDays: 30,
    rejectedRowsRetentionDays: 30,
    failedLookUpsPerMinute: 100,
    maxUploadBytes: 2 ** 30,
    log,
  })
  return { url, key, databaseUrl }
}

/** A format of codes of `length` characters out of 24: far more than any benchmark takes. */
export async function newFormat({ books, accountId }: BenchBooks, length = 10): Promise<string> {
  return await createFormat(books, accountId, {
    name: `${length} characters`,
    shape: { prefix: '', suffix: '', body: { length }, characters: { set: 'UNAMBIGUOUS' } },
  })
}

/** A pool with `quantity` codes, which with `refills` gets as many again whenever the last one is claimed. */
export async function newPool(
  { books, accountId }: BenchBooks,
  pool: { name: string; formatId: string; quantity: bigint; refills?: boolean },
): Promise<string> {
  const { name, formatId, quantity } = pool
  const poolId = await createPool(books, accountId, { name })
  if (pool.refills === true)
    await saveReplenishment(books, accountId, {
      poolId,
      method: 'GENERATE',
      formatId,
      quantity,
      autoGenerate: true,
      refillThreshold: 0n,
    })
  else {
    const taskId = await generateCodes(books, accountId, { poolId, formatId, quantity })
    // The worker of a server may be at it already.
    while ((await readTask(books, accountId, taskId))?.status !== 'COMPLETED')
      await runGeneration(books, { accountId, taskId })
  }
  return poolId
}

/** A pool with codes as an upload leaves them. */
export async function newUploadedPool(
  { books, accountId }: BenchBooks,
  { name, codes }: { name: string; codes: readonly string[] },
): Promise<string> {
  const poolId = await createPool(books, accountId, { name })
  const taskId = newId()
  await books.rows({
    text: `
      INSERT INTO task (account_id, id, kind, trigger, pool_id, status, accepted, added)
      VALUES ($1, $2, 'UPLOAD', 'MANUAL', $3, 'COMPLETED', $4::bigint, $4::bigint)`,
    values: [accountId, taskId, poolId, codes.length],
  })
  const atOnce = 100_000
  for (let at = 0; at < codes.length; at += atOnce) {
    const some = codes.slice(at, at + atOnce)
    await books.rows({
      text: `
        INSERT INTO uploaded_code (account_id, task_id, row, code, typed)
        SELECT $1, $2, $3::numeric + number - 1, code, typed
        FROM unnest($4::text[], $5::text[]) WITH ORDINALITY AS codes (code, typed, number)`,
      values: [accountId, taskId, at, some, some.map(typedKey)],
    })
  }
  await books.rows({
    text: 'INSERT INTO batch (account_id, pool_id, start, count, task_id) VALUES ($1, $2, 0, $3, $4)',
    values: [accountId, poolId, codes.length, taskId],
  })
  await books.rows({
    text: 'UPDATE pool SET total = $3 WHERE account_id = $1 AND id = $2',
    values: [accountId, poolId, codes.length],
  })
  return poolId
}

/** How many codes of a pool have been claimed. */
export async function claimedOf({ books, accountId }: BenchBooks, poolId: string): Promise<number> {
  const pool = await readPool(books, accountId, poolId)
  return Number(pool?.claimed)
}

/** The document of a mutation that takes the input of claimCodes and answers with its payload. */
export function claimDocument(field: string): string {
  return `mutation ($input: ClaimCodesInput!) { result: ${field}(input: $input) {
    ... on ClaimCodesPayload { codes { code } } ... on UserError { code message } } }`
}

/** The input of claimCodes. */
export function claimInput(poolId: string, count: number): { input: { poolId: string; count: number } } {
  return { input: { poolId: encodeId('Pool', poolId), count } }
}

/** Who claims, and what of. */
export interface Claiming {
  key: string
  /** claimCodes, or another mutation with its input and its answers. */
  field?: string
  /** Of each claim one, at random. */
  poolIds: readonly string[]
  /** Codes of each claim: one when it is not said. */
  count?: number
}

/** A side of a comparison: claims over HTTP, for as long as a round takes. */
export function claiming(
  load: Load,
  { key, field = 'claimCodes', poolIds, count = 1 }: Claiming,
): () => Promise<Measurement> {
  const query = claimDocument(field)
  const requests = poolIds.map((poolId) => requestOf({ key, query, variables: claimInput(poolId, count) }))
  const next = () => requests[Math.floor(Math.random() * requests.length)] as Buffer
  return () => measure(load, next, beginningOfClaim)
}

/** A side whose figure is its rate. */
export function rateOf(side: () => Promise<Measurement>): () => Promise<number> {
  return async () => (await side()).rate
}

export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
  if (middle === undefined) throw new Error('There is no median of nothing.')
  return middle
}

/**
 * Measures two sides in turns, `rounds` times after two that warm up: who begins changes with every round, so that
 * neither has the machine in a better moment. Resolves to the medians, and to the median of each round's first by
 * second.
 */
export async function compare(
  rounds: number,
  first: () => Promise<number>,
  second: () => Promise<number>,
): Promise<{ first: number; second: number; ratio: number }> {
  const figures: { first: number; second: number }[] = []
  for (let round = -2; round < rounds; round++) {
    const figure = { first: 0, second: 0 }
    if (round % 2 === 0) figure.first = await first()
    figure.second = await second()
    if (round % 2 !== 0) figure.first = await first()
    if (round >= 0) figures.push(figure)
  }
  return {
    first: median(figures.map((figure) => figure.first)),
    second: median(figures.map((figure) => figure.second)),
    ratio: median(figures.map((figure) => figure.first / figure.second)),
  }
}

/** Prints a figure, aligned with others. */
export function show(what: string, figure: number, unit: string): void {
  const digits = figure < 100 ? 1 : 0
  const number = figure.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  console.log(`  ${what.padEnd(58)}${number.padStart(12)} ${unit}`)
}

/** Prints a ratio beside what it should be at least, or at most. */
export function showRatio(
  what: string,
  ratio: number,
  target: { atLeast: number } | { atMost: number },
): void {
  const [bound, met] =
    'atLeast' in target
      ? [`at least ${target.atLeast}`, ratio >= target.atLeast]
      : [`at most ${target.atMost}`, ratio <= target.atMost]
  console.log(`  ${what.padEnd(58)}${ratio.toFixed(2).padStart(12)} (${bound}: ${met ? 'met' : 'missed'})\n`)
}
