import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
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
import { createFormat } from '../src/domain/format/create.ts'
import { generateCodes, runGeneration } from '../src/domain/generation/generation.ts'
import { saveReplenishment } from '../src/domain/generation/replenishment.ts'
import { readTask } from '../src/domain/generation/task.ts'
import { createPool } from '../src/domain/pool/pool.ts'
import { PrismaClient } from '../src/generated/prisma/client.ts'
import { encodeId } from '../src/graphql/ids.ts'
import { grouped } from '../src/grouped.ts'
import type { Lifecycle } from '../src/lifecycle.ts'
import { type Load, type Measurement, measure, requestOf } from './load.ts'
import { databaseSeconds } from './processor-time.ts'
import type { ServerOptions } from './server.ts'

// One statement writes ten million rows.
const maxPreparationMs = 3_600_000

/** How an answer with codes begins. */
export const beginningOfClaim = '{"data":{"result":{"codes":[{"code":"'

const log = pino({ level: 'error' }, pino.destination(2))

/** Books in a database of their own, with one account, whose key has all scopes. */
export interface Bench {
  readonly lifecycle: Lifecycle
  readonly databaseUrl: string
  readonly books: Books
  readonly accountId: string
  readonly key: string
  /** Its formats by the length of their codes: see `formatOf`. */
  readonly formats: Map<number, Promise<string>>
}

/** Opens new books, on a PostgreSQL of their own unless the address of an empty database is given. */
export async function openBench(lifecycle: Lifecycle, url?: string): Promise<Bench> {
  const databaseUrl = url ?? (await startPostgres(lifecycle))
  const connections = await lifecycle.open(
    'connections',
    () => openDatabase(databaseUrl, { max: 16, log, statementTimeoutMs: maxPreparationMs }),
    (opened) => opened.end(),
  )
  const prisma = await lifecycle.open(
    'Prisma',
    () => new PrismaClient({ adapter: new PrismaPg(connections) }),
    (opened) => opened.$disconnect(),
  )
  // Not opened, as nobody listens here.
  const notifications = new Notifications({ connections, connection: connectionConfig(databaseUrl), log })
  const books = new Books({ connections, prisma, notifications, log })
  const key = randomBytes(24).toString('hex')
  const account = await createFirstAccount(connections, 'Bench', key)
  if (account === undefined) throw new Error('The database is not empty.')
  return { lifecycle, databaseUrl, books, accountId: account.accountId, key, formats: new Map() }
}

/**
 * Starts a PostgreSQL with its own defaults, on disk, which ends with this process. Resolves to the address of an empty
 * database.
 */
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

/** Creates another database on the same PostgreSQL, and resolves to its address. */
export async function createDatabase(databaseUrl: string, name: string): Promise<string> {
  const client = new pg.Client(connectionConfig(databaseUrl))
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  const url = new URL(databaseUrl)
  url.pathname = name
  return url.href
}

const scrapeEveryMs = 5_000

/** What a server says when it is ready. */
interface ServerAddress {
  url: string
  metricsUrl?: string
}

const servers = new Map<string, ChildProcess>()

/** The process of a server. */
export function processOf(url: string): ChildProcess {
  const server = servers.get(url)
  if (server === undefined) throw new Error(`There is no server at ${url}.`)
  return server
}

/** How many bytes of memory a server uses. */
export async function memoryOf(url: string): Promise<number> {
  return await numberOf(url, 'memory')
}

/** How many bytes a server keeps: those of its memory that are no garbage. */
export async function keptBy(url: string): Promise<number> {
  return await numberOf(url, 'kept')
}

/** How many milliseconds of processor time a server has used so far. */
export async function cpuMsOf(url: string): Promise<number> {
  return await numberOf(url, 'cpu')
}

async function numberOf(url: string, asked: 'memory' | 'kept' | 'cpu'): Promise<number> {
  const server = processOf(url)
  const answer = once(server, 'message')
  server.send(asked)
  return Number((await answer)[0])
}

