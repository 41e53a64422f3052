import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import { InvalidInputError, NotFoundError, UploadNotUndoneError } from '../../../src/domain/books/errors.ts'
import { readEventsAfter, readLog } from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { readCode, readCodes, statusOf } from '../../../src/domain/code/code.ts'
import { LookUps } from '../../../src/domain/code/lookup.ts'
import { NotEnoughCodesError } from '../../../src/domain/pool/pool.ts'
import { type CodeStatus, isCurrent, rangesOfTask, readSnapshot } from '../../../src/domain/pool/snapshot.ts'
import { restoreCodes } from '../../../src/domain/stock/restore.ts'
import { type WithdrawCodesInput, withdrawCodes } from '../../../src/domain/stock/withdraw.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { expectBalance } from '../../support/audit.ts'
import {
  fill,
  formatNow,
  newFormat,
  newPlace,
  newPool,
  newSmallFormat,
  poolNow,
  useBooks,
} from '../../support/books.ts'
import { clearAway, newCodes, startUpload, upload } from '../../support/uploads.ts'

const test = useBooks()
let elsewhere: Books
let formatId: string
beforeAll(async () => {
  elsewhere = await test.another()
  formatId = await newFormat(test)
})
afterAll(async () => {
  await expectBalance(test)
})

const withdraw = async (input: WithdrawCodesInput) =>
  (await withdrawCodes(test.books, test.accountId, input)).count
const restore = async (input: { poolId: string; taskId?: string }) =>
  (await restoreCodes(test.books, test.accountId, input)).count
const undo = (taskId: string) => undoUpload(test.books, test.accountId, taskId)

async function claim(poolId: string, count: number, books = test.books): Promise<string[]> {
  const { codes } = await new Claims(books).claim(test.accountId, { poolId, count })
  return codes.map(({ code }) => code)
}

/** The codes of a status, in the order of their list. */
async function list(poolId: string, status: CodeStatus): Promise<string[]> {
  const none = { after: undefined, before: undefined }
  const page = await readCodes(test.books, test.accountId, poolId, status, none, (total) => ({
    from: 0n,
    to: total,
  }))
  return page?.codes.map(({ code }) => code) ?? []
}

/** Counts: claimed, available, withdrawn. */
async function counts(poolId: string): Promise<bigint[]> {
  const { claimed, total, withdrawn } = await poolNow(test, poolId)
  return [claimed, total - claimed, withdrawn]
}

/** What the pool's events from now on say, by the time that the function is called. */
async function recordEvents(poolId: string): Promise<() => Promise<[kind: string, payload: object][]>> {
  const { last } = await readLog(test.books, test.accountId)
  return async () => {
    const events = await readEventsAfter(test.books, test.accountId, last, 1_000)
    return events
      .filter((event) => event.poolId === poolId)
      .map(({ kind, payload }): [string, object] => [kind, payload])
  }
}

/** A pool with codes of a format, of an upload, and of the format again. */
async function newMixedPool() {
  const poolId = await newPool(test)
  const generated = await fill(test, poolId, formatId, 4n)
  const uploaded = await upload(test, poolId, newCodes(5))
  const more = await fill(test, poolId, formatId, 6n)
  return { poolId, generated, uploaded, more, codes: await list(poolId, 'AVAILABLE') }
}

