/**
 * Measures how fast a file of codes is uploaded, from the start of its POST until the client knows that the task is
 * COMPLETED, and how fast its codes are added to the books, chunk by chunk and with the check for duplicates. Both are
 * compared with a bare COPY of the same codes into the same table with the same constraints. Also compares a file in which
 * half of the rows are duplicates with one without. The server is a separate process. Run it with `node bench/upload.ts`.
 */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { v7 as newId } from 'uuid'
import { CodeSpace, currentVersion, newFormatKey } from '../src/codespace/codespace.ts'
import { Pattern } from '../src/codespace/pattern.ts'
import { typedKey } from '../src/codespace/typed-form.ts'
import { connectionConfig } from '../src/database/open.ts'
import { insertUploadTask, markRunning } from '../src/domain/generation/task.ts'
import { createPool } from '../src/domain/pool/pool.ts'
import { addChunk, maxChunkRows } from '../src/domain/upload/add-chunk.ts'
import { completeUpload } from '../src/domain/upload/finish.ts'
import { encodeId } from '../src/graphql/ids.ts'
import { Lifecycle } from '../src/lifecycle.ts'
import { Client } from '../test/support/client.ts'
import { ended, upload as post } from '../test/support/upload-api.ts'
import { formatOf, openBench, showComparison, startServer } from './support.ts'

const many = 1_000_000
const rounds = 3

await using lifecycle = new Lifecycle()
const bench = await openBench(lifecycle)
const { books, accountId } = bench
// Formats that do not have the codes: of another length, and of the same length with other characters.
await formatOf(bench, 10)
await formatOf(bench, 12)
const poolId = await createPool(books, accountId, { name: 'Uploads' })
const copying = await lifecycle.open(
  'copying',
  async () => {
    const client = new pg.Client(connectionConfig(bench.databaseUrl))
    await client.connect()
    return client
  },
  (client) => client.end(),
)

/** New codes of 12 characters, in no order. */
function newCodes(): string[] {
  const pattern = Pattern.fromShape({
    prefix: '',
    suffix: '',
    body: { length: 12 },
    characters: { list: 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789' },
  })
  const space = CodeSpace.open({ pattern, key: newFormatKey(), version: currentVersion })
  return Array.from({ length: many / 10_000 }, (_, i) => space.codesAt(BigInt(i) * 10_000n, 10_000)).flat()
}

/** Rows per second. */
async function postAll(): Promise<number> {
  const codes = newCodes()
  await empty()
  return await postFile(codes, codes.length)
}

/** Rows per second of a file with one row in four already in the account, and one in four twice in the file. */
async function postHalfDuplicates(): Promise<number> {
  const codes = newCodes()
  const known = codes.filter((_, i) => i % 4 === 0)
  await empty()
  await postFile(known, known.length)
  await copying.query('CHECKPOINT')
  // The odd rows of the second half repeat those of the first.
  const rows = codes.map((code, i) => (i % 2 === 1 && i >= many / 2 ? (codes[i - many / 2] ?? '') : code))
  return await postFile(rows, many / 2)
}

/** Posts a file with `added` new codes. Rows per second. */
async function postFile(rows: readonly string[], added: number): Promise<number> {
  const file = Buffer.from(`${rows.join('\n')}\n`)
  const start = performance.now()
  const id = await post({ url }, client, encodeId('Pool', poolId), file)
  const { status, addedCount } = await ended(client, id)
  const rate = rows.length / ((performance.now() - start) / 1_000)
  if (status !== 'COMPLETED' || Number(addedCount) !== added)
    throw new Error(`The upload is ${status} and has added ${addedCount}.`)
  await cleared()
  return rate
}

/** Resolves when all files have been removed, so that removing them does not slow down the next round. */
async function cleared(): Promise<void> {
  for (;;) {
    const { rows } = await copying.query('SELECT 1 FROM upload_piece LIMIT 1')
    if (rows.length === 0) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Rows per second. */
async function uploadAll(): Promise<number> {
  const codes = newCodes()
  const taskId = newId()
  const upload = { accountId, taskId }
  await empty()
  await books.write(accountId, async (tx) => {
    await insertUploadTask(tx, { id: taskId, poolId, column: undefined, dryRun: false, bytes: 1n })
    await markRunning(tx, taskId)
  })
  const start = performance.now()
  for (let at = 0; at < many; at += maxChunkRows) {
    const rows = codes.slice(at, at + maxChunkRows).map((code, i) => ({ number: at + i + 1, code }))
    const read = BigInt(at + rows.length)
    if (!(await addChunk(books, upload, BigInt(at), { rows, rejected: [], rowsRead: read, bytesRead: read })))
      throw new Error('Somebody else has the upload.')
  }
  await completeUpload(books, upload)
  const rate = many / ((performance.now() - start) / 1_000)
  await check(taskId)
  return rate
}

/** Rows per second. */
async function copyAll(): Promise<number> {
  const codes = newCodes()
  const taskId = newId()
  await empty()
  const start = performance.now()
  await pipeline(
    Readable.from(lines(codes, taskId)),
    copying.query(copyFrom('COPY uploaded_code (account_id, task_id, row, code, typed) FROM STDIN')),
  )
  const rate = many / ((performance.now() - start) / 1_000)
  await check(taskId)
  return rate
}

function* lines(codes: readonly string[], taskId: string): Generator<string> {
  for (let at = 0; at < codes.length; at += 1_000)
    yield codes
      .slice(at, at + 1_000)
      .map((code, i) => `${accountId}\t${taskId}\t${at + i}\t${code}\t${typedKey(code)}\n`)
      .join('')
}

/** Makes every round start with empty tables, and with nothing left to be written to disk. */
async function empty(): Promise<void> {
  await copying.query('TRUNCATE uploaded_code, rejected_row; CHECKPOINT')
}

async function check(taskId: string): Promise<void> {
  const { rows } = await copying.query<{ count: string }>(
    'SELECT count(*) FROM uploaded_code WHERE account_id = $1 AND task_id = $2',
    [accountId, taskId],
  )
  if (Number(rows[0]?.count) !== many) throw new Error(`There are ${rows[0]?.count} rows.`)
}

const unit = 'codes a second'
const copy = { what: 'a bare COPY', figure: copyAll }
console.log(
  `Adding ${many.toLocaleString('en')} uploaded codes, ${maxChunkRows} at once, median of ${rounds}`,
)
await showComparison(
  { rounds, unit, target: { atLeast: 0.5 } },
  { what: 'added to the books', figure: uploadAll },
  copy,
)

// Started only now, since its worker would work on the uploads above.
const url = await startServer(bench)
await using client = new Client({ url, key: bench.key })

console.log(`Uploading ${many.toLocaleString('en')} codes, median of ${rounds}`)
await showComparison(
  { rounds, unit, target: { atLeast: 0.5 } },
  { what: 'posted, from the request to COMPLETED', figure: postAll },
  copy,
)

console.log(
  'The same, when half of the rows are duplicates: a quarter in the account, and a quarter in the file',
)
await showComparison(
  { rounds, unit: 'rows a second' },
  { what: 'posted, from the request to COMPLETED', figure: postHalfDuplicates },
  { what: 'a file without duplicates', figure: postAll },
)
