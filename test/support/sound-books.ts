import { v7 as newId } from 'uuid'
import { Claims } from '../../src/domain/claim/claim.ts'
import { computeCodes } from '../../src/domain/code/code.ts'
import { failGeneration, generateCodes } from '../../src/domain/generation/generation.ts'
import { cancelTask, markRunning } from '../../src/domain/generation/task.ts'
import { readBatches } from '../../src/domain/pool/batch.ts'
import { lockPool } from '../../src/domain/pool/pool.ts'
import { rollBackRedemption } from '../../src/domain/redemption/roll-back.ts'
import { restoreCodes } from '../../src/domain/stock/restore.ts'
import { withdrawCodes } from '../../src/domain/stock/withdraw.ts'
import { clearUpload } from '../../src/domain/upload/clear.ts'
import { completeUpload, undoUpload } from '../../src/domain/upload/finish.ts'
import { unvoidCodes, voidCodes } from '../../src/domain/void/void.ts'
import { updateWebhook } from '../../src/domain/webhook/manage.ts'
import { rotateSecret } from '../../src/domain/webhook/secrets.ts'
import { sendTest } from '../../src/domain/webhook/test-delivery.ts'
import { fill, newAccount, newFormat, newPool, newSmallFormat, openBooks, type Place } from './books.ts'
import { runSql, type TestDatabase, testDatabase } from './database.ts'
import { redemptionsOn } from './redemptions.ts'
import { addCodes, clearAway, startUpload, upload } from './uploads.ts'
import { newWebhook, outgoingClient, webhookNow } from './webhooks.ts'

/** Consistent books, with an example of everything. */
export interface SoundBooks {
  database: TestDatabase
  accountId: string
  /** Its line has three batches of 10 codes. Claims: at 0 (4 codes), 4 (2), 6 (1), and at 7 with a key (3). */
  poolId: string
  formatId: string
  /** Tasks of that pool. The completed one added its second batch; the cancelled one had started. */
  completed: string
  waiting: string
  running: string
  cancelled: string
  failed: string
  /** Refilled by a claim until its format, of 12 codes, had none left. */
  drainedPoolId: string
  smallFormatId: string
  /** Indices 0, 1, 3 and 4 are in batches; 2 and 9 belong to uploaded codes. */
  holedFormatId: string
  /** Its line ends with an upload of three codes, whose file had two more rows. */
  holedPoolId: string
  uploadId: string
  /**
   * Uploads into another pool, of three codes each: one that is RUNNING, with a piece of its file, three codes and a
   * duplicate; a dry run that is RUNNING; one that was undone and cleared away; one that was cancelled, with one row cleared
   * away; one whose rejected row is no longer kept.
   */
  uploads: { reading: string; dryRun: string; undone: string; dropped: string; forgotten: string }
  /**
   * A pool with an upload of six codes, of which the first two are claimed and the others are withdrawn, as is the only code of
   * another upload. Once, all were restored.
   */
  withdrawn: { poolId: string; uploadId: string }
  /** Of the pool: one that is active, with two secrets and a delivery; and one that was disabled. */
  webhooks: { active: string; disabled: string }
  /** An account that keeps only the last two of its eight events. */
  forgetful: { accountId: string; lastTask: string }
}

/** Made by the functions of the domain, but for the removal of events, which is done by statements. */
export async function makeSoundBooks(): Promise<SoundBooks> {
  const database = await testDatabase()
  await using place = await openBooks({ databaseUrl: database.url })
  return {
    database,
    accountId: place.accountId,
    ...(await makeLine(place)),
    ...(await drain(place)),
    ...(await makeHoles(place)),
    uploads: await makeUploads(place, database.url),
    withdrawn: await withdraw(place),
    webhooks: await makeWebhooks(place),
    forgetful: await forget({ books: place.books, accountId: await newAccount(place.books) }, database.url),
  }
}