describe('withdrawing', () => {
  it('takes the available codes out of the stock, in their order, and leaves the claimed ones', async () => {
    const { poolId, codes } = await newMixedPool()
    const claimed = await claim(poolId, 6)
    expect(await withdraw({ poolId })).toBe(9n)
    expect(await counts(poolId)).toEqual([6n, 0n, 9n])
    expect(await list(poolId, 'WITHDRAWN')).toEqual(codes.slice(6))
    expect(await list(poolId, 'CLAIMED')).toEqual(claimed.toReversed())
    await expect(claim(poolId, 1)).rejects.toBeInstanceOf(NotEnoughCodesError)
  })

  it('of the codes of a task leaves the others, in their order', async () => {
    const { poolId, generated, uploaded, more, codes } = await newMixedPool()
    const { books, accountId } = test
    const places = (taskId: string) => rangesOfTask(books, accountId, poolId, taskId)
    await claim(poolId, 6)
    expect(await withdraw({ poolId, taskId: generated })).toBe(0n)
    expect(await withdraw({ poolId, taskId: uploaded })).toBe(3n)
    expect(await list(poolId, 'AVAILABLE')).toEqual(codes.slice(9))
    expect(await list(poolId, 'WITHDRAWN')).toEqual(codes.slice(6, 9))
    expect(await places(generated)).toEqual([{ lane: 'LINE', from: 0n, to: 4n }])
    expect(await places(uploaded)).toEqual([
      { lane: 'LINE', from: 4n, to: 6n },
      { lane: 'WITHDRAWN', from: 0n, to: 3n },
    ])
    expect(await places(more)).toEqual([{ lane: 'LINE', from: 6n, to: 12n }])

    expect(await withdraw({ poolId })).toBe(6n)
    expect(await list(poolId, 'WITHDRAWN')).toEqual(codes.slice(6))
    expect(await restore({ poolId, taskId: more })).toBe(6n)
    expect(await list(poolId, 'AVAILABLE')).toEqual(codes.slice(9))
    expect(await claim(poolId, 1)).toEqual([codes[9]])
    expect(await restore({ poolId })).toBe(3n)
    expect(await list(poolId, 'AVAILABLE')).toEqual([...codes.slice(10), ...codes.slice(6, 9)])
    await claim(poolId, 7)
    expect(await places(uploaded)).toEqual([
      { lane: 'LINE', from: 4n, to: 6n },
      { lane: 'LINE', from: 12n, to: 15n },
    ])
    expect(await counts(poolId)).toEqual([14n, 1n, 0n])
  })

  it('changes the status of a code, and never its id or that it is found', async () => {
    const { poolId, codes } = await newMixedPool()
    await claim(poolId, 6)
    const find = async () => {
      const lookUps = new LookUps(test.books)
      return await Promise.all(
        codes.map(async (code) => {
          const found = await lookUps.find(test.accountId, code.toLowerCase())
          if (found === undefined) throw new Error(`The code ${code} was not found.`)
          expect(found).toMatchObject({ code, poolId })
          expect(await readCode(test.books, test.accountId, found)).toEqual(found)
          return found
        }),
      )
    }
    const origins = (found: Awaited<ReturnType<typeof find>>) =>
      found.map(({ formatId, uploadId, index }) => ({ formatId, uploadId, index }))
    const before = await find()
    await withdraw({ poolId })
    const withdrawn = await find()
    expect(withdrawn.map(statusOf)).toEqual([...Array(6).fill('CLAIMED'), ...Array(9).fill('WITHDRAWN')])
    expect(origins(withdrawn)).toEqual(origins(before))
    await restore({ poolId })
    expect(await find()).toEqual(before)
  })

  it('of a pool without available codes, and a second time, does nothing', async () => {
    const { poolId } = await newMixedPool()
    await withdraw({ poolId })
    const empty = await newPool(test)
    for (const pool of [poolId, empty]) {
      const events = await recordEvents(pool)
      const before = await poolNow(test, pool)
      expect(await withdraw({ poolId: pool })).toBe(0n)
      if (pool === empty) expect(await restore({ poolId: pool })).toBe(0n)
      expect(await poolNow(test, pool)).toEqual(before)
      expect(await events()).toEqual([])
    }
  })

  it('never lets a format generate the codes again', async () => {
    const small = await newSmallFormat(test, 12)
    const poolId = await newPool(test)
    await fill(test, poolId, small, 5n)
    await claim(poolId, 2)
    await withdraw({ poolId })
    await fill(test, poolId, small, 7n)
    const all = await Promise.all(
      (['CLAIMED', 'AVAILABLE', 'WITHDRAWN'] as const).map((status) => list(poolId, status)),
    )
    expect(all.map(({ length }) => length)).toEqual([2, 7, 3])
    expect(new Set(all.flat()).size).toBe(12)
    expect(await formatNow(test, small)).toMatchObject({ next: 12n, generated: 12n })
  })

  it('leaves what a task has added, and codes that a task adds later', async () => {
    const poolId = await newPool(test)
    const taskId = await fill(test, poolId, formatId, 3n)
    const waiting = await startUpload(test, poolId)
    await withdraw({ poolId })
    expect(await withdraw({ poolId, taskId: waiting })).toBe(0n)
    await fill(test, poolId, formatId, 2n)
    expect(await counts(poolId)).toEqual([0n, 2n, 3n])
    const [task] = await test.books.rows<{ added: string; status: string }>({
      text: 'SELECT added, status FROM task WHERE account_id = $1 AND id = $2',
      values: [test.accountId, taskId],
    })
    expect(task).toEqual({ added: '3', status: 'COMPLETED' })
  })

  it('is told of in the history, with its reason', async () => {
    const { poolId, uploaded } = await newMixedPool()
    const events = await recordEvents(poolId)
    await withdraw({ poolId, taskId: uploaded, reason: 'leaked' })
    await withdraw({ poolId })
    await restore({ poolId, taskId: uploaded })
    expect(await events()).toEqual([
      ['CODES_WITHDRAWN', { count: '5', reason: 'leaked', taskId: uploaded }],
      ['CODES_WITHDRAWN', { count: '10', reason: null, taskId: null }],
      ['POOL_EMPTY', {}],
      ['CODES_RESTORED', { count: '5', reason: null, taskId: uploaded }],
    ])
  })

  it('is refused for what does not exist, for a task of another pool, and without a proper reason', async () => {
    const [{ poolId, generated }, other] = [await newMixedPool(), await newMixedPool()]
    const stranger = await newPlace(test)
    const before = await poolNow(test, poolId)
    const { books, accountId } = test
    for (const change of [withdrawCodes, restoreCodes]) {
      for (const [account, input, path] of [
        [accountId, { poolId, taskId: other.generated }, 'taskId'],
        [accountId, { poolId, taskId: poolId }, 'taskId'],
        [accountId, { poolId: generated }, 'poolId'],
        [stranger.accountId, { poolId }, 'poolId'],
        [stranger.accountId, { poolId, taskId: generated }, 'poolId'],
      ] as const) {
        const refused = change(books, account, input)
        await expect(refused).rejects.toBeInstanceOf(NotFoundError)
        await expect(refused).rejects.toMatchObject({ path: [path] })
      }
    }
    for (const reason of ['', ' \n', '\u200b', 'x'.repeat(1_001), 'a\0b', '\ud800'])
      await expect(withdraw({ poolId, reason })).rejects.toBeInstanceOf(InvalidInputError)
    expect(await withdraw({ poolId: other.poolId, reason: '😀'.repeat(1_000) })).toBe(15n)
    expect(await poolNow(test, poolId)).toEqual(before)
  })
})

