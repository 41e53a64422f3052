import type { Logger } from 'pino'
import { logRetry, Poll } from '../async/poll.ts'
import { canRunAgain, isUnavailable } from '../database/errors.ts'
import type { Books } from '../domain/books/books.ts'
import { leaveQueue, type QueuedAccount, readQueue } from '../domain/books/queue.ts'
import type { TaskRef } from '../domain/books/task-ref.ts'
import { backfillFormat, readUnreadyFormat, type UnreadyFormat } from '../domain/format/backfill.ts'
import {
  failGeneration,
  type QueuedGeneration,
  readQueuedGenerations,
  runGeneration,
} from '../domain/generation/generation.ts'
import { facts } from '../telemetry/facts.ts'
import { failSpan, inTrace } from '../telemetry/spans.ts'

const pollEveryMs = 1_000
// Then the next account has its turn.
const maxTasksOfVisit = 20
// Claims that refill from the format wait for a step of the backfill.
const codesPerStep = 5_000

/**
 * Runs the generations of the accounts in the queue, a few of each account at a time and each account's oldest first. Also
 * backfills formats with the codes that were uploaded before, step by step; generations of such a format wait for that. A
 * notification starts either immediately. Both are also polled, in case notifications are lost or a worker has died with a
 * task. Any number of workers can share a database. Accounts whose node is away wait, and those for which it fails; no other
 * waits for them.
 */
export class GenerationWorker {
  readonly #books: Books
  readonly #log: Logger
  readonly #generations: Poll
  readonly #backfill: Poll
  readonly #stopListening: (() => void)[]

  constructor(books: Books, log: Logger) {
    this.#books = books
    this.#log = log
    this.#generations = new Poll({
      purpose: 'work through the queue of generations',
      run: () => this.#runQueued(),
      everyMs: pollEveryMs,
      log,
    })
    this.#backfill = new Poll({
      purpose: 'backfill formats',
      run: () => this.#backfillNext(),
      everyMs: pollEveryMs,
      log,
    })
    this.#stopListening = [
      books.notifications.on('generations', () => this.#generations.wake()),
      books.notifications.on('formats', () => this.#backfill.wake()),
    ]
    this.#generations.wake()
    this.#backfill.wake()
  }

  /** Starts no more work. Resolves after the current task and the current step of the backfill. */
  async close(): Promise<void> {
    for (const stop of this.#stopListening) stop()
    await Promise.all([this.#generations.close(), this.#backfill.close()])
  }

  /** Resolves to whether anything was done: there may be more to do. */
  async #runQueued(): Promise<boolean> {
    const { signal } = this.#generations
    return await this.#visitAll(
      'GENERATIONS',
      { signal, purpose: 'run the generations of an account' },
      async (account) => {
        const tasks = await readQueuedGenerations(this.#books, account.accountId, maxTasksOfVisit)
        if (tasks.length === 0) await leaveQueue(this.#books, account)
        let hasProgress = false
        for (const task of tasks) {
          if (signal.aborted) break
          if (await this.#traced(task)) hasProgress = true
        }
        return hasProgress
      },
    )
  }

  /** Visits all accounts in the queue. Resolves to whether a visit has done anything. */
  async #visitAll(
    kind: QueuedAccount['kind'],
    { signal, purpose }: { signal: AbortSignal; purpose: string },
    visit: (account: QueuedAccount) => Promise<boolean>,
  ): Promise<boolean> {
    let hasProgress = false
    for await (const page of readQueue(this.#books, kind)) {
      if (signal.aborted) break
      const queued = new Map(page.map((account) => [account.accountId, account]))
      await this.#books.reach.eachNode([...queued.keys()], async (accountIds) => {
        for (const accountId of accountIds) {
          const account = queued.get(accountId)
          if (account === undefined || signal.aborted) continue
          try {
            if (await visit(account)) hasProgress = true
          } catch (error) {
            if (isUnavailable(error)) throw error
            logRetry(this.#log, error, purpose, { accountId })
          }
        }
      })
    }
    return hasProgress
  }

  /** Runs a generation, in the trace of the request that created it. */
  async #traced({ traceParent, ...task }: QueuedGeneration): Promise<boolean> {
    const { accountId, taskId } = task
    const attributes = { 'promo_codes.account_id': accountId, 'promo_codes.task_id': taskId }
    return await inTrace('run generation', attributes, () => this.#run(task), traceParent ?? undefined)
  }

  async #run(task: TaskRef): Promise<boolean> {
    try {
      return await runGeneration(this.#books, task)
    } catch (error) {
      if (isUnavailable(error)) throw error
      if (canRunAgain(error)) {
        logRetry(this.#log, error, 'run a generation', task)
        return false
      }
      failSpan(error)
      facts.workFailed.tell({ purpose: 'run a generation', reason: 'error' })
      this.#log.error({ err: error, ...task }, 'could not run a generation; it has failed')
      return await failGeneration(this.#books, task)
    }
  }

  /** Resolves to whether anything was done: there may be more to do. */
  async #backfillNext(): Promise<boolean> {
    const { signal } = this.#backfill
    return await this.#visitAll('FORMATS', { signal, purpose: 'backfill a format' }, async (account) => {
      const format = await readUnreadyFormat(this.#books, account.accountId)
      if (format === undefined) await leaveQueue(this.#books, account)
      return format !== undefined && (await this.#backfillStep(format))
    })
  }

  async #backfillStep(format: UnreadyFormat): Promise<boolean> {
    const attributes = {
      'promo_codes.account_id': format.accountId,
      'promo_codes.format_id': format.formatId,
    }
    try {
      return await inTrace('backfill format', attributes, () =>
        backfillFormat(this.#books, format, codesPerStep),
      )
    } catch (error) {
      if (isUnavailable(error)) throw error
      logRetry(this.#log, error, 'backfill a format', format)
      return false
    }
  }
}
