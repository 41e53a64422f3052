import { expect, it } from 'vitest'
import { allScopes, createApiKey } from '../src/domain/account/account.ts'
import { encodeId } from '../src/graphql/ids.ts'
import { done, mutate } from './support/api.ts'
import { expectBalance } from './support/audit.ts'
import { openBooks, poolNow } from './support/books.ts'
import { Client } from './support/client.ts'
import { sessionsThatWait } from './support/database.ts'
import { MainProcess } from './support/process.ts'
import { newClaimed } from './support/redemptions.ts'
import { startService } from './support/service.ts'

const patience = { timeout: 120_000 }
const patiently = { timeout: 40_000 }

it(
  'a service that is killed while it voids or unvoids has changed nothing, and another one can do it',
  patience,
  async () => {
    await using test = await openBooks()
    const { books, accountId } = test
    const { secret: key } = await createApiKey(books.connections, accountId, {
      name: 'Tests',
      scopes: allScopes,
    })
    const { poolId, codes } = await newClaimed(test, { count: 10 })
    const select = { claimId: encodeId('Claim', `${poolId}:0`) }
    await using processes = new AsyncDisposableStack()
    const start = async () => {
      const process = processes.use(new MainProcess({ DATABASE_URL: test.databaseUrl, ROLE: 'api' }))
      return { process, client: processes.use(new Client({ url: (await process.ready()).url, key })) }
    }
    const [first, second] = await Promise.all([start(), start()])
    const lasting = processes.use(await startService({ databaseUrl: test.databaseUrl, role: 'api' }))
    const client = processes.use(new Client({ url: lasting.url, key }))

    /** Kills a service when it has written everything but its event. */
    const kill = async ({ process, client }: typeof first, mutation: string) => {
      const answer = await books.write(accountId, async (tx) => {
        await tx.rows({
          text: 'SELECT 1 FROM event_log WHERE account_id = $1 FOR NO KEY UPDATE',
          values: [accountId],
        })
        const answer = mutate(client, mutation, { select }).catch(() => 'lost')
        await expect.poll(() => waiting(), patiently).toHaveLength(1)
        await process.end('SIGKILL')
        return { answer }
      })
      expect(await answer.answer).toBe('lost')
      // PostgreSQL notices that the client is gone when it answers.
      await expect.poll(() => waiting(), patiently).toHaveLength(0)
    }
    const waiting = () => sessionsThatWait(books, 'UPDATE event_log')

    await kill(first, 'voidCodes')
    expect(await poolNow(test, poolId)).toMatchObject({ voided: 0n })
    await expectBalance(test)
    expect(await done(client, 'voidCodes', { select }, 'voidedCount')).toMatchObject({
      voidedCount: '10',
    })
    await kill(second, 'unvoidCodes')
    expect(await poolNow(test, poolId)).toMatchObject({ voided: BigInt(codes.length) })
    await expectBalance(test)
    expect(await done(client, 'unvoidCodes', { select }, 'unvoidedCount')).toMatchObject({
      unvoidedCount: '10',
    })
    expect(await poolNow(test, poolId)).toMatchObject({ voided: 0n })
    await expectBalance(test)
  },
)
