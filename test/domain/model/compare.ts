import { expect } from 'vitest'
import { readEventsAfter } from '../../../src/domain/books/event-log.ts'
import { computeCodes } from '../../../src/domain/code/code.ts'
import { availableForGeneration } from '../../../src/domain/format/format.ts'
import { type Lane, readBatches } from '../../../src/domain/pool/batch.ts'
import { readClaimPages } from '../../../src/domain/pool/claim-rows.ts'
import { readUsage, validityOf } from '../../../src/domain/usage/usage.ts'
import { formatNow, type Place, poolNow } from '../../support/books.ts'
import type { Model } from '../../support/model.ts'
import * as model from '../../support/model.ts'
import { positionOf, withoutTask } from './claim-steps.ts'
import { dateOf } from './step.ts'

/** Expects the books of an account to agree with the model. */
export async function compare(place: Place, now: Model): Promise<void> {
  for (const format of now.formats) await compareFormat(place, format)
  for (const pool of now.pools) await comparePool(place, now, pool)
  const everywhere = now.pools.flatMap(({ line, withdrawn }) =>
    [...line, ...withdrawn].map(({ code }) => code),
  )
  expect(new Set(everywhere).size).toBe(everywhere.length)
  await compareTasks(place, now)
  await compareRedemptions(place, now)
  const events = await readEventsAfter(place.books, place.accountId, 0n, 10_000)
  expect(events.map(({ kind }) => kind)).toEqual(now.events)
}

async function compareFormat(place: Place, format: model.FormatModel): Promise<void> {
  const { prisma } = place.books
  const row = await formatNow(place, format.id)
  expect(row).toMatchObject({
    capacity: BigInt(format.codes.length),
    next: BigInt(format.next),
    reserved: BigInt(format.reserved),
    takenAhead: BigInt(model.takenAheadOf(format)),
    takenTo: format.lookedAt,
  })
  expect(availableForGeneration(row)).toBe(BigInt(model.availableForGeneration(format)))
  const { generated } = await prisma.format.findFirstOrThrow({ where: { id: format.id } })
  expect(Number(generated)).toBe(model.generatedOf(format))
  const taken = await prisma.taken.findMany({ where: { formatId: format.id } })
  expect(taken.map(({ index }) => Number(index)).sort((a, b) => a - b)).toEqual(model.takenOf(format))
}

async function comparePool(place: Place, now: Model, pool: model.PoolModel): Promise<void> {
  const { books, accountId } = place
  const { issueFrom, issueUntil, validUntil, validFor, ...terms } = pool.terms
  expect(await poolNow(place, pool.id)).toMatchObject({
    total: BigInt(pool.line.length),
    claimed: BigInt(pool.claimed),
    withdrawn: BigInt(pool.withdrawn.length),
    lineVersion: BigInt(pool.moves),
    lastChangeAt: dateOf(pool.lastChangeAt),
    autoGenerate: pool.section?.autoGenerate ?? false,
    refillThreshold: BigInt(model.thresholdOf(pool)),
    refillFailed: pool.refillFailed,
    redeemed: BigInt(pool.line.filter((_, at) => model.redemptionAt(now, pool.id, at)).length),
    voided: BigInt(pool.voided.size),
    archivedAt: pool.archived ? expect.any(Date) : undefined,
    terms: {
      ...terms,
      issueFrom: dateOf(issueFrom),
      issueUntil: dateOf(issueUntil),
      validUntil: dateOf(validUntil),
      validForMs: validFor === undefined ? undefined : BigInt(validFor),
    },
  })
  expect(await codesOf(place, pool.id, 'LINE', pool.line.length)).toEqual(pool.line.map(withoutTask))
  expect(await codesOf(place, pool.id, 'WITHDRAWN', pool.withdrawn.length)).toEqual(
    pool.withdrawn.map(withoutTask),
  )
  const stock = await books.prisma.stockChange.findMany({
    where: { accountId, poolId: pool.id },
    orderBy: { number: 'asc' },
  })
  expect(
    stock.map(({ at, total, added }) => ({ at: at.getTime(), total: Number(total), added: Number(added) })),
  ).toEqual(pool.stock)
  await compareClaims(place, now, pool)
}

