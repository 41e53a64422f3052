import { v7 as newId } from 'uuid'
import { expect, it } from 'vitest'
import { testDatabase } from '../support/database.ts'
import { startService } from '../support/service.ts'

it('forgets idempotency keys after two days, however many there are, and keeps the others', async () => {
  await using database = await testDatabase()
  const use = (name: string, at: string, count: number) =>
    database.pool.query(
      `INSERT INTO idempotency (account_id, operation, key, hash, at)
       SELECT $1, 'claimCodes', $2 || n, '', now() - $3::interval FROM generate_series(1, $4::int) n`,
      [newId(), name, at, count],
    )
  await use('old', '49 hours', 12_000)
  await use('young', '47 hours', 3)
  await using _service = await startService({ databaseUrl: database.url })
  const left = async () =>
    (await database.pool.query<{ key: string }>('SELECT key FROM idempotency ORDER BY key')).rows.map(
      ({ key }) => key,
    )
  await expect.poll(left).toEqual(['young1', 'young2', 'young3'])
})
