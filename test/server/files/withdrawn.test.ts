import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { uuidOf } from '../../../src/graphql/ids.ts'
import { claim, done, generate, newPool, newStock } from '../../support/api.ts'
import { readCsv } from '../../support/csv.ts'
import { runSql } from '../../support/database.ts'
import { useClient, useService } from '../../support/service.ts'
import { codesFile, ended, upload } from '../../support/upload-api.ts'

const service = useService()
const client = useClient(service)

function pathOf(poolId: string, status: string, task?: string): string {
  return `/pools/${poolId}/codes.csv?${new URLSearchParams({ status, ...(task === undefined ? {} : { task }) })}`
}

async function get(path: string): Promise<Response> {
  const headers = { ...client.authorization(), 'accept-encoding': 'identity' }
  return await fetch(`${service.url}${path}`, { headers })
}

/** The codes and the statuses of a file. */
async function download(poolId: string, status: string, task?: string): Promise<string[][]> {
  const response = await get(pathOf(poolId, status, task))
  expect(response.status).toBe(200)
  return readCsv(await response.text())
    .slice(1)
    .map((cells) => cells.slice(0, 2))
}

const withdraw = (input: { poolId: string; taskId?: string }) =>
  done<{ withdrawnCount: string }>(client, 'withdrawCodes', input, 'withdrawnCount')

const restore = (input: { poolId: string; taskId?: string }) =>
  done<{ restoredCount: string }>(client, 'restoreCodes', input, 'restoredCount')

/** Cuts the batch of a task into more batches than are read at once, as holes would. */
async function cutUp(taskId: string): Promise<void> {
  await runSql(
    service.databaseUrl,
    `WITH whole AS (DELETE FROM batch WHERE task_id = '${uuidOf('Task', taskId)}' RETURNING *)
     INSERT INTO batch (account_id, pool_id, start, count, format_id, first, task_id)
     SELECT account_id, pool_id, start + n, 200, format_id, first + n, task_id
     FROM whole, generate_series(0, whole.count - 1, 200) AS n`,
  )
}

/** The bytes of a file that is requested before a change and read on after it, and whether it was cut off. */
async function readDuring(path: string, change: () => Promise<unknown>) {
  const response = await get(path)
  const reader = response.body?.getReader()
  const pieces = [Buffer.from((await reader?.read())?.value ?? [])]
  await change()
  let isCut = false
  try {
    for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read())
      pieces.push(Buffer.from(piece.value))
  } catch (error) {
    // What fetch says of a connection that ends too early.
    expect(error).toBeInstanceOf(TypeError)
    isCut = true
  }
  return { bytes: Buffer.concat(pieces), isCut, snapshot: response.headers.get('content-location') ?? '' }
}

/** More than sockets hold: the end of a file is written once its beginning has been read. */
const many = 240_000

test('a file of available codes is cut off if codes are withdrawn meanwhile, rather than show wrong rows', async () => {
  const { poolId, formatId, taskId } = await newStock(client, 50)
  await cutUp(await generate(client, { poolId, formatId, quantity: many }))
  const path = pathOf(poolId, 'AVAILABLE')
  for (const change of [() => withdraw({ poolId, taskId }), () => restore({ poolId })]) {
    const whole = Buffer.from(await (await get(path)).arrayBuffer())
    const { bytes, isCut, snapshot } = await readDuring(path, change)
    expect(isCut).toBe(true)
    expect(bytes.length).toBeLessThan(whole.length)
    expect(bytes.equals(whole.subarray(0, bytes.length))).toBe(true)
    // Whoever resumes it is told that it is gone.
    expect((await get(snapshot)).status).toBe(410)
  }
})

test('a file of claimed codes is completed, whatever is withdrawn meanwhile', async () => {
  const { poolId, formatId } = await newStock(client, 10)
  await cutUp(await generate(client, { poolId, formatId, quantity: many }))
  await done(client, 'claimFile', { poolId, count: many - 90 }, '__typename')
  const path = pathOf(poolId, 'CLAIMED')
  const whole = Buffer.from(await (await get(path)).arrayBuffer())
  const { bytes, isCut, snapshot } = await readDuring(path, () => withdraw({ poolId }))
  expect([isCut, bytes.equals(whole)]).toEqual([false, true])
  expect(Buffer.from(await (await get(snapshot)).arrayBuffer()).equals(whole)).toBe(true)
})

test('files have the codes of a pool or a task wherever they are', async () => {
  const poolId = await newPool(client)
  const uploaded = await upload(service, client, poolId, codesFile(randomUUID().slice(0, 13), 6))
  await ended(client, uploaded)
  const { formatId } = await newStock(client, 1)
  const generated = await generate(client, { poolId, formatId, quantity: 4 })
  const codes = (await download(poolId, 'ALL')).map(([code]) => code)
  const of = (status: string, ...places: number[]) => places.map((place) => [codes[place], status])
  await claim(client, poolId, 2)
  await withdraw({ poolId, taskId: uploaded })
  await claim(client, poolId, 1)
  await restore({ poolId })
  await claim(client, poolId, 5)
  await withdraw({ poolId })
  // Claimed: two that were uploaded, four that were generated, and two that were restored.
  const claimed = of('CLAIMED', 0, 1, 6, 7, 8, 9, 2, 3)
  expect(await download(poolId, 'CLAIMED')).toEqual(claimed)
  expect(await download(poolId, 'AVAILABLE')).toEqual([])
  expect(await download(poolId, 'WITHDRAWN')).toEqual(of('WITHDRAWN', 4, 5))
  expect(await download(poolId, 'ALL')).toEqual([...claimed, ...of('WITHDRAWN', 4, 5)])
  expect(await download(poolId, 'ALL', uploaded)).toEqual([
    ...of('CLAIMED', 0, 1, 2, 3),
    ...of('WITHDRAWN', 4, 5),
  ])
  expect(await download(poolId, 'WITHDRAWN', uploaded)).toEqual(of('WITHDRAWN', 4, 5))
  expect(await download(poolId, 'ALL', generated)).toEqual(of('CLAIMED', 6, 7, 8, 9))
  expect(await download(poolId, 'WITHDRAWN', generated)).toEqual([])
})
