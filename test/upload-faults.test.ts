import { expect, it } from 'vitest'
import { claim, generate, newFormat, newPool } from './support/api.ts'
import { expectBalance } from './support/audit.ts'
import { useBooks } from './support/books.ts'
import { MainProcess } from './support/process.ts'
import { startService, useClient, useService } from './support/service.ts'
import { codesFile, ended, readUploadTask, type UploadTask, upload } from './support/upload-api.ts'

// Whole processes are started here, on a machine that may be busy.
const patience = { timeout: 120_000 }
// A chunk of ten thousand rows takes several times as long.
const patiently = { timeout: 60_000, interval: 20 }

/** The API in this process. The tests start workers for uploads, in processes of their own if they are killed or stopped. */
const service = useService({ role: 'api' })
const test = useBooks(service)
const client = useClient(service)

const startProcess = () => new MainProcess({ DATABASE_URL: service.databaseUrl, ROLE: 'worker' })
const startWorker = () => startService({ databaseUrl: service.databaseUrl, role: 'worker' })

/** Resolves when more rows have been read than `rows`, while the upload still runs. */
async function readOn(taskId: string, rows: number): Promise<UploadTask> {
  let task: UploadTask | undefined
  const read = async () => {
    task = await readUploadTask(client, taskId)
    return Number(task.upload.rowsRead)
  }
  await expect.poll(read, patiently).toBeGreaterThan(rows)
  if (task?.status !== 'RUNNING') throw new Error('The upload has already ended.')
  return task
}

it('an upload whose workers are killed in the middle is resumed where it was', patience, async () => {
  // Eight chunks, of which each worker that is killed adds one or two, or more if this test is late.
  const count = 80_000
  const poolId = await newPool(client)
  const file = codesFile('killed', count)
  const taskId = await upload(
    service,
    client,
    poolId,
    `${file}killed-7\nkilled-79999\n${'x'.repeat(9_999)}\n`,
  )
  let reached = 0
  for (let kill = 0; kill < 2; kill++) {
    await using worker = startProcess()
    reached = Number((await readOn(taskId, reached)).upload.rowsRead)
    await worker.end('SIGKILL')
    const { status, upload: counts } = await readUploadTask(client, taskId)
    expect(status).toBe('RUNNING')
    expect(Number(counts.rowsRead)).toBeGreaterThanOrEqual(reached)
    reached = Number(counts.rowsRead)
  }
  await using _worker = await startWorker()
  expect(await ended(client, taskId)).toMatchObject({
    status: 'COMPLETED',
    addedCount: String(count),
    upload: {
      rowsRead: String(count + 3),
      accepted: String(count),
      duplicatesInFile: '2',
      duplicatesInAccount: '0',
      refused: '1',
    },
  })
  expect(await availableCount(poolId)).toBe(count)
  await expectBalance(test)
})

it('a worker that is stopped in the middle leaves the rest to the next one', patience, async () => {
  const count = 40_000
  const poolId = await newPool(client)
  const taskId = await upload(service, client, poolId, codesFile('stopped', count))
  const first = startProcess()
  await readOn(taskId, 0)
  const { code, stderr } = await first.end('SIGTERM')
  expect([code, stderr]).toEqual([0, expect.not.stringMatching(/"level":[56]0/)])
  expect(await readUploadTask(client, taskId)).toMatchObject({ status: 'RUNNING' })
  await using _second = await startWorker()
  expect(await ended(client, taskId)).toMatchObject({ status: 'COMPLETED', addedCount: String(count) })
  await expectBalance(test)
})

it('a file that is sent twice at the same time is added once', patience, async () => {
  await using _worker = await startWorker()
  await using _another = await startWorker()
  // Two chunks, so that one file could come between those of the other.
  const count = 15_000
  const pools = await Promise.all([newPool(client), newPool(client)])
  const file = codesFile('twice', count)
  const tasks = await Promise.all(pools.map((poolId) => upload(service, client, poolId, file)))
  const outcomes = await Promise.all(tasks.map((taskId) => ended(client, taskId)))
  const added = outcomes.map(({ addedCount }) => Number(addedCount))
  const duplicates = outcomes.map(({ upload: counts }) => Number(counts.duplicatesInAccount))
  expect(added.toSorted()).toEqual([0, count])
  expect(duplicates).toEqual(added.toReversed())
  expect(await Promise.all(pools.map(availableCount))).toEqual(added)
  await expectBalance(test)
})

it(
  'claims and generations continue while two uploads run, and no code is handed out twice',
  patience,
  async () => {
    await using _worker = await startWorker()
    const poolId = await newPool(client)
    const formatId = await newFormat(client)
    await generate(client, { poolId, formatId, quantity: 5_000 })
    const [one, two] = await Promise.all(
      ['one', 'two'].map((name) => upload(service, client, poolId, codesFile(name, 24_000))),
    )
    let running = true
    const claimed: string[] = []
    const claiming = (async () => {
      while (running) for (const { code } of await claim(client, poolId, 7)) claimed.push(code)
    })()
    await readOn(one ?? '', 0)
    await generate(client, { poolId, formatId, quantity: 1_000 })
    const outcomes = await Promise.all([one, two].map((taskId) => ended(client, taskId ?? '')))
    running = false
    await claiming
    expect(outcomes.map(({ addedCount }) => addedCount)).toEqual(['24000', '24000'])
    expect(claimed.length).toBeGreaterThan(0)
    const left = await availableCount(poolId)
    expect(left).toBe(54_000 - claimed.length)
    while (claimed.length < 54_000) {
      const count = Math.min(10_000, 54_000 - claimed.length)
      for (const { code } of await claim(client, poolId, count)) claimed.push(code)
    }
    expect(new Set(claimed).size).toBe(54_000)
    await expectBalance(test)
  },
)

async function availableCount(poolId: string): Promise<number> {
  const { pool } = await client.ask<{ pool: { availableCount: string } }>(
    `{ pool(id: "${poolId}") { availableCount } }`,
  )
  return Number(pool.availableCount)
}