describe('auto-generation', () => {
  const settings = () => ({ formatId, quantity: 10n, autoGenerate: true, refillThreshold: 2n })

  it('is turned off by withdrawing, even if nothing was available', async () => {
    for (const quantity of [5n, 0n]) {
      const poolId = await newPool(test, { ...settings(), autoGenerate: false })
      if (quantity > 0n) await fill(test, poolId, formatId, quantity)
      // Not by saving them, which would refill the pool.
      await test.books.rows({ text: 'UPDATE pool SET auto_generate = true WHERE id = $1', values: [poolId] })
      const events = await recordEvents(poolId)
      expect(await withdraw({ poolId })).toBe(quantity)
      const { name, ...pool } = await poolNow(test, poolId)
      expect(pool).toMatchObject({ ...settings(), autoGenerate: false })
      const changed = ['POOL_CHANGED', expect.objectContaining({ changed: ['REPLENISHMENT'], name })]
      expect(await events()).toEqual(
        quantity === 0n
          ? [changed]
          : [
              ['CODES_WITHDRAWN', { count: '5', reason: null, taskId: null }],
              changed,
              ['POOL_LOW', { available: '0' }],
              ['POOL_EMPTY', {}],
            ],
      )
      await expect(claim(poolId, 1)).rejects.toBeInstanceOf(NotEnoughCodesError)
    }
  })

  it('refills the pool if it is to stay on, with codes that are new', async () => {
    const poolId = await newPool(test, settings())
    const [first] = await claim(poolId, 1)
    const before = await list(poolId, 'AVAILABLE')
    const events = await recordEvents(poolId)
    expect(await withdraw({ poolId, keepAutoGenerate: true })).toBe(9n)
    expect(await counts(poolId)).toEqual([1n, 10n, 9n])
    expect(await list(poolId, 'WITHDRAWN')).toEqual(before)
    const refill = await list(poolId, 'AVAILABLE')
    expect(new Set([first, ...before, ...refill]).size).toBe(20)
    expect(await poolNow(test, poolId)).toMatchObject(settings())
    const kinds = (await events()).map(([kind]) => kind)
    expect(kinds).toEqual(['CODES_WITHDRAWN', 'TASK_STATUS_CHANGED', 'POOL_REFILLED'])
  })

  it('does not refill a pool that stays above its threshold', async () => {
    const poolId = await newPool(test, settings())
    const more = await fill(test, poolId, formatId, 5n)
    const events = await recordEvents(poolId)
    expect(await withdraw({ poolId, taskId: more, keepAutoGenerate: true })).toBe(5n)
    expect((await events()).map(([kind]) => kind)).toEqual(['CODES_WITHDRAWN'])
    expect((await counts(poolId))[1]).toBe(10n)
  })

  it('reports once what its format cannot refill, and that the pool is low', async () => {
    const small = await newSmallFormat(test, 11)
    const poolId = await newPool(test, { ...settings(), formatId: small })
    const events = await recordEvents(poolId)
    expect(await withdraw({ poolId, keepAutoGenerate: true })).toBe(10n)
    expect(await counts(poolId)).toEqual([0n, 1n, 10n])
    expect((await events()).map(([kind]) => kind)).toEqual([
      'CODES_WITHDRAWN',
      'TASK_STATUS_CHANGED',
      'POOL_REFILLED',
      'POOL_REFILL_FAILED',
      'POOL_LOW',
    ])
  })

  it('is not turned on again by restoring', async () => {
    const poolId = await newPool(test, settings())
    await withdraw({ poolId })
    expect(await restore({ poolId })).toBe(10n)
    expect(await poolNow(test, poolId)).toMatchObject({ autoGenerate: false, total: 10n, withdrawn: 0n })
  })
})

