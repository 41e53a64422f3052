import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Statement, type Transaction, transaction } from '../../src/database/transaction.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase({ empty: true })
})
afterAll(() => database.close())

describe('a transaction whose statements share a round trip', () => {
  /** Sends a statement that fails, and one behind it whose error is all that comes out. */
  async function sendBoth(tx: Transaction, failing: Statement): Promise<void> {
    const first = tx.execute(failing)
    const behind = tx.execute({ text: 'SELECT 1' })
    await Promise.allSettled([first])
    await behind
  }

  it('fails with the error of the one that failed, not of those after it', async () => {
    const outcome = transaction(database.connections, (tx) => sendBoth(tx, { text: 'SELECT 1 / 0' }))
    await expect(outcome).rejects.toMatchObject({ code: '22012' })
  })

  it('runs again when one of them loses to another transaction', async () => {
    let runs = 0
    await transaction(database.connections, async (tx) => {
      runs += 1
      if (runs === 1) await sendBoth(tx, { text: `DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$` })
    })
    expect(runs).toBe(2)
  })
})
