import type { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { auditBooks, type Finding, type FindingKind, findingKinds } from '../../../src/domain/audit/audit.ts'
import { TaskFinishedError, UploadNotUndoneError } from '../../../src/domain/books/errors.ts'
import { Claims } from '../../../src/domain/claim/claim.ts'
import { generateCodes, runGeneration } from '../../../src/domain/generation/generation.ts'
import { cancelTask } from '../../../src/domain/generation/task.ts'
import { rollBackRedemption } from '../../../src/domain/redemption/roll-back.ts'
import { restoreCodes } from '../../../src/domain/stock/restore.ts'
import { withdrawCodes } from '../../../src/domain/stock/withdraw.ts'
import { undoUpload } from '../../../src/domain/upload/finish.ts'
import { unvoidCodes, voidCodes } from '../../../src/domain/void/void.ts'
import { newFormat, newPool, openBooks } from '../../support/books.ts'
import { isDistributed, onlyOnOneServer, runSql } from '../../support/database.ts'
import { redemptionsOn } from '../../support/redemptions.ts'
import { keep, makeSoundBooks, pastConstraints, restore, type SoundBooks } from '../../support/sound-books.ts'
import { clearAway, newCodes, upload } from '../../support/uploads.ts'
import { damages } from './damages.ts'

let sound: SoundBooks
beforeAll(async () => {
  sound = await makeSoundBooks()
  const { database, accountId, uploadId } = sound
  await runSql(
    database.url,
    `INSERT INTO idempotency (account_id, operation, key, hash, task_id, at)
     VALUES ('${accountId}', 'uploadCodes', 'upload', sha256('upload'), '${uploadId}', now())`,
  )
  await keep(database)
})
afterAll(() => sound.database.close())

/** The findings of a database, and how many rows of each table were checked. */
async function findIn(pool: Pool, options: { pageSize?: number } = {}) {
  const findings: Finding[] = []
  const summary = await auditBooks(pool, (finding) => findings.push(finding), options)
  expect(summary.findings).toEqual(new Map(Object.entries(tally(findings))))
  return { findings, rows: summary.checked }
}

function tally(findings: readonly Finding[]): Partial<Record<FindingKind, number>> {
  const counts: Partial<Record<FindingKind, number>> = {}
  for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

describe('sound books', () => {
  it.each([1, 2, 10_000])('give no finding when %i rows are read at a time', async (pageSize) => {
    const { findings, rows } = await findIn(sound.database.connections, { pageSize })
    expect(findings).toEqual([])
    const tables = await runSql<{ table: string; rows: string }>(
      sound.database.url,
      [...rows.keys()]
        .map((table) => `SELECT '${table}' AS table, count(*) AS rows FROM ${table}`)
        .join(' UNION '),
    )
    expect(rows).toEqual(new Map(tables.map((table) => [table.table, Number(table.rows)])))
    for (const [table, count] of rows) expect(count, table).toBeGreaterThan(0)
  })

  it('give no finding while they are written', async () => {
    await using test = await openBooks()
    const { books, accountId } = test
    const formatId = await newFormat(test)
    const poolId = await newPool(test, { formatId, quantity: 3n, autoGenerate: true, refillThreshold: 2n })
    const claims = new Claims(books)
    let audits = 3
    const untilAudited = async (step: (round: number) => Promise<unknown>) => {
      for (let round = 1; audits > 0; round++) await step(round)
    }
    const generate = async () => {
      const taskId = await generateCodes(books, accountId, { poolId, formatId, quantity: 2n })
      await Promise.all([
        runGeneration(books, { accountId, taskId }),
        cancelTask(books, accountId, taskId).catch((error: unknown) => {
          if (!(error instanceof TaskFinishedError)) throw error
        }),
      ])
    }
    // Some of the codes are of the format: those it has generated, and those it will generate.
    const space = await books.codeSpaces.get(books, accountId, formatId)
    const uploadAndUndo = async (round: number) => {
      const own = [5, 50, 500].map((ahead) => space.codeAt(BigInt(round * ahead)))
      const taskId = await upload(test, poolId, [...own, ...newCodes(3)], { chunk: 2 })
      // Codes of the upload may have been claimed already.
      await undoUpload(books, accountId, taskId).catch((error: unknown) => {
        if (!(error instanceof UploadNotUndoneError)) throw error
      })
      await clearAway(test, taskId, 2)
    }
    const audit = async () => {
      for (; audits > 0; audits--)
        expect((await findIn(books.connections, { pageSize: 50 })).findings).toEqual([])
    }
    const redemptions = redemptionsOn(books)
    const redeemAndRollBack = async (round: number) => {
      const { codes } = await claims.claim(accountId, { poolId, count: 1 })
      const [code] = codes
      if (code === undefined) throw new Error('Nothing was claimed.')
      const reference = `order ${round}`
      const { redemption } = await redemptions.redeem(accountId, poolId, { code: code.code, reference })
      if (round % 2 === 0) await rollBackRedemption(books, accountId, redemption.id)
    }
    const voidAndUnvoid = async () => {
      const { claim } = await claims.claim(accountId, { poolId, count: 5 })
      await voidCodes(books, accountId, { select: { claim } })
      const { codes } = await claims.claim(accountId, { poolId, count: 2 })
      await voidCodes(books, accountId, { select: { codes } })
      await unvoidCodes(books, accountId, { select: { codes: codes.slice(1) } })
    }
    const withdrawAndRestore = async () => {
      await withdrawCodes(books, accountId, { poolId, keepAutoGenerate: true })
      await restoreCodes(books, accountId, { poolId })
    }
    await Promise.all([
      untilAudited(redeemAndRollBack),
      untilAudited(voidAndUnvoid),
      untilAudited(withdrawAndRestore),
      untilAudited((round) => claims.claim(accountId, { poolId, count: 2, idempotencyKey: String(round) })),
      untilAudited(() => claims.claim(accountId, { poolId, count: 5 })),
      untilAudited(generate),
      untilAudited(generate),
      untilAudited(uploadAndUndo),
      audit().finally(() => {
        audits = 0
      }),
    ])
    const { findings, rows } = await findIn(books.connections)
    expect(findings).toEqual([])
    expect(rows.get('task')).toBeGreaterThan(10)
  })
})

describe('damage is reported, and nothing else', () => {
  onlyOnOneServer('constraints cannot be switched off on all nodes')

  afterEach(async () => {
    if (!isDistributed()) await restore(sound.database)
  })

  it.each(Object.entries(damages))('%s', async (_what, { sql, found, says }) => {
    await sound.database.connections.query(`${pastConstraints}; ${sql(sound)}`)
    const { findings } = await findIn(sound.database.connections)
    expect(tally(findings), JSON.stringify(findings, undefined, 1)).toEqual(found)
    expect(findings.map((finding) => finding.what).join('\n')).toContain(says(sound))
  })

  it('even where a page ends', async () => {
    const { database, poolId, accountId, withdrawn } = sound
    await runSql(
      database.url,
      `DELETE FROM claim WHERE pool_id = '${poolId}' AND first = 4;
       UPDATE batch SET start = 11, first = 9 WHERE pool_id = '${poolId}' AND start = 10;
       UPDATE claim SET at = '2026-01-01T00:00Z' WHERE pool_id = '${poolId}' AND first = 6;
       DELETE FROM stock_change WHERE pool_id = '${poolId}' AND number = 2;
       UPDATE code_void SET count = 7 WHERE pool_id = '${poolId}' AND version = 2;
       UPDATE batch SET first = 1 WHERE task_id = '${withdrawn.uploadId}' AND withdrawn;
       DELETE FROM event WHERE account_id = '${accountId}' AND sequence = 2`,
    )
    for (const pageSize of [1, 2, 3]) {
      const { findings } = await findIn(database.connections, { pageSize })
      const lines = {
        'claim-line': 1,
        'batch-line': 2,
        'format-line': 2,
        'event-line': 1,
        'line-times': 1,
        'stock-line': 1,
        'pool-usage': 1,
        'redeemed-and-void': 1,
        'void-line': 1,
        'upload-line': 1,
      }
      expect(tally(findings), JSON.stringify(findings, undefined, 1)).toEqual(lines)
    }
  })

  it('for every kind of finding', () => {
    const covered = new Set(Object.values(damages).flatMap(({ found }) => Object.keys(found)))
    expect([...covered].sort()).toEqual(Object.keys(findingKinds).sort())
  })
})
