import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Books } from '../../../src/domain/books/books.ts'
import { NotFoundError } from '../../../src/domain/books/errors.ts'
import { readHistory } from '../../../src/domain/books/event-log.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { generateCodes, runGeneration } from '../../../src/domain/generation/generation.ts'
import { saveReplenishment } from '../../../src/domain/generation/replenishment.ts'
import { readTask } from '../../../src/domain/generation/task.ts'
import { archivePool, unarchivePool } from '../../../src/domain/pool/archive.ts'
import { readClaims } from '../../../src/domain/pool/claim-rows.ts'
import { PoolArchivedError } from '../../../src/domain/pool/issuing.ts'
import { saveTerms } from '../../../src/domain/pool/terms.ts'
import { completeUpload, undoUpload } from '../../../src/domain/upload/finish.ts'
import { receiveUpload } from '../../../src/domain/upload/receive.ts'
import { expectBalance } from '../../support/audit.ts'
import { fill, newAccount, newFormat, newPool, poolNow, useBooks } from '../../support/books.ts'
import { addCodes, startUpload, upload } from '../../support/uploads.ts'

const test = useBooks()
let formatId: string
beforeAll(async () => {
  formatId = await newFormat(test)
})

const archive = (poolId: string, books: Books = test.books) => archivePool(books, test.accountId, poolId)
const unarchive = (poolId: string) => unarchivePool(test.books, test.accountId, poolId)

/** Whether the pool was archived after each event of archiving, oldest first. */
async function told(poolId: string): Promise<(string | null | undefined)[]> {
  const events = await readHistory(test.books, test.accountId, { poolId, limit: 100, fromOldest: true })
  return events
    .reverse()
    .flatMap((event) =>
      event.kind === 'POOL_CHANGED' && event.payload.changed.includes('ARCHIVED')
        ? [event.payload.archivedAt]
        : [],
    )
}

/** Refills of ten codes as soon as none is left. */
const refills = { method: 'GENERATE', autoGenerate: true, quantity: 10n, refillThreshold: 0n } as const

describe('archiving a pool', () => {
  it('changes nothing the second time, and can be undone', async () => {
    const poolId = await newPool(test)
    await unarchive(poolId)
    await archive(poolId)
    const { archivedAt } = await poolNow(test, poolId)
    expect(archivedAt).toBeInstanceOf(Date)
    await archive(poolId)
    expect(await poolNow(test, poolId)).toMatchObject({ archivedAt })
    await unarchive(poolId)
    await unarchive(poolId)
    expect(await poolNow(test, poolId)).toMatchObject({ archivedAt: undefined })
    expect(await told(poolId)).toEqual([archivedAt?.toISOString(), null])
  })

  it('is told once when two processes do it at the same moment', async () => {
    const poolId = await newPool(test)
    await Promise.all([archive(poolId), archive(poolId, await test.another())])
    expect(await told(poolId)).toHaveLength(1)
  })

  it('can be done only by its account', async () => {
    const poolId = await newPool(test)
    const stranger = await newAccount(test.books)
    await expect(archivePool(test.books, stranger, poolId)).rejects.toThrow(NotFoundError)
    await expect(unarchivePool(test.books, stranger, poolId)).rejects.toThrow(NotFoundError)
  })
})

