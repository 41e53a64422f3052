import { randomUUID } from 'node:crypto'
import { OperatorError } from '../../operator-error.ts'
import { readAccounts } from '../books/accounts.ts'
import type { Books, BookTransaction } from '../books/books.ts'
import { TaskFinishedError } from '../books/errors.ts'
import { backfillNext } from '../format/backfill.ts'
import { type Format, lockFormat } from '../format/format.ts'
import { cancelTask } from '../generation/task.ts'
import { barWithdrawn } from '../pool/move-batches.ts'
import { lockPool } from '../pool/pool.ts'
import { endSnapshots } from '../pool/snapshot.ts'
import { withdrawStock } from '../stock/withdraw.ts'
import { beginFollowUp, endFollowUp, type FollowUp, type IncarnationState } from './incarnation.ts'
import { effectOf, type MarginEffect } from './margin.ts'
import { type NamedUse, readFormatUses, readUnfinishedUploads } from './plan.ts'

/** A step that a follow-up has done. */
export type FollowUpStep = { accountId: string; accountName: string } & (
  | ({ kind: 'FORMAT'; formatId: string; name: string } & MarginEffect)
  | { kind: 'POOL'; poolId: string; name: string; withdrawn: bigint; available: bigint; isArchived: boolean }
  | { kind: 'TASK_CANCELLED'; taskId: string; what: 'GENERATION' | 'UPLOAD' }
)

/**
 * Follows up a rewind: afterwards, no code that may have been handed out since the backup is handed out again. For each account,
 *
 * 1. gives up the indices of its formats that may have been generated since: see `defaultMargin`;
 * 2. cancels uploads that have not finished in the backup, as they may have finished since;
 * 3. withdraws the available codes of its pools, and bars all withdrawn ones from being restored. Pools are then refilled
 *    as usual, with codes that nobody has;
 * 4. gives it a new event log, so that cursors of events that were lost are refused.
 *
 * Each step is a transaction, which also notes that it is done. So services may run meanwhile (but until the step of a
 * pool, they hand out its old codes), and a follow-up that was interrupted goes on where it was. `seen`: the incarnation
 * for which somebody has decided to do this. Rejects with an OperatorError if another process has completed it since.
 */
export async function followUpRewind(
  books: Books,
  seen: IncarnationState,
  margin: bigint | undefined,
  onStep: (step: FollowUpStep) => void,
): Promise<void> {
  const followUp = await beginFollowUp(books.connections, seen, margin)
  for await (const page of readAccounts(books))
    for (const { id, name } of page)
      await new AccountFollowUp(books, followUp, { accountId: id, accountName: name }, onStep).run()
  await endFollowUp(books.connections, followUp)
}

// How many versions of a pool's usage a rewind can have lost, at most.
const maxLostVersions = 1_000_000_000_000n

// How many tasks can be added to a format that is used up while others are cancelled, before it is given up.
const maxRounds = 100

const backfillSize = 10_000

/** The reason in the events of codes that are withdrawn. */
const reason = 'They may have been handed out before the database was restored from a backup.'

class AccountFollowUp {
  readonly #books: Books
  readonly #followUp: FollowUp
  readonly #account: { accountId: string; accountName: string }
  readonly #onStep: (step: FollowUpStep) => void

  constructor(
    books: Books,
    followUp: FollowUp,
    account: { accountId: string; accountName: string },
    onStep: (step: FollowUpStep) => void,
  ) {
    this.#books = books
    this.#followUp = followUp
    this.#account = account
    this.#onStep = onStep
  }

