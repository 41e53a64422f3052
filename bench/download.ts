/**
 * Downloading a pool's codes over HTTP, from a server that is a process of its own, by a client that throws them away
 * as they come: ten million available ones, as they are and packed; a million that were claimed one by one, and ten
 * thousand at a time; ten million that were generated around a hundred thousand uploaded ones; and the memory that the server takes for the largest file against a small one. Run it with
 * `node bench/download.ts`. What a process takes is read where Linux tells it.
 */

import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import type { ExportStatus } from '../src/domain/code/line-reader.ts'
import { createPool } from '../src/domain/pool/pool.ts'
import { encodeId } from '../src/graphql/ids.ts'
import { codesPath } from '../src/graphql/links.ts'
import { Lifecycle } from '../src/lifecycle.ts'
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

/** A pool of codes that were generated around uploaded ones of the same format: those lie all along its line. */
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

interface Taken {
  seconds: number
  /** Of the server's processor time. */
  serverSeconds: number
  bytes: number
  /** The most that the server had in memory meanwhile. */
  memoryBytes: number
}

/** Downloads a file, with nothing of it kept. Rejects when it does not come whole. */
async function take(poolId: string, status: ExportStatus, encoding = 'identity'): Promise<Taken> {
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
  let memoryBytes = await memory()
  const watching = setInterval(
    () => void memory().then((now) => (memoryBytes = Math.max(memoryBytes, now)), reject),
    20,
  )
  socket.write(
    `GET ${codesPath(poolId, status)} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${key}\r\n` +
      `Accept-Encoding: ${encoding}\r\nConnection: close\r\n\r\n`,
  )
  await promise
  clearInterval(watching)
  // How an answer in chunks ends that is whole.
  if (end !== '\r\n0\r\n\r\n') throw new Error('The file did not come whole.')
  const seconds = (performance.now() - start) / 1_000
  return { seconds, serverSeconds: (await processorSeconds()) - before, bytes, memoryBytes }
}

/** What the server has in memory, in bytes. */
async function memory(): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
}

/** How long the server has kept processors busy so far. */
async function processorSeconds(): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // In hundredths of a second, whatever the system counts in itself.
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function takeTimes(poolId: string, status: ExportStatus, encoding?: string): Promise<Taken[]> {
  await take(poolId, status, encoding)
  const taken: Taken[] = []
  for (let round = 0; round < rounds; round++) taken.push(await take(poolId, status, encoding))
  return taken
}

/** Codes a second, from the request to the last byte. */
function rateOf(taken: readonly Taken[], codes: number): number {
  return median(taken.map(({ seconds }) => codes / seconds))
}

const small = await poolOf('few', few, 0, 1)
const available = await poolOf('available', many, 0, 1)
const smallFile = await takeTimes(small, 'AVAILABLE')
const file = await takeTimes(available, 'AVAILABLE')
console.log(`A file of ${many.toLocaleString('en')} available codes over HTTP, median of ${rounds}`)
const rate = rateOf(file, many)
show('from the request to its last byte', rate, 'codes a second')
const byProcessor = median(file.map(({ serverSeconds }) => many / serverSeconds))
show("by the server's processor time", byProcessor, 'codes a second')
show('size', (file[0]?.bytes ?? 0) / 1e6, 'MB')
showRatio('from the request to its last byte, in millions', rate / 1e6, { atLeast: 1 })

const packed = await takeTimes(available, 'AVAILABLE', 'gzip')
console.log('The same with gzip')
show('from the request to its last byte', rateOf(packed, many), 'codes a second')
show('size', (packed[0]?.bytes ?? 0) / 1e6, 'MB')

const around = await takeTimes(await poolAroundHoles(), 'AVAILABLE')
console.log(`The same around ${holes.toLocaleString('en')} uploaded codes of the format`)
show('from the request to its last byte', rateOf(around, many), 'codes a second')
show('by that of a file without any', rateOf(around, many) / rate, '')

for (const each of [1, 10_000]) {
  const claimed = await poolOf(`claimed by ${each}`, handedOut, handedOut, each)
  await books.rows({ text: 'VACUUM ANALYZE claim' })
  const rateOfClaimed = rateOf(await takeTimes(claimed, 'CLAIMED'), handedOut)
  console.log(
    `A file of ${handedOut.toLocaleString('en')} codes claimed ${each.toLocaleString('en')} at a time`,
  )
  show('from the request to its last byte', rateOfClaimed, 'codes a second')
}

const most = (taken: readonly Taken[]) => Math.max(...taken.map(({ memoryBytes }) => memoryBytes))
console.log("\nThe most of the server's memory")
show(`while it sends a file of ${few.toLocaleString('en')} codes`, most(smallFile) / 1e6, 'MB')
show(`while it sends one of ${many.toLocaleString('en')}`, most(file) / 1e6, 'MB')
showRatio('the one by the other', most(file) / most(smallFile), { atMost: 1.5 })