describe('restored codes', () => {
  it('go behind those that are available, and each is handed out once', async () => {
    const { poolId, codes } = await newMixedPool()
    const handedOut = await claim(poolId, 5)
    await withdraw({ poolId })
    await fill(test, poolId, formatId, 3n)
    const fresh = await list(poolId, 'AVAILABLE')
    expect(await restore({ poolId })).toBe(10n)
    expect(await counts(poolId)).toEqual([5n, 13n, 0n])
    for (const count of [1, 4, 8]) handedOut.push(...(await claim(poolId, count)))
    expect(handedOut).toEqual([...codes.slice(0, 5), ...fresh, ...codes.slice(5)])
    await expect(claim(poolId, 1)).rejects.toBeInstanceOf(NotEnoughCodesError)
  })

  it('can be restored into an archived pool', async () => {
    const { poolId } = await newMixedPool()
    await withdraw({ poolId })
    await test.books.rows({ text: 'UPDATE pool SET archived_at = now() WHERE id = $1', values: [poolId] })
    expect(await restore({ poolId })).toBe(15n)
  })
})

describe('undoing an upload', () => {
  it('takes its codes out of the withdrawn lane, and they can be uploaded again', async () => {
    const { poolId, uploaded, codes } = await newMixedPool()
    const own = codes.slice(4, 9)
    const handedOut = await claim(poolId, 3)
    await withdraw({ poolId })
    const events = await recordEvents(poolId)
    await undo(uploaded)
    expect((await events()).map(([kind]) => kind)).toEqual(['TASK_STATUS_CHANGED'])
    expect(await counts(poolId)).toEqual([3n, 0n, 7n])
    expect(await list(poolId, 'WITHDRAWN')).toEqual([codes[3], ...codes.slice(9)])
    expect(await rangesOfTask(test.books, test.accountId, poolId, uploaded)).toEqual([])
    await clearAway(test, uploaded)
    await upload(test, poolId, own)
    expect(await list(poolId, 'AVAILABLE')).toEqual(own)
    await restore({ poolId })
    expect([...handedOut, ...(await claim(poolId, 12))].toSorted()).toEqual(codes.toSorted())
  })

  it('is refused if some of its codes are claimed and the others withdrawn or restored', async () => {
    const { poolId, uploaded } = await newMixedPool()
    await claim(poolId, 6)
    await withdraw({ poolId })
    await fill(test, poolId, formatId, 1n)
    await restore({ poolId })
    const before = await poolNow(test, poolId)
    for (const count of ['2 of its 5', '4 of its 5', 'All of']) {
      const refused = undo(uploaded)
      await expect(refused).rejects.toBeInstanceOf(UploadNotUndoneError)
      await expect(refused).rejects.toMatchObject({ message: expect.stringContaining(count) })
      if (count === '2 of its 5') expect(await poolNow(test, poolId)).toEqual(before)
      // A code of the format, and two uploaded ones.
      await claim(poolId, count === '2 of its 5' ? 3 : 1)
    }
    await withdraw({ poolId })
    await expect(undo(uploaded)).rejects.toMatchObject({ message: expect.stringContaining('All of') })
  })
})