async function makeLine(place: Place) {
  const { books, accountId } = place
  const claims = new Claims(books)
  const formatId = await newFormat(place)
  const poolId = await newPool(place, { formatId, refillThreshold: 26n })
  await fill(place, poolId, formatId, 10n)
  const completed = await fill(place, poolId, formatId, 10n)
  await fill(place, poolId, formatId, 10n)
  for (const count of [4, 2, 1]) await claims.claim(accountId, { poolId, count, recipient: 'Ada' })
  for (const _sending of ['first', 'again'])
    await claims.claim(accountId, { poolId, count: 3, idempotencyKey: 'claim' })

  const accept = (idempotencyKey: string) =>
    generateCodes(books, accountId, { poolId, formatId, quantity: 5n, idempotencyKey })
  const [waiting, running] = [await accept('waiting'), await accept('running')]
  const [cancelled, failed] = [await accept('cancelled'), await accept('failed')]
  for (const task of [running, cancelled])
    await books.write(accountId, async (tx) => {
      await lockPool(tx, poolId)
      await markRunning(tx, task)
    })
  await cancelTask(books, accountId, cancelled)
  await failGeneration(books, { accountId, taskId: failed })
  await use(place, poolId)
  return { poolId, formatId, completed, waiting, running, cancelled, failed }
}

/**
 * Redeems the codes at 4 and 5 of a pool, the second one rolled back since; voids 0 and 1, of which only 1 still is, and 7 and 8.
 */
async function use({ books, accountId }: Place, poolId: string) {
  const line = await computeCodes(
    books,
    accountId,
    await readBatches(books, accountId, poolId, 0n, 10n),
    0n,
    10n,
  )
  const codesAt = (...positions: number[]) => line.filter((_, position) => positions.includes(position))
  const redemptions = redemptionsOn(books)
  await voidCodes(books, accountId, { select: { codes: codesAt(0, 1) } })
  await unvoidCodes(books, accountId, { select: { codes: codesAt(0) } })
  const redeemed: string[] = []
  for (const { code } of codesAt(4, 5)) {
    const { redemption } = await redemptions.redeem(accountId, poolId, { code, reference: 'order' })
    redeemed.push(redemption.id)
  }
  await rollBackRedemption(books, accountId, redeemed[1] ?? '')
  await voidCodes(books, accountId, { select: { codes: codesAt(7, 8) } })
}

async function drain({ books, accountId }: Place) {
  const claims = new Claims(books)
  const smallFormatId = await newSmallFormat({ books, accountId }, 12)
  const drainedPoolId = await newPool(
    { books, accountId },
    {
      formatId: smallFormatId,
      quantity: 5n,
      autoGenerate: true,
    },
  )
  for (const count of [4, 4, 4]) await claims.claim(accountId, { poolId: drainedPoolId, count })
  return { drainedPoolId, smallFormatId }
}

async function makeHoles(place: Place) {
  const { books, accountId } = place
  const holedFormatId = await newFormat(place)
  const holedPoolId = await newPool(place)
  await fill(place, holedPoolId, holedFormatId, 2n)
  const space = await books.codeSpaces.get(books, accountId, holedFormatId)
  const uploadId = await startUpload(place, holedPoolId)
  const codes = [space.codeAt(2n), 'uploaded', space.codeAt(9n)]
  // The last two are rejected: uploaded just before, and generated.
  await addCodes(place, uploadId, [...codes, 'uploaded', space.codeAt(0n)])
  await fill(place, holedPoolId, holedFormatId, 2n)
  await completeUpload(books, { accountId, taskId: uploadId })
  await clearAway(place, uploadId)
  return { holedFormatId, holedPoolId, uploadId }
}

/** Uploads of every kind into a pool of their own. */
async function makeUploads(place: Place, url: string) {
  const { books, accountId } = place
  const poolId = await newPool(place)
  const codes = (kind: string) => [0, 1, 2].map((i) => `${kind}-${i}`)
  const reading = await startUpload(place, poolId)
  await addCodes(place, reading, [...codes('reading'), 'reading-0'])
  await runSql(url, `INSERT INTO upload_piece VALUES ('${accountId}', '${reading}', 0, 'reading')`)
  // Of a file that arrives now, or whose process was killed a moment ago.
  await runSql(url, `INSERT INTO upload_piece VALUES ('${accountId}', '${newId()}', 0, 'arriving')`)
  const dryRun = await startUpload(place, poolId, { dryRun: true })
  await addCodes(place, dryRun, codes('dry'))
  await clearAway(place, await upload(place, poolId, codes('dry'), { dryRun: true }))
  const undone = await upload(place, poolId, codes('undone'))
  await undoUpload(books, accountId, undone)
  await clearAway(place, undone)
  // One row of this one has been cleared away, and two have not.
  const dropped = await startUpload(place, poolId)
  await addCodes(place, dropped, codes('dropped'))
  await cancelTask(books, accountId, dropped)
  await clearUpload(books, { accountId, taskId: dropped }, 1)
  const forgotten = await upload(place, poolId, [...codes('forgotten'), 'forgotten-0'])
  await runSql(url, `UPDATE task SET rejected_forgotten = true WHERE id = '${forgotten}'`)
  await clearAway(place, forgotten)
  return { reading, dryRun, undone, dropped, forgotten }
}

