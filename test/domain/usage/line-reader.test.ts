import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { isCurrent, rangesOfStatus, readSnapshot } from '../../../src/domain/pool/snapshot.ts'
import { readStretches, SnapshotChangedError, type Stretch } from '../../../src/domain/usage/line-reader.ts'
import { fill, newFormat, newPool, useBooks } from '../../support/books.ts'

const place = useBooks()

const batches = 2_500

/** A pool whose line has many batches of one code each, one of them uploaded. */
async function patchwork(uploadedAt: number): Promise<{ poolId: string; undo: () => Promise<void> }> {
  const { books, accountId } = place
  const [poolId, uploadId] = [await newPool(place), randomUUID()]
  const taskId = await fill(place, poolId, await newFormat(place), BigInt(batches))
  await books.rows({
    text: `
      WITH whole AS (DELETE FROM batch WHERE pool_id = $1 RETURNING format_id)
      INSERT INTO batch (account_id, pool_id, start, count, format_id, first, task_id)
      SELECT $2, $1, n, 1, CASE WHEN n <> $3 THEN format_id END, n, CASE WHEN n = $3 THEN $4::uuid ELSE $5 END
      FROM whole, generate_series(0, ${batches - 1}) AS n`,
    values: [poolId, accountId, uploadedAt, uploadId, taskId],
  })
  await books.rows({
    text: `
      INSERT INTO task (account_id, id, kind, trigger, pool_id, status) VALUES ($1, $2, 'UPLOAD', 'MANUAL', $3, 'COMPLETED')`,
    values: [accountId, uploadId, poolId],
  })
  const undo = async () => {
    await books.write(accountId, async (tx) => {
      await tx.execute({ text: 'DELETE FROM batch WHERE task_id = $1', values: [uploadId] })
      // Via free positions, since no two batches may begin at the same position.
      await tx.execute({
        text: 'UPDATE batch SET start = 1 - start WHERE pool_id = $1 AND start > $2',
        values: [poolId, uploadedAt],
      })
      await tx.execute({
        text: 'UPDATE batch SET start = -start WHERE pool_id = $1 AND start < 0',
        values: [poolId],
      })
      await tx.execute({ text: 'UPDATE pool SET total = total - 1 WHERE id = $1', values: [poolId] })
    })
  }
  return { poolId, undo }
}

async function read(poolId: string, meanwhile: () => Promise<void>) {
  const { books, accountId } = place
  const now = await readSnapshot(books, accountId, poolId, 'ALL')
  if (now === undefined) throw new Error('There is no pool.')
  const { snapshot } = now
  const stretches: Stretch[] = []
  let error: unknown
  try {
    for await (const stretch of readStretches(books, {
      accountId,
      poolId,
      snapshot,
      ranges: rangesOfStatus(snapshot, 'ALL'),
    })) {
      if (stretches.length === 0) await meanwhile()
      stretches.push(stretch)
    }
  } catch (caught) {
    error = caught
  }
  const runs = await Promise.all(stretches.map(({ reader, offset }) => reader.indices(offset, 1)))
  return { snapshot, indices: runs.map(({ first }) => first), stretches, error }
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => BigInt(i))

test('a line of many batches is read completely and in order', async () => {
  const { poolId } = await patchwork(0)
  const { indices, error } = await read(poolId, async () => undefined)
  expect(error).toBeUndefined()
  expect(indices).toEqual(upTo(batches))
})

test('no code is missing if codes move during the read because an upload is undone', async () => {
  const { poolId, undo } = await patchwork(10)
  const { snapshot, indices, error } = await read(poolId, undo)
  expect(error).toBeInstanceOf(SnapshotChangedError)
  // The codes until then are correct.
  expect(indices).toEqual(upTo(1_000))
  expect(await isCurrent(place.books, place.accountId, poolId, snapshot)).toBe(false)
  // Not even when the line is as long as before.
  await place.books.rows({
    text: `
      INSERT INTO batch (account_id, pool_id, start, count, format_id, first, task_id)
      SELECT account_id, pool_id, start + 1, 1, format_id, first + 1, gen_random_uuid()
      FROM batch WHERE pool_id = $1 ORDER BY start DESC LIMIT 1`,
    values: [poolId],
  })
  expect(await isCurrent(place.books, place.accountId, poolId, snapshot)).toBe(false)
})

test('claims that begin and end anywhere give their recipients, across pages of claims and batches', async () => {
  const { poolId } = await patchwork(2_499)
  const { books, accountId } = place
  const claims = new Claims(books)
  const counts = [1, 999, 2, 7, 1_400]
  for (const count of counts) await claims.claim(accountId, { poolId, count, recipient: `of ${count}` })
  const { stretches } = await read(poolId, async () => undefined)
  const recipients = stretches.flatMap(({ runs, count }) => {
    expect(runs.reduce((sum, run) => sum + run.count, 0n)).toBe(count)
    return runs.flatMap((run) => Array(Number(run.count)).fill(run.claim?.recipient))
  })
  const expected = counts.flatMap((count) => Array(count).fill(`of ${count}`))
  expect(recipients).toEqual([...expected, ...Array(batches - expected.length).fill(undefined)])
})