async function codesOf({ books, accountId }: Place, poolId: string, lane: Lane, count: number) {
  const to = BigInt(count)
  const batches = await readBatches(books, accountId, poolId, 0n, to, lane)
  return (await computeCodes(books, accountId, batches, 0n, to)).map(positionOf)
}

/** Compares the claims of a pool, and the validity of each claimed code. */
async function compareClaims({ books, accountId }: Place, now: Model, pool: model.PoolModel): Promise<void> {
  const pages = readClaimPages(books, accountId, pool.id, { from: 0n, to: BigInt(pool.claimed), limit: 10 })
  const rows = (await Array.fromAsync(pages)).flat()
  const claims = rows.map(({ first, count, recipient, at, expiresAt }) => ({
    poolId: pool.id,
    first,
    count,
    recipient,
    at: new Date(at),
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
  }))
  expect(claims).toEqual(
    pool.claims.map(({ first, count, recipient, at, expiresAt }) => ({
      poolId: pool.id,
      first: BigInt(first),
      count: BigInt(count),
      recipient,
      at: new Date(at),
      expiresAt: dateOf(expiresAt),
    })),
  )
  const places = pool.line
    .slice(0, pool.claimed)
    .map((_, position) => ({ poolId: pool.id, position: BigInt(position) }))
  const usages = await readUsage(books, accountId, places)
  const validities = usages.map((usage, position) => {
    const claim = claims.find(({ first, count }) => first <= position && position < first + count)
    return validityOf({ lane: 'LINE', claim }, usage, new Date(now.now))
  })
  expect(validities).toEqual(places.map((_, position) => model.validityAt(now, pool, position)))
}

async function compareTasks({ books: { prisma }, accountId }: Place, now: Model): Promise<void> {
  const tasks = await prisma.task.findMany({
    where: { accountId, trigger: 'MANUAL' },
    orderBy: { id: 'asc' },
  })
  const expected = [...now.generations.map(generationRow), ...now.uploads.map(uploadRow)]
  expect(tasks.map((task) => ({ ...task, added: Number(task.added) }))).toEqual(
    expected.sort((a, b) => (a.id < b.id ? -1 : 1)).map((row) => expect.objectContaining(row)),
  )
  const uploaded = await prisma.uploadedCode.findMany({ where: { accountId } })
  expect(new Map(uploaded.map(({ code, taskId }) => [code, taskId]))).toEqual(now.uploaded)
  const rejected = await prisma.rejectedRow.count({ where: { accountId } })
  expect(rejected).toBe(
    now.uploads.reduce((sum, upload) => sum + model.rowsRead(upload) - upload.accepted.length, 0),
  )
}

function generationRow({ id, status, quantity }: model.GenerationModel) {
  return { id, status, added: status === 'COMPLETED' ? quantity : 0 }
}

function uploadRow(upload: model.UploadModel) {
  const { id, status, dryRun, accepted, hasWork } = upload
  return {
    id,
    status,
    hasWork,
    added: status === 'COMPLETED' && !dryRun ? accepted.length : 0,
    accepted: BigInt(accepted.length),
    duplicatesInFile: BigInt(upload.duplicatesInFile),
    duplicatesInAccount: BigInt(upload.duplicatesInAccount),
    refused: BigInt(upload.refused),
    rowsRead: BigInt(model.rowsRead(upload)),
  }
}

async function compareRedemptions({ books: { prisma }, accountId }: Place, now: Model): Promise<void> {
  const rows = await prisma.redemption.findMany({ where: { accountId } })
  const redemptions = rows.map(({ id, poolId, position, reference, rolledBackVersion }) => ({
    id,
    poolId,
    position: Number(position),
    reference,
    rolledBack: rolledBackVersion !== null,
  }))
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
  expect(redemptions.sort(byId)).toEqual(now.redemptions.toSorted(byId))
}