describe('an archived pool', () => {
  it('is not generated into, and reserves nothing', async () => {
    const poolId = await newPool(test)
    await archive(poolId)
    const before = await poolNow(test, poolId)
    const saveSettings = { autoGenerate: true, refillThreshold: 5n }
    const input = { poolId, formatId, quantity: 5n, saveSettings }
    const refused = generateCodes(test.books, test.accountId, input)
    await expect(refused).rejects.toThrow(/is archived, so nothing was generated.*unarchivePool/)
    await expect(refused).rejects.toMatchObject({
      code: 'POOL_ARCHIVED',
      path: ['poolId'],
      pool: { id: poolId },
    })
    expect(await poolNow(test, poolId)).toEqual(before)
    await expectBalance(test)
  })

  it('still answers a repeated generation, and finishes the one that was accepted', async () => {
    const poolId = await newPool(test)
    const input = { poolId, formatId, quantity: 5n, idempotencyKey: randomUUID() }
    const taskId = await generateCodes(test.books, test.accountId, input)
    await archive(poolId)
    expect(await generateCodes(test.books, test.accountId, input)).toBe(taskId)
    await runGeneration(test.books, { accountId: test.accountId, taskId })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 5n })
  })

  it('refuses a file before any of it has been read, and finishes the upload that was accepted', async () => {
    const poolId = await newPool(test)
    const taskId = await startUpload(test, poolId)
    await addCodes(test, taskId, [randomUUID()])
    await archive(poolId)
    await completeUpload(test.books, { accountId: test.accountId, taskId })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 1n })
    let read = false
    const file = async function* () {
      read = true
      yield Buffer.from('code\n')
    }
    for (const dryRun of [false, true]) {
      const refused = receiveUpload(test.books, test.accountId, { poolId, dryRun }, file(), 1_000)
      await expect(refused).rejects.toThrow(/is archived, so nothing was uploaded/)
      await expect(refused).rejects.toBeInstanceOf(PoolArchivedError)
    }
    expect(read).toBe(false)
  })

  it('still answers a repeated upload, and refuses a new one with a key', async () => {
    const poolId = await newPool(test)
    const send = (idempotencyKey: string) => {
      const file = async function* () {
        yield Buffer.from('ONE\n')
      }
      const input = { poolId, dryRun: false, idempotencyKey }
      return receiveUpload(test.books, test.accountId, input, file(), 1_000)
    }
    const key = randomUUID()
    const { taskId } = await send(key)
    await archive(poolId)
    expect((await send(key)).taskId).toBe(taskId)
    await expect(send(randomUUID())).rejects.toBeInstanceOf(PoolArchivedError)
    expect((await readTask(test.books, test.accountId, taskId))?.status).toBe('AWAITING_EXECUTION')
  })

  it('is not refilled, neither by saving its settings nor by an undone upload', async () => {
    const poolId = await newPool(test)
    const taskId = await upload(test, poolId, [randomUUID()])
    await archive(poolId)
    const settings = { poolId, formatId, ...refills, refillThreshold: 3n }
    expect(await saveReplenishment(test.books, test.accountId, settings)).toBeUndefined()
    expect(await poolNow(test, poolId)).toMatchObject({ autoGenerate: true, refillThreshold: 3n, total: 1n })
    await undoUpload(test.books, test.accountId, taskId)
    expect(await poolNow(test, poolId)).toMatchObject({ total: 0n, refillFailed: false })
    await unarchive(poolId)
    expect(await poolNow(test, poolId)).toMatchObject({ total: 0n })
    await new Claims(test.books).claim(test.accountId, { poolId, count: 1 })
    expect(await poolNow(test, poolId)).toMatchObject({ total: 10n, claimed: 1n })
  })
})

describe('while two processes claim', () => {
  /** Claims one by one through two processes until one is refused, and resolves to the positions that were answered. */
  async function claimUntilRefused(poolId: string): Promise<{ positions: bigint[]; refusals: unknown[] }> {
    const positions: bigint[] = []
    const refusals: unknown[] = []
    const run = async (books: Books) => {
      const claims = new Claims(books)
      for (;;)
        try {
          const { codes } = await claims.claim(test.accountId, { poolId, count: 1 })
          positions.push(...codes.map((code) => code.position))
        } catch (error) {
          refusals.push(error)
          return
        }
    }
    await Promise.all([test.books, await test.another()].flatMap((books) => [run(books), run(books)]))
    return { positions, refusals }
  }

  it.each([
    ['archiving', 'POOL_ARCHIVED', (poolId: string) => archive(poolId)],
    [
      'ending its terms',
      'POOL_NOT_ISSUING',
      (poolId: string) =>
        saveTerms(test.books, test.accountId, { poolId, issueUntil: new Date(Date.now() - 1_000) }),
    ],
  ])(
    '%s a pool lets none through once it has been answered, and loses none from before',
    async (_what, code, end) => {
      const poolId = await newPool(test)
      await fill(test, poolId, formatId, 20_000n)
      const claiming = claimUntilRefused(poolId)
      await expect.poll(async () => (await poolNow(test, poolId)).claimed).toBeGreaterThan(20n)
      await end(poolId)
      const { claimed } = await poolNow(test, poolId)
      const { positions, refusals } = await claiming
      expect(refusals).toHaveLength(4)
      for (const refusal of refusals) expect(refusal).toMatchObject({ code, pool: { id: poolId } })
      const sorted = positions.toSorted((a, b) => (a < b ? -1 : 1))
      expect(sorted).toEqual(Array.from({ length: Number(claimed) }, (_, at) => BigInt(at)))
      const rows = await readClaims(test.books, test.accountId, poolId, 0n, claimed)
      expect(rows.reduce((sum, claim) => sum + claim.count, 0n)).toBe(claimed)
      expect((await poolNow(test, poolId)).claimed).toBe(claimed)
    },
  )
})