async function withdraw(place: Place) {
  const { books, accountId } = place
  const poolId = await newPool(place)
  const claims = new Claims(books)
  const six = [0, 1, 2, 3, 4, 5].map((i) => `withdrawn-${i}`)
  const uploadId = await upload(place, poolId, six)
  await claims.claim(accountId, { poolId, count: 1 })
  await withdrawCodes(books, accountId, { poolId })
  await restoreCodes(books, accountId, { poolId })
  await claims.claim(accountId, { poolId, count: 1 })
  const other = await upload(place, poolId, ['withdrawn-6'])
  await withdrawCodes(books, accountId, { poolId })
  for (const taskId of [uploadId, other]) await clearAway(place, taskId)
  return { poolId, uploadId }
}

async function makeWebhooks(place: Place) {
  const { books, accountId } = place
  const { webhookId: active } = await newWebhook(place, 'http://127.0.0.1:1/', {
    poolId: await newPool(place),
  })
  await rotateSecret(books, accountId, { webhookId: active, overlapHours: 24 })
  await sendTest(books, outgoingClient(), await webhookNow(place, active))
  const { webhookId: disabled } = await newWebhook(place, 'http://127.0.0.1:1/')
  const unchanged = { url: undefined, kinds: undefined, poolId: undefined, skipToNow: false }
  await updateWebhook({ books, outgoing: outgoingClient() }, accountId, {
    ...unchanged,
    webhookId: disabled,
    enabled: false,
  })
  return { active, disabled }
}

async function forget(place: Place, url: string) {
  const { accountId } = place
  const [poolId, formatId] = [await newPool(place), await newFormat(place)]
  await fill(place, poolId, formatId, 3n)
  const lastTask = await fill(place, poolId, formatId, 3n)
  await runSql(
    url,
    `UPDATE event_log SET floor = 7 WHERE account_id = '${accountId}';
     DELETE FROM event WHERE account_id = '${accountId}' AND sequence <= 7`,
  )
  return { accountId, lastTask }
}

/** Copies the tables, for `restore`. */
export async function keep({ url }: TestDatabase): Promise<void> {
  const copies = tables.map((table) => `CREATE TABLE kept.${table} AS TABLE ${table}`)
  await runSql(url, ['CREATE SCHEMA kept', ...copies].join(';'))
}

/**
 * Restores the tables to the state of `keep`. It writes only the rows that differ: with all rows written anew for each of many
 * tests, whatever reads the tables passes over more and more that is dead.
 */
export async function restore({ connections }: TestDatabase): Promise<void> {
  const differences = tables.map(
    (table) => `
      DELETE FROM ${table} AS now WHERE NOT EXISTS (SELECT FROM kept.${table} AS before WHERE before = now);
      INSERT INTO ${table} SELECT * FROM kept.${table} AS before WHERE NOT EXISTS (SELECT FROM ${table} AS now WHERE now = before)`,
  )
  await connections.query([pastConstraints, ...differences].join(';'))
}

/** The statements that follow it in the same query are not checked by foreign keys. */
export const pastConstraints = 'SET LOCAL session_replication_role = replica'

const tables = [
  'account',
  'api_key',
  'catalog',
  'idempotency',
  'format',
  'taken',
  'pool',
  'batch',
  'uploaded_code',
  'claim',
  'stock_change',
  'pool_usage',
  'redemption',
  'redemption_count',
  'code_void',
  'task',
  'queue',
  'upload_piece',
  'dry_run_code',
  'rejected_row',
  'event_log',
  'event',
  'webhook',
  'webhook_secret',
  'webhook_delivery',
]
