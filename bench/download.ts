/**
 * Downloading a pool's codes over HTTP, from a server in its own process, by a client that throws them away
 * as they come: ten million available ones, plain and compressed; a million that were claimed one by one, and ten
 * thousand at a time; a claim of ten million, before and after one in a hundred has been redeemed; ten million that were
 * generated around a hundred thousand uploaded ones; and the server's memory during the largest file against a small one. Run
 * it with `node bench/download.ts`. Needs Linux, for /proc.
 */

import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { createPool } from '../src/domain/pool/pool.ts'
import type { StatusFilter } from '../src/domain/pool/snapshot.ts'
import { claimKey, encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { codesPath } from '../src/routes.ts'
import { Client } from '../test/support/client.ts'
import { ended, upload } from '../test/support/upload-api.ts'
import {
  claimBefore,
  formatOf,
  median,
  newPool,
  openBench,
  processOf,
  show,
  showRatio,
  startServer,
} from './support.ts'

const rounds = 7
const many = 10_000_000
const handedOut = 1_000_000
const few = 100_000
const holes = 100_000
const apartRedeemed = 100

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { accountId, books, key } = bench
const url = await startServer(bench)
const { pid } = processOf(url)

/** A pool of which `claimed` codes are claimed, `each` at a time. */
async function poolOf(name: string, codes: number, claimed: number, each: number): Promise<string> {
  const poolId = await newPool(bench, { name, quantity: BigInt(codes) })
  await claimBefore(bench, poolId, claimed, { each, recipient: true })
  return poolId
}

/** A pool of codes that were generated around uploaded ones of the same format, which lie all along its line. */
async function poolAroundHoles(): Promise<string> {
  const ownFormatId = await formatOf(bench, 11)
  const space = await books.codeSpaces.get(books, accountId, ownFormatId)
  const apart = BigInt(many / holes)
  const uploaded = Array.from({ length: holes }, (_, i) => space.codesAt(BigInt(i) * apart, 1)).flat()
  const uploads = await createPool(books, accountId, { name: 'uploaded' })
  await using client = new Client({ url, key })
  const taskId = await upload({ url }, client, encodeId('Pool', uploads), `${uploaded.join('\n')}\n`)
  const { addedCount } = await ended(client, taskId)
  if (Number(addedCount) !== holes) throw new Error(`The upload has added ${addedCount}.`)
  return await newPool(bench, { name: 'around holes', formatId: ownFormatId, quantity: BigInt(many) })
}

/** Redeems every hundredth code of a pool that is claimed as a whole, as the service would have over the years. */
async function redeemBefore(poolId: string, codes: number): Promise<void> {
  await books.rows({
    text: `
      INSERT INTO redemption (account_id, id, pool_id, position, reference, at, version)
      SELECT $1, gen_random_uuid(), $2, position, 'order ' || position, now(), 1
      FROM generate_series(0, $3::integer - 1, $4::integer) AS position`,
    values: [accountId, poolId, codes, apartRedeemed],
  })
  await books.rows({
    text: 'UPDATE pool_usage SET redeemed = $3, version = 1 WHERE account_id = $1 AND pool_id = $2',
    values: [accountId, poolId, codes / apartRedeemed],
  })
  await books.rows({ text: 'VACUUM ANALYZE redemption' })
}

interface Measured {
  seconds: number
  /** Processor time of the server. */
  serverSeconds: number
  bytes: number
  /** The peak of the server's memory meanwhile. */
  maxMemoryBytes: number
}

interface File {
  poolId: string
  status: StatusFilter
  encoding?: string
  /** The first position of a claim, for the file of that claim. */
  claimAt?: bigint
}

/** Downloads a file and throws it away. Rejects if it is incomplete. */
async function download({ poolId, status, encoding = 'identity', claimAt }: File): Promise<Measured> {
  const claim =
    claimAt === undefined ? {} : { claim: encodeId('Claim', claimKey({ poolId, first: claimAt })) }
  const { hostname, port } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let bytes = 0
  let end = ''
  const socket = connect({
    host: hostname,
    port: Number(port),
    onread: {
      buffer: Buffer.alloc(1_048_576),
      callback: (length, buffer) => {
        if (bytes === 0 && !String.fromCharCode(...buffer.subarray(0, 12)).startsWith('HTTP/1.1 200'))
          reject(new Error('The server refused the download.'))
        bytes += length
        end = (end + String.fromCharCode(...buffer.subarray(Math.max(0, length - 7), length))).slice(-7)
        return true
      },
    },
  })
  socket.once('error', reject).once('close', () => resolve())
  const before = await processorSeconds()
  const start = performance.now()
  let maxMemoryBytes = await memory()
  const watching = setInterval(
    () => void memory().then((now) => (maxMemoryBytes = Math.max(maxMemoryBytes, now)), reject),
    20,
  )
  socket.write(
    `GET ${codesPath(encodeId('Pool', poolId), { status, ...claim })} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${key}\r\n` +
      `Accept-Encoding: ${encoding}\r\nConnection: close\r\n\r\n`,
  )
  await promise
  clearInterval(watching)
  // The end of a complete answer in chunks.
  if (end !== '\r\n0\r\n\r\n') throw new Error('The file is incomplete.')
  const seconds = (performance.now() - start) / 1_000
  return { seconds, serverSeconds: (await processorSeconds()) - before, bytes, maxMemoryBytes }
}

/** The server's resident memory in bytes. */
async function memory(): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
}

