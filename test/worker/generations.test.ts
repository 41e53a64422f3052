import { expect, it } from 'vitest'
import { generateCodes } from '../../src/domain/generation/generation.ts'
import { readTask } from '../../src/domain/generation/task.ts'
import { facts } from '../../src/telemetry/facts.ts'
import { GenerationWorker } from '../../src/worker/generations.ts'
import { newFormat, newPlace, newPool, openBooks, type Place, silent } from '../support/books.ts'
import { onlyOnOneServer, runSql } from '../support/database.ts'

onlyOnOneServer('makes a generation fail with a trigger')

async function queue(place: Place) {
  const [poolId, formatId] = [await newPool(place), await newFormat(place)]
  const taskId = await generateCodes(place.books, place.accountId, { poolId, formatId, quantity: 1n })
  return async () => (await readTask(place.books, place.accountId, taskId))?.status
}

it('goes on with the other accounts if a generation can neither run nor fail, and tells that', async () => {
  await using test = await openBooks()
  const statuses = [await queue(test), await queue(await newPlace(test))]
  await runSql(
    test.databaseUrl,
    `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'No.'; END $$;
     CREATE TRIGGER fail BEFORE UPDATE ON task FOR EACH ROW
       WHEN (OLD.account_id = '${test.accountId}') EXECUTE FUNCTION fail()`,
  )
  const told: object[] = []
  await using stack = new AsyncDisposableStack()
  stack.defer(facts.workFailed.on((fact) => told.push(fact)))
  const worker = new GenerationWorker(test.books, silent)
  stack.defer(() => worker.close())
  const [broken, other] = statuses
  await expect.poll(() => other?.()).toBe('COMPLETED')
  expect(await broken?.()).toBe('AWAITING_EXECUTION')
  expect(told.slice(0, 2)).toEqual([
    { purpose: 'run a generation', reason: 'error' },
    { purpose: 'run the generations of an account', reason: 'error' },
  ])
})