/** The longest iteration of a server's event loop, in milliseconds. */
export interface LongestIteration {
  /** By the clock, whatever else the machine did. */
  maxMs: number
  /** Of processor time. */
  maxCpuMs: number
}

/** Measures the iterations of a server's event loop during `work`. */
export async function watchEventLoop(url: string, work: () => Promise<void>): Promise<LongestIteration> {
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

/** Reads the metrics of a server as often as a monitoring system, and more. */
async function scrapeOften(lifecycle: Lifecycle, metricsUrl: string): Promise<void> {
  const scrape = async () => {
    const answer = await fetch(metricsUrl)
    if (!answer.ok) throw new Error(`The metrics were answered with ${answer.status}.`)
    await answer.text()
  }
  await lifecycle.open(
    'scrapes',
    () => setInterval(() => void scrape(), scrapeEveryMs),
    (timer) => clearInterval(timer),
  )
}

/** Starts a server on the books, in a process of its own, and scrapes its metrics if it has any. Resolves to its address. */
export async function startServer(
  { lifecycle, databaseUrl }: Bench,
  options: Omit<ServerOptions, 'databaseUrl'> = {},
): Promise<string> {
  const argument = JSON.stringify({ databaseUrl, ...options } satisfies ServerOptions)
  const server = fork(join(import.meta.dirname, 'server.ts'), [argument], { execArgv: ['--expose-gc'] })
  return await addServer(lifecycle, server)
}

/** Waits until a process says that its server is ready, and ends it at the end. Resolves to its address. */
export async function addServer(lifecycle: Lifecycle, server: ChildProcess): Promise<string> {
  await lifecycle.open(
    'server',
    () => server,
    async (child) => {
      if (!child.connected) return
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  )
  const [{ url, metricsUrl }] = await Promise.race([
    once(server, 'message') as Promise<[ServerAddress]>,
    once(server, 'exit').then(() => Promise.reject(new Error('The server has ended.'))),
  ])
  servers.set(url, server)
  if (metricsUrl !== undefined) await scrapeOften(lifecycle, metricsUrl)
  return url
}

/** The format of codes of `length` characters out of 24, more than any benchmark needs. It is created when first asked for. */
export async function formatOf({ books, accountId, formats }: Bench, length = 10): Promise<string> {
  const known = formats.get(length)
  if (known !== undefined) return await known
  const created = createFormat(books, accountId, {
    name: `${length} characters`,
    shape: { prefix: '', suffix: '', body: { length }, characters: { set: 'UNAMBIGUOUS' } },
  })
  formats.set(length, created)
  return await created
}

/** A pool with `quantity` codes, which with `refills` gets as many again whenever the last one is claimed. */
export async function newPool(
  bench: Bench,
  pool: { name?: string; formatId?: string; quantity?: bigint; refills?: boolean } = {},
): Promise<string> {
  const { books, accountId } = bench
  const { name = 'Pool', formatId = await formatOf(bench), quantity = 1_000_000_000n, refills } = pool
  const poolId = await createPool(books, accountId, { name })
  if (refills === true)
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
    // The worker of a server may have started it already.
    while ((await readTask(books, accountId, taskId))?.status !== 'COMPLETED')
      await runGeneration(books, { accountId, taskId })
  }
  return poolId
}

/** A pool with codes as an upload leaves them. */
export async function newUploadedPool(
  { books, accountId }: Bench,
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

/** Marks codes of a pool as claimed, `each` at a time, as the service would have over the years. */
export async function claimBefore(
  { books, accountId }: Bench,
  poolId: string,
  claimed: number,
  { each, recipient = false }: { each: number; recipient?: boolean },
): Promise<void> {
  await books.rows({
    text: `
      INSERT INTO claim (account_id, pool_id, first, count, recipient, at, nonce)
      SELECT $1, $2, position, $4, CASE WHEN $5 THEN 'customer ' || position END, now(), 0
      FROM generate_series(0, $3::integer - 1, $4::integer) AS position`,
    values: [accountId, poolId, claimed, each, recipient],
  })
  await books.rows({
    text: 'UPDATE pool SET claimed = $3 WHERE account_id = $1 AND id = $2',
    values: [accountId, poolId, claimed],
  })
}

/** Records an event of a pool that changes nothing. */
export async function recordEvent({ books, accountId }: Bench, poolId: string): Promise<void> {
  await books.write(accountId, async (tx) => tx.record({ poolId, kind: 'POOL_EMPTY', payload: {} }))
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

export interface Claiming {
  key: string
  /** Each claim is from one of these, at random. */
  poolIds: readonly string[]
  /** claimCodes, or another mutation with its input and its answers. */
  field?: string
  /** Codes of each claim. */
  count?: number
  /**
   * Whether each claim has an idempotency key of its own. If this is given at all, each request is written anew, on either
   * side.
   */
  withKeys?: boolean
  /** Whether each claim has a recipient of its own. If this is given at all, as above. */
  withRecipients?: boolean
}

/** One side of a comparison: claims over HTTP, for as long as a round lasts. */
export function claiming(load: Load, claims: Claiming): () => Promise<Measurement> {
  const { key, poolIds, field = 'claimCodes', count = 1, withKeys, withRecipients } = claims
  const query = claimDocument(field)
  const inputs = poolIds.map((poolId) => claimInput(poolId, count))
  const requests = inputs.map((variables) => requestOf({ key, query, variables }))
  const random = <T>(items: readonly T[]) => items[Math.floor(Math.random() * items.length)] as T
  const nextOwn = () => {
    const own = {
      ...(withKeys === true && { idempotencyKey: randomUUID() }),
      ...(withRecipients === true && { recipient: `${randomUUID()}@example.com` }),
    }
    return requestOf({ key, query, variables: { input: { ...random(inputs).input, ...own } } })
  }
  const next = withKeys !== undefined || withRecipients !== undefined ? nextOwn : () => random(requests)
  return () => measure(load, next, beginningOfClaim)
}

export interface ClaimSide extends Omit<Claiming, 'key' | 'count'> {
  /** What is printed of it. */
  what: string
  bench: Bench
  /** The addresses of its servers. */
  urls: readonly string[]
}

export interface ClaimComparison {
  rounds: number
  /** How long a round lasts. */
  milliseconds?: number
  connections?: number
  /** Codes of each claim. */
  count?: number
  target?: Target
  /** Whether the processor times of servers and PostgreSQL are shown, too. Needs Linux. */
  processorTimes?: boolean
}

/** Compares the rates of claims of two sides and prints them; then compares the pools with what was answered. */
export async function compareClaims(
  comparison: ClaimComparison,
  first: ClaimSide,
  second: ClaimSide,
): Promise<void> {
  const { rounds, milliseconds = 3_000, connections = 64, count = 1, target, processorTimes } = comparison
  const sides = [first, second]
  const before = await claimedOf(sides)
  let answeredCodes = 0
  const rateOf = ({ what, bench, urls, ...claims }: ClaimSide): CostedSide => {
    const claim = claiming({ urls, connections, milliseconds }, { ...claims, key: bench.key, count })
    const costs: Cost[] = []
    const figure = async () => {
      const began = processorTimes ? await usedBy(bench, urls) : undefined
      const { rate, answered } = await claim()
      if (claims.field === undefined) answeredCodes += answered * count
      if (began !== undefined) {
        const ended = await usedBy(bench, urls)
        costs.push({
          server: (ended.server - began.server) / answered,
          database: (ended.database - began.database) / answered,
        })
      }
      return rate
    }
    return { what, figure, costs }
  }
  const codes = count === 1 ? 'one code' : `${grouped(count)} codes`
  console.log(`Claims of ${codes} over HTTP, ${connections} connections, median of ${rounds}`)
  const [one, other] = [rateOf(first), rateOf(second)]
  await showComparison({ rounds, unit: 'a second', target }, one, other)
  if (processorTimes) {
    showCosts("The same, in the server's processor time", 'server', one, other)
    showCosts("The same, in PostgreSQL's processor time", 'database', one, other)
  }
  if ((await claimedOf(sides)) - before !== BigInt(answeredCodes))
    throw new Error('The pools have handed out more or fewer codes than were answered.')
}

/** Processor time, in microseconds. */
interface Cost {
  server: number
  database: number
}

type CostedSide = Side & {
  /** Of a claim, in each round. */
  costs: Cost[]
}

function showCosts(title: string, which: keyof Cost, one: CostedSide, other: CostedSide): void {
  const costsOf = ({ costs }: CostedSide) => costs.map((cost) => cost[which])
  console.log(title)
  for (const side of [one, other]) show(side.what, median(costsOf(side)), 'µs')
  showRatio(
    'the first by the second',
    median(costsOf(one).map((cost, i) => cost / (costsOf(other)[i] as number))),
  )
}

/** The processor time that servers and their PostgreSQL have used so far. */
async function usedBy({ books }: Bench, urls: readonly string[]): Promise<Cost> {
  let server = 0
  for (const url of urls) server += (await cpuMsOf(url)) * 1e3
  return { server, database: (await databaseSeconds(books)) * 1e6 }
}

/** How many codes of all pools of some sides have been claimed. */
async function claimedOf(sides: readonly ClaimSide[]): Promise<bigint> {
  let sum = 0n
  for (const { books } of new Set(sides.map(({ bench }) => bench))) {
    const [row] = await books.rows<{ claimed: string }>({
      text: 'SELECT sum(claimed) AS claimed FROM pool WHERE id = ANY ($1::uuid[])',
      values: [sides.flatMap(({ poolIds }) => poolIds)],
    })
    sum += BigInt(row?.claimed ?? 0)
  }
  return sum
}

export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
  if (middle === undefined) throw new Error('There are no figures.')
  return middle
}

/**
 * Measures two sides alternately, in two rounds to warm up and `rounds` that count. The side that begins changes with each
 * round, so that neither has an advantage. Resolves to the medians, and to the median of the rounds' ratios, first by
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

/** One side of a comparison. */
export interface Side {
  /** What is printed of it. */
  what: string
  figure: () => Promise<number>
}

/** What a figure should be. */
export type Target = { atLeast: number } | { atMost: number }

/** Compares two sides as `compare` does, and prints both figures and the ratio. */
export async function showComparison(
  { rounds, unit, target }: { rounds: number; unit: string; target?: Target | undefined },
  one: Side,
  other: Side,
): Promise<void> {
  const { first, second, ratio } = await compare(rounds, one.figure, other.figure)
  show(one.what, first, unit)
  show(other.what, second, unit)
  showRatio('the first by the second', ratio, target)
}

/** Prints a figure, and whether it meets its target. */
export function show(what: string, figure: number, unit: string, target?: Target): void {
  const digits = figure < 100 ? 1 : 0
  const number = figure.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  console.log(`  ${what.padEnd(58)}${number.padStart(12)} ${unit}${verdictOn(figure, target)}`)
}

/** Prints a ratio, and whether it meets its target. */
export function showRatio(what: string, ratio: number, target?: Target): void {
  console.log(`  ${what.padEnd(58)}${ratio.toFixed(2).padStart(12)}${verdictOn(ratio, target)}\n`)
}

function verdictOn(figure: number, target: Target | undefined): string {
  if (target === undefined) return ''
  const [bound, isMet] =
    'atLeast' in target
      ? [`at least ${target.atLeast}`, figure >= target.atLeast]
      : [`at most ${target.atMost}`, figure <= target.atMost]
  return ` (${bound}: ${isMet ? 'met' : 'missed'})`
}