/** The server's processor time so far. */
async function processorSeconds(): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Linux reports it in hundredths of a second.
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function downloadTimes(file: File): Promise<Measured[]> {
  await download(file)
  const measured: Measured[] = []
  for (let round = 0; round < rounds; round++) measured.push(await download(file))
  return measured
}

/** Codes a second, from the request to the last byte. */
function rateOf(measured: readonly Measured[], codes: number): number {
  return median(measured.map(({ seconds }) => codes / seconds))
}

const small = await poolOf('few', few, 0, 1)
const available = await poolOf('available', many, 0, 1)
const smallFile = await downloadTimes({ poolId: small, status: 'AVAILABLE' })
const file = await downloadTimes({ poolId: available, status: 'AVAILABLE' })
console.log(`A file of ${many.toLocaleString('en')} available codes over HTTP, median of ${rounds}`)
const rate = rateOf(file, many)
show('from the request to its last byte', rate, 'codes a second')
const byProcessor = median(file.map(({ serverSeconds }) => many / serverSeconds))
show("by the server's processor time", byProcessor, 'codes a second')
show('size', (file[0]?.bytes ?? 0) / 1e6, 'MB')
showRatio('from the request to its last byte, in millions', rate / 1e6, { atLeast: 1 })

const compressed = await downloadTimes({ poolId: available, status: 'AVAILABLE', encoding: 'gzip' })
console.log('The same with gzip')
show('from the request to its last byte', rateOf(compressed, many), 'codes a second')
show('size', (compressed[0]?.bytes ?? 0) / 1e6, 'MB')

const around = await downloadTimes({ poolId: await poolAroundHoles(), status: 'AVAILABLE' })
console.log(`The same around ${holes.toLocaleString('en')} uploaded codes of the format`)
show('from the request to its last byte', rateOf(around, many), 'codes a second')
show('by that of a file without any', rateOf(around, many) / rate, '')

/** Codes a second: from the request to the last byte, and by the server's processor time. */
interface Rates {
  byClock: number
  byServer: number
}

/** Downloads a file of claimed codes, and prints its rates. */
async function showClaimed(what: string, codes: number, file: Omit<File, 'status'>): Promise<Rates> {
  const measured = await downloadTimes({ ...file, status: 'CLAIMED' })
  const byClock = rateOf(measured, codes)
  const byServer = median(measured.map(({ serverSeconds }) => codes / serverSeconds))
  console.log(what)
  show('from the request to its last byte', byClock, 'codes a second')
  show("by the server's processor time", byServer, 'codes a second')
  return { byClock, byServer }
}

/** Gives each claim of a pool a time of its own, since claims that were made one at a time have different ones. */
async function spreadTimes(poolId: string): Promise<void> {
  await books.rows({
    text: `UPDATE claim SET at = at - first * interval '1 second' WHERE account_id = $1 AND pool_id = $2`,
    values: [accountId, poolId],
  })
}

const ratesByCount = new Map<number, Rates>()
for (const each of [1, 10_000]) {
  const poolId = await poolOf(`claimed by ${each}`, handedOut, handedOut, each)
  await spreadTimes(poolId)
  // So that the rows lie in order, as those of real claims do.
  await books.rows({ text: 'VACUUM FULL ANALYZE claim' })
  const codes = `${handedOut.toLocaleString('en')} codes claimed ${each.toLocaleString('en')} at a time`
  const plain = await showClaimed(`A file of ${codes}`, handedOut, { poolId })
  ratesByCount.set(each, plain)
  await redeemBefore(poolId, handedOut)
  const used = await showClaimed(`The same with one in ${apartRedeemed} redeemed`, handedOut, { poolId })
  showRatio("by that of a file without any, by the server's processor time", used.byServer / plain.byServer)
}

const [single, bulk] = [ratesByCount.get(1), ratesByCount.get(10_000)]
if (single !== undefined && bulk !== undefined) {
  console.log('A file of codes claimed one at a time')
  showRatio('from the request to its last byte, in millions a second', single.byClock / 1e6, { atLeast: 1 })
  showRatio('by that of codes claimed 10,000 at a time', single.byClock / bulk.byClock)
  showRatio("the same, by the server's processor time", single.byServer / bulk.byServer)
}

const atOnce = await poolOf('claimed at once', many, many, many)
const ofClaim = { poolId: atOnce, claimAt: 0n }
const unused = await showClaimed(`A file of a claim of ${many.toLocaleString('en')} codes`, many, ofClaim)
showRatio("by that of available codes, by the server's processor time", unused.byServer / byProcessor)
await redeemBefore(atOnce, many)
const used = await showClaimed(`The same with one in ${apartRedeemed} redeemed`, many, ofClaim)
showRatio("by that of a claim without any, by the server's processor time", used.byServer / unused.byServer)

const peak = (measured: readonly Measured[]) =>
  Math.max(...measured.map(({ maxMemoryBytes }) => maxMemoryBytes))
console.log("\nPeak of the server's memory")
show(`while it sends a file of ${few.toLocaleString('en')} codes`, peak(smallFile) / 1e6, 'MB')
show(`while it sends one of ${many.toLocaleString('en')}`, peak(file) / 1e6, 'MB')
showRatio('the one by the other', peak(file) / peak(smallFile), { atMost: 1.5 })
