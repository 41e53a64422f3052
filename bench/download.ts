/**
 * Downloading a pool's codes over HTTP, from a server in its own process, by a client that throws them away
 * as they come: ten million available ones, plain and compressed; a million that were claimed one by one, and ten
 * thousand at a time; ten million that were generated around a hundred thousand uploaded ones; and the server's memory
 * during the largest file against a small one. Run it with `node bench/download.ts`. Needs Linux, for /proc.
 */

import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { createPool } from '../src/domain/pool/pool.ts'
import type { StatusFilter } from '../src/domain/pool/snapshot.ts'
import { encodeId } from '../src/graphql/ids.ts'
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

interface Measured {
  seconds: number
  /** Processor time of the server. */
  serverSeconds: number
  bytes: number
  /** The peak of the server's memory meanwhile. */
  maxMemoryBytes: number
}

/** Downloads a file and throws it away. Rejects if it is incomplete. */
async function download(poolId: string, status: StatusFilter, encoding = 'identity'): Promise<Measured> {
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
    `GET ${codesPath(encodeId('Pool', poolId), { status })} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${key}\r\n` +
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

async function downloadTimes(poolId: string, status: StatusFilter, encoding?: string): Promise<Measured[]> {
  await download(poolId, status, encoding)
  const measured: Measured[] = []
  for (let round = 0; round < rounds; round++) measured.push(await download(poolId, status, encoding))
  return measured
}

/** Codes a second, from the request to the last byte. */
function rateOf(measured: readonly Measured[], codes: number): number {
  return median(measured.map(({ seconds }) => codes / seconds))
}

const small = await poolOf('few', few, 0, 1)
const available = await poolOf('available', many, 0, 1)
const smallFile = await downloadTimes(small, 'AVAILABLE')
const file = await downloadTimes(available, 'AVAILABLE')
console.log(`A file of ${many.toLocaleString('en')} available codes over HTTP, median of ${rounds}`)
const rate = rateOf(file, many)
show('from the request to its last byte', rate, 'codes a second')
const byProcessor = median(file.map(({ serverSeconds }) => many / serverSeconds))
show("by the server's processor time", byProcessor, 'codes a second')
show('size', (file[0]?.bytes ?? 0) / 1e6, 'MB')
showRatio('from the request to its last byte, in millions', rate / 1e6, { atLeast: 1 })

const compressed = await downloadTimes(available, 'AVAILABLE', 'gzip')
console.log('The same with gzip')
show('from the request to its last byte', rateOf(compressed, many), 'codes a second')
show('size', (compressed[0]?.bytes ?? 0) / 1e6, 'MB')

const around = await downloadTimes(await poolAroundHoles(), 'AVAILABLE')
console.log(`The same around ${holes.toLocaleString('en')} uploaded codes of the format`)
show('from the request to its last byte', rateOf(around, many), 'codes a second')
show('by that of a file without any', rateOf(around, many) / rate, '')

for (const each of [1, 10_000]) {
  const claimed = await poolOf(`claimed by ${each}`, handedOut, handedOut, each)
  await books.rows({ text: 'VACUUM ANALYZE claim' })
  const rateOfClaimed = rateOf(await downloadTimes(claimed, 'CLAIMED'), handedOut)
  console.log(
    `A file of ${handedOut.toLocaleString('en')} codes claimed ${each.toLocaleString('en')} at a time`,
  )
  show('from the request to its last byte', rateOfClaimed, 'codes a second')
}

const peak = (measured: readonly Measured[]) =>
  Math.max(...measured.map(({ maxMemoryBytes }) => maxMemoryBytes))
console.log("\nPeak of the server's memory")
show(`while it sends a file of ${few.toLocaleString('en')} codes`, peak(smallFile) / 1e6, 'MB')
show(`while it sends one of ${many.toLocaleString('en')}`, peak(file) / 1e6, 'MB')
showRatio('the one by the other', peak(file) / peak(smallFile), { atMost: 1.5 })
