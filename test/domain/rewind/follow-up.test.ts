import { describe, expect, test } from 'vitest'
import { UploadNotUndoneError } from '../../../src/domain/books/errors.ts'
import { readLog } from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { generateCodes } from '../../../src/domain/generation/generation.ts'
import { readTask } from '../../../src/domain/generation/task.ts'
import { isCurrent, readSnapshot } from '../../../src/domain/pool/snapshot.ts'
import { type FollowUpStep, followUpRewind } from '../../../src/domain/rewind/follow-up.ts'
import { type IncarnationState, readIncarnation } from '../../../src/domain/rewind/incarnation.ts'
import { planFollowUp } from '../../../src/domain/rewind/plan.ts'
import { restoreCodes } from '../../../src/domain/stock/restore.ts'
import { withdrawCodes } from '../../../src/domain/stock/withdraw.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { OperatorError } from '../../../src/operator-error.ts'
import { expectBalance } from '../../support/audit.ts'
import {
  fill,
  formatNow,
  newFormat,
  newPool,
  newSmallFormat,
  openBooks,
  type Place,
  poolNow,
} from '../../support/books.ts'
import { newCodes, startUpload, upload } from '../../support/uploads.ts'

/** Follows up a rewind, and resolves to what was done. `killedAfter`: how many steps to do at most. */
async function followUp(
  { books }: Place,
  { seen, margin, killedAfter }: { seen?: IncarnationState; margin?: bigint; killedAfter?: number } = {},
): Promise<FollowUpStep[]> {
  const done: FollowUpStep[] = []
  const killed = new Error('killed')
  try {
    await followUpRewind(books, seen ?? (await readIncarnation(books.connections)), margin, (step) => {
      done.push(step)
      if (done.length === killedAfter) throw killed
    })
  } catch (error) {
    if (error !== killed) throw error
  }
  return done
}

async function claimAll(place: Place, poolId: string): Promise<string[]> {
  const { total, claimed } = await poolNow(place, poolId)
  const count = Number(total - claimed)
  if (count === 0) return []
  const { codes } = await new Claims(place.books).claim(place.accountId, { poolId, count })
  return codes.map(({ code }) => code)
}

const givenUp = async ({ books, accountId }: Place, formatId: string) =>
  await books.rows<{ first: string; count: string }>({
    text: 'SELECT first, count FROM given_up WHERE account_id = $1 AND format_id = $2',
    values: [accountId, formatId],
  })