describe('pages and files', () => {
  it('of available codes end with a withdrawal, and those of claimed codes do not', async () => {
    const { poolId } = await newMixedPool()
    await claim(poolId, 2)
    const { books, accountId } = test
    const snapshot = async (status: CodeStatus | 'ALL') => {
      const now = await readSnapshot(books, accountId, poolId, status)
      if (now === undefined) throw new Error('There is no pool.')
      return now.snapshot
    }
    const current = async (snapshots: Parameters<typeof isCurrent>[3][]) =>
      await Promise.all(snapshots.map((one) => isCurrent(books, accountId, poolId, one)))
    const refilled = async () => {
      const count = await withdraw({ poolId })
      // The line is as long as before.
      await fill(test, poolId, formatId, count)
      return count
    }
    for (const change of [() => withdraw({ poolId }), () => restore({ poolId }), refilled]) {
      const before = await Promise.all(
        (['AVAILABLE', 'WITHDRAWN', 'ALL', 'CLAIMED'] as const).map((status) => snapshot(status)),
      )
      expect(await change()).toBe(13n)
      expect(await current(before)).toEqual([false, false, false, true])
    }
  })

  it('go on from a code, unless it has left their list', async () => {
    const { poolId, more, codes } = await newMixedPool()
    const { books, accountId } = test
    const rest = async (status: CodeStatus, after: string) => {
      const found = await new LookUps(books).find(accountId, after)
      const cursors = { after: found, before: undefined }
      const page = await readCodes(books, accountId, poolId, status, cursors, (total, place = -1n) => ({
        from: place < 0n ? 0n : place + 1n,
        to: total,
      }))
      return page?.codes.map(({ code }) => code)
    }
    await claim(poolId, 2)
    await withdraw({ poolId, taskId: more })
    const [claimed = '', , available = '', , , , , , , withdrawn = ''] = codes
    expect(await rest('AVAILABLE', available)).toEqual(codes.slice(3, 9))
    // One that has been claimed is before the first available one.
    expect(await rest('AVAILABLE', claimed)).toEqual(codes.slice(2, 9))
    expect(await rest('AVAILABLE', withdrawn)).toBeUndefined()
    expect(await rest('WITHDRAWN', withdrawn)).toEqual(codes.slice(10))
    expect(await rest('WITHDRAWN', available)).toBeUndefined()
    expect(await rest('WITHDRAWN', claimed)).toBeUndefined()
    await restore({ poolId })
    expect(await rest('AVAILABLE', withdrawn)).toEqual(codes.slice(10))
  })

  it('show one moment while codes are withdrawn and restored', async () => {
    const { poolId, uploaded, codes } = await newMixedPool()
    const own = codes.slice(4, 9)
    const others = codes.filter((code) => !own.includes(code))
    let done = false
    const changes = (async () => {
      for (let round = 0; round < 15; round++) {
        await withdrawCodes(elsewhere, test.accountId, { poolId, taskId: uploaded })
        await restoreCodes(elsewhere, test.accountId, { poolId })
      }
      done = true
    })()
    const seen = new Set<string>()
    while (!done) {
      seen.add(JSON.stringify(await list(poolId, 'AVAILABLE')))
      seen.add(JSON.stringify(await list(poolId, 'WITHDRAWN')))
    }
    await changes
    const possible = [codes, others, [...others, ...own], own, []].map((page) => JSON.stringify(page))
    for (const page of seen) expect(possible).toContain(page)
  })
})