  async run(): Promise<void> {
    const { accountId } = this.#account
    await this.#forgetEarlier()
    const formats = await readFormatUses(this.#books, accountId)
    // Before the pools, which are refilled from them.
    for (const format of formats) await this.#moveOn(format)
    for (const taskId of await readUnfinishedUploads(this.#books, accountId, this.#followUp.begunAt))
      await this.#cancel(taskId, 'UPLOAD')
    const pools = await this.#books.rows<{ id: string }>({
      text: 'SELECT id FROM pool WHERE account_id = $1 ORDER BY id',
      values: [accountId],
    })
    for (const { id } of pools) await this.#withdraw(id)
    await this.#beginLog()
  }

  /** Removes the steps of earlier follow-ups. Those of this one stay, as another process may be at it, too. */
  async #forgetEarlier(): Promise<void> {
    await this.#books.rows({
      text: 'DELETE FROM rewind_step WHERE account_id = $1 AND incarnation_id <> $2',
      values: [this.#account.accountId, this.#followUp.incarnationId],
    })
  }

  /** Moves a format on, once it is ready, and nothing waits for the codes that are given up. */
  async #moveOn({ id: formatId, name, quantities, largest }: NamedUse): Promise<void> {
    const { accountId } = this.#account
    for (let round = 0; ; ) {
      const outcome = await this.#step(formatId, async (tx) => {
        const format = await lockFormat(tx, formatId)
        if (format.takenTo !== undefined) {
          // Below `next`, all uploaded codes must be in `taken`.
          const { takenTo } = format
          const space = await tx.codeSpaces.get(tx, accountId, formatId)
          if (await backfillNext(tx, { id: formatId, space, takenTo }, backfillSize)) tx.queue('GENERATIONS')
          return 'UNREADY'
        }
        const effect = effectOf({ ...format, quantities, largest }, this.#followUp.margin)
        if (effect.isUsedUp && format.reserved > 0n) return 'AWAITED'
        await giveUp(tx, format, effect)
        return effect
      })
      if (outcome === 'UNREADY') continue
      if (outcome === 'AWAITED') {
        if (++round > maxRounds)
          throw new OperatorError(
            `Services keep adding tasks to the format "${name}", which is used up: stop them, and run this again.`,
          )
        await this.#cancelGenerations(formatId)
        continue
      }
      if (outcome !== undefined)
        this.#onStep({ ...this.#account, kind: 'FORMAT', formatId, name, ...outcome })
      return
    }
  }

  async #cancelGenerations(formatId: string): Promise<void> {
    const tasks = await this.#books.rows<{ id: string }>({
      text: `
        SELECT id FROM task
        WHERE account_id = $1 AND format_id = $2 AND kind = 'GENERATION' AND status IN ('AWAITING_EXECUTION', 'RUNNING')`,
      values: [this.#account.accountId, formatId],
    })
    for (const { id } of tasks) await this.#cancel(id, 'GENERATION')
  }

  async #cancel(taskId: string, what: 'GENERATION' | 'UPLOAD'): Promise<void> {
    try {
      await cancelTask(this.#books, this.#account.accountId, taskId)
    } catch (error) {
      // A worker was first. Its codes are withdrawn with the others of the pool.
      if (error instanceof TaskFinishedError) return
      throw error
    }
    this.#onStep({ ...this.#account, kind: 'TASK_CANCELLED', taskId, what })
  }

  async #withdraw(poolId: string): Promise<void> {
    const done = await this.#step(poolId, async (tx) => {
      const pool = await lockPool(tx, poolId)
      if (pool === undefined) throw new Error(`The pool ${poolId} is gone.`)
      const withdrawn = await withdrawStock(tx, pool, { keepAutoGenerate: true, reason })
      await barWithdrawn(tx, poolId)
      // Files of moments that were lost would have other bytes.
      await endSnapshots(tx, poolId, maxLostVersions)
      const { name, total, claimed, archivedAt } = pool
      return { name, withdrawn, available: total - claimed, isArchived: archivedAt !== undefined }
    })
    if (done !== undefined && typeof done !== 'string')
      this.#onStep({ ...this.#account, kind: 'POOL', poolId, ...done })
  }

  async #beginLog(): Promise<void> {
    const { accountId } = this.#account
    await this.#step(accountId, async (tx) => {
      await tx.execute({
        text: 'UPDATE event_log SET log = $2 WHERE account_id = $1',
        values: [accountId, randomUUID()],
      })
      return {}
    })
  }

  /**
   * Runs a step, unless it is done already: then it resolves to undefined. `work` locks what the step is about, and
   * resolves to a string if the step has to be run again.
   */
  async #step<T extends object>(
    id: string,
    work: (tx: BookTransaction) => Promise<T | 'UNREADY' | 'AWAITED'>,
  ): Promise<T | 'UNREADY' | 'AWAITED' | undefined> {
    const { accountId } = this.#account
    const values = [accountId, this.#followUp.incarnationId, id]
    return await this.#books.write(accountId, async (tx) => {
      // Waits for another process that is at the same step.
      const noted = await tx.rows({
        text: `
          INSERT INTO rewind_step (account_id, incarnation_id, id) VALUES ($1, $2, $3)
          ON CONFLICT DO NOTHING RETURNING id`,
        values,
      })
      if (noted.length === 0) return undefined
      const outcome = await work(tx)
      if (typeof outcome === 'string')
        await tx.execute({
          text: 'DELETE FROM rewind_step WHERE account_id = $1 AND incarnation_id = $2 AND id = $3',
          values,
        })
      return outcome
    })
  }
}

/** Passes over the next indices of a format that the transaction has locked: the margin, and the taken indices among them. */
async function giveUp(tx: BookTransaction, format: Format, effect: MarginEffect): Promise<void> {
  const { next, capacity, takenAhead } = format
  const holes = effect.isUsedUp ? takenAhead : await countHoles(tx, format, effect.margin)
  const count = effect.isUsedUp ? capacity - next : effect.margin + holes
  if (count === 0n) return
  await tx.execute({
    text: 'INSERT INTO given_up (account_id, format_id, first, count, at) VALUES ($1, $2, $3, $4, $5)',
    values: [tx.accountId, format.id, next, count, tx.now()],
  })
  await tx.execute({
    text: 'UPDATE format SET next = next + $3, taken_ahead = taken_ahead - $4 WHERE account_id = $1 AND id = $2',
    values: [tx.accountId, format.id, count, holes],
  })
}

/** How many taken indices lie before the end of the next `count` free ones: see `layAroundHoles`. */
async function countHoles(
  tx: BookTransaction,
  { id, next, takenAhead }: Format,
  count: bigint,
): Promise<bigint> {
  if (takenAhead === 0n) return 0n
  const [row] = await tx.rows<{ holes: string }>({
    text: `
      SELECT count(*) AS holes FROM (
        SELECT index - $3::numeric - (row_number() OVER (ORDER BY index) - 1) AS free_before FROM taken
        WHERE account_id = $1 AND format_id = $2 AND index >= $3 AND index < $3::numeric + $4::numeric
      ) AS hole
      WHERE free_before < $5::numeric`,
    values: [tx.accountId, id, next, count + takenAhead, count],
  })
  return BigInt(row?.holes ?? 0)
}