describe('following up a rewind', () => {
  test('moves formats on, withdraws all stock, and refills pools with codes that nobody has', async () => {
    await using test = await openBooks()
    const { books, accountId } = test
    const formatId = await newFormat(test)
    const poolId = await newPool(test, { formatId, quantity: 20n, autoGenerate: true, refillThreshold: 5n })
    await fill(test, poolId, formatId, 30n)
    const [claimed] = [await new Claims(books).claim(accountId, { poolId, count: 4 })]
    const space = await books.codeSpaces.get(books, accountId, formatId)
    // What may have been generated and claimed since the backup.
    const lost = new Set(space.codesAt(4n, 1_046))

    const [plan] = await Array.fromAsync(planFollowUp(books, 1_000n))
    expect(plan).toMatchObject({ stockedPools: 1, available: 46n, withdrawn: 0n, uploads: 0 })
    const done = await followUp(test, { margin: 1_000n })
    expect(done).toMatchObject([
      { kind: 'FORMAT', formatId, margin: 1_000n, isUsedUp: false },
      { kind: 'POOL', poolId, withdrawn: 46n, available: 20n },
    ])
    expect(plan?.formats).toMatchObject([{ id: formatId, margin: 1_000n }])
    expect(await givenUp(test, formatId)).toEqual([{ first: '50', count: '1000' }])
    const fresh = await claimAll(test, poolId)
    expect(fresh).toHaveLength(20)
    for (const code of fresh) expect(lost.has(code)).toBe(false)
    for (const { code } of claimed.codes) expect(lost.has(code)).toBe(false)
    await expectBalance(test)
    expect(await readIncarnation(books.connections)).toMatchObject({ kind: 'KNOWN', cause: 'REWOUND' })
  })

  test('gives up the next free indices around those that are taken, and no more', async () => {
    await using test = await openBooks()
    const { books, accountId } = test
    const formatId = await newSmallFormat(test, 40)
    const poolId = await newPool(test)
    const space = await books.codeSpaces.get(books, accountId, formatId)
    await fill(test, poolId, formatId, 3n)
    await upload(
      test,
      poolId,
      [4n, 5n, 8n, 9n, 30n].map((index) => space.codeAt(index)),
    )
    // 3, 6 and 7 are free, with two taken ones between them; 8 comes after the last of them.
    await followUp(test, { margin: 3n })
    expect(await givenUp(test, formatId)).toEqual([{ first: '3', count: '5' }])
    expect(await formatNow(test, formatId)).toMatchObject({ next: 8n, takenAhead: 3n, generated: 3n })
    await expectBalance(test)
    await fill(test, poolId, formatId, 5n)
    expect(await claimAll(test, poolId)).toEqual(
      [10n, 11n, 12n, 13n, 14n].map((index) => space.codeAt(index)),
    )
    await expectBalance(test)
    await followUp(test)
    expect(await formatNow(test, formatId)).toMatchObject({ next: 40n, takenAhead: 0n })
    await expectBalance(test)
  })

  test('uses up a format that has less, and cancels the tasks that wait for it; others keep theirs', async () => {
    await using test = await openBooks()
    const { books, accountId } = test
    const small = await newSmallFormat(test, 100)
    const large = await newFormat(test)
    const poolId = await newPool(test)
    const waiting = await generateCodes(books, accountId, { poolId, formatId: small, quantity: 40n })
    const kept = await generateCodes(books, accountId, { poolId, formatId: large, quantity: 40n })
    const done = await followUp(test)
    expect(done).toContainEqual(expect.objectContaining({ kind: 'TASK_CANCELLED', taskId: waiting }))
    expect((await readTask(books, accountId, waiting))?.status).toBe('CANCELLED')
    expect((await readTask(books, accountId, kept))?.status).toBe('AWAITING_EXECUTION')
    expect(await formatNow(test, small)).toMatchObject({ next: 100n, reserved: 0n })
    expect(await formatNow(test, large)).toMatchObject({ reserved: 40n })
    await expectBalance(test)
  })

  test('never lets codes be restored or undone that may have been handed out', async () => {
    await using test = await openBooks()
    const { books, accountId } = test
    const poolId = await newPool(test)
    const early = await upload(test, poolId, newCodes(3))
    await withdrawCodes(books, accountId, { poolId })
    const late = await upload(test, poolId, newCodes(5))
    const unfinished = await startUpload(test, poolId)
    expect(await followUp(test)).toMatchObject([
      { kind: 'TASK_CANCELLED', taskId: unfinished },
      { kind: 'POOL', withdrawn: 5n, available: 0n },
    ])
    expect((await restoreCodes(books, accountId, { poolId })).count).toBe(0n)
    for (const taskId of [early, late])
      await expect(undoUpload(books, accountId, taskId)).rejects.toThrow(UploadNotUndoneError)

    // Later ones can be.
    const next = newCodes(4)
    const taskId = await upload(test, poolId, next)
    await withdrawCodes(books, accountId, { poolId })
    await expectBalance(test)
    expect((await restoreCodes(books, accountId, { poolId, taskId })).count).toBe(4n)
    expect(await claimAll(test, poolId)).toEqual(next)
    expect(await poolNow(test, poolId)).toMatchObject({ withdrawn: 8n })
    await expectBalance(test)
  })

  test('begins a new event log, and ends the files of moments that were lost', async () => {
    await using test = await openBooks()
    const { books, accountId } = test
    const poolId = await newPool(test)
    const before = await readLog(books, accountId)
    const read = await readSnapshot(books, accountId, poolId, 'CLAIMED')
    if (read === undefined) throw new Error('The pool is gone.')
    const lost = { ...read.snapshot, usage: read.snapshot.usage + 1_000_000n }
    await followUp(test)
    expect((await readLog(books, accountId)).log).not.toBe(before.log)
    expect(await isCurrent(books, accountId, poolId, lost)).toBe(false)
  })

  test('goes on where it was interrupted, at each step, and does nothing twice', async () => {
    await using test = await openBooks()
    const { books, accountId } = test
    const formats = [await newFormat(test), await newFormat(test), await newSmallFormat(test, 50)]
    const pools: string[] = []
    for (const formatId of formats) {
      const poolId = await newPool(test, { formatId, quantity: 6n, autoGenerate: true })
      await fill(test, poolId, formatId, 10n)
      pools.push(poolId)
    }
    await generateCodes(books, accountId, {
      poolId: pools[0] ?? '',
      formatId: formats[2] ?? '',
      quantity: 7n,
    })
    await startUpload(test, pools[1] ?? '')

    const done: FollowUpStep[] = []
    for (let runs = 0; (await readIncarnation(books.connections)).kind !== 'KNOWN'; runs++) {
      expect(runs).toBeLessThan(20)
      done.push(...(await followUp(test, { margin: 1_000n, killedAfter: 1 })))
      await expectBalance(test)
    }
    expect(done.map(({ kind }) => kind)).toEqual([
      ...['FORMAT', 'FORMAT', 'TASK_CANCELLED', 'FORMAT', 'TASK_CANCELLED', 'POOL', 'POOL', 'POOL'],
    ])
    for (const formatId of formats) expect(await givenUp(test, formatId)).toHaveLength(1)
    for (const poolId of pools) expect(await poolNow(test, poolId)).toMatchObject({ withdrawn: 16n })
  })

  test('does nothing twice if two run at the same time, or one has just done it', async () => {
    await using test = await openBooks()
    const { books } = test
    const formatId = await newFormat(test)
    const poolId = await newPool(test)
    await fill(test, poolId, formatId, 10n)
    const seen = await readIncarnation(books.connections)
    const other = { ...test, books: await test.another() }
    const outcomes = await Promise.allSettled([
      followUp(test, { seen, margin: 9n }),
      followUp(other, { seen, margin: 9n }),
    ])
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(OperatorError)
    await expect(followUp(test, { seen, margin: 9n })).rejects.toThrow('Another process has just done this')
    expect(await givenUp(test, formatId)).toEqual([{ first: '10', count: '9' }])
    await expectBalance(test)

    // Who has seen that it was done wants it again.
    await followUp(test, { margin: 9n })
    expect(await givenUp(test, formatId)).toHaveLength(2)
    const steps = await books.rows({ text: 'SELECT DISTINCT incarnation_id FROM rewind_step', values: [] })
    expect(steps).toHaveLength(1)
    await expectBalance(test)
  })
})