describe('while claims run in another process', () => {
  it('no code is lost, or both claimed and withdrawn, and every count is exact', async () => {
    const { poolId, uploaded, codes } = await newMixedPool()
    await fill(test, poolId, formatId, 300n)
    const all = new Set([...codes, ...(await list(poolId, 'AVAILABLE'))])
    const handedOut: string[] = []
    let refused = 0
    const claimant = async (books: Books) => {
      const claims = new Claims(books)
      for (let round = 0; round < 40; round++)
        try {
          const { codes: got } = await claims.claim(test.accountId, { poolId, count: 1 + (round % 3) })
          handedOut.push(...got.map(({ code }) => code))
        } catch (error) {
          if (!(error instanceof NotEnoughCodesError)) throw error
          refused += 1
        }
    }
    let withdrawn = 0n
    let restored = 0n
    const manager = async (taskId: string | undefined) => {
      for (let round = 0; round < 25; round++) {
        const input = { poolId, ...(taskId === undefined ? {} : { taskId }) }
        const left = await withdrawCodes(elsewhere, test.accountId, input)
        withdrawn += left.count
        const back = await restoreCodes(elsewhere, test.accountId, input)
        restored += back.count
      }
    }
    await Promise.all([
      ...[test.books, elsewhere, test.books, elsewhere].map(claimant),
      manager(undefined),
      manager(uploaded),
    ])
    expect(withdrawn).toBeGreaterThan(0n)
    const pool = await poolNow(test, poolId)
    expect(pool).toMatchObject({
      claimed: BigInt(handedOut.length),
      withdrawn: withdrawn - restored,
      total: BigInt(all.size) - (withdrawn - restored),
    })
    await restore({ poolId })
    if (handedOut.length < all.size) handedOut.push(...(await claim(poolId, all.size - handedOut.length)))
    expect(handedOut.toSorted()).toEqual([...all].toSorted())
    expect((await list(poolId, 'CLAIMED')).toSorted()).toEqual([...all].toSorted())
    expect(refused).toBeLessThan(160)
  })
})
