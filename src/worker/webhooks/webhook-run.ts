import type { Logger } from 'pino'
import type { Semaphore } from '../../async/semaphore.ts'
import type { Books } from '../../domain/books/books.ts'
import { type EventCursor, readWantedEvents } from '../../domain/books/event-log.ts'
import {
  acquireLease,
  type Delivery,
  noteDelivery,
  passOver,
  readDue,
  releaseLease,
  type WebhookRef,
} from '../../domain/webhook/deliver.ts'
import { eventMessage, type Message, missedMessage } from '../../domain/webhook/message.ts'
import { readSecrets } from '../../domain/webhook/secrets.ts'
import { type Attempt, send } from '../../domain/webhook/send.ts'
import { missedEvents, placeAfterMissed, type Webhook } from '../../domain/webhook/webhook.ts'
import type { OutgoingClient, OutgoingConnection } from '../../outgoing/client.ts'
import { facts } from '../../telemetry/facts.ts'

// Longer than an attempt takes, with what is read before it and noted after it.
const leaseMs = 30_000

// After that, other webhooks of the process have their turn.
const maxRunMs = 1_000

// Events that are in memory at a time, and events that a statement looks at.
const pageSize = 20
const maxLookedAt = 10_000

export interface RunOptions {
  books: Books
  outgoing: OutgoingClient
  log: Logger
  /** The process, as it signs for leases. */
  courierId: string
  /** Bounds the statements of all runs at a time: they share the connections with claims. */
  statements: Semaphore
  /** Whether no more attempts are begun. */
  isClosing: () => boolean
  /** Gives up an attempt that is under way. */
  abandon: AbortSignal
}

/** How a run has ended. */
export interface RunEnd {
  /** Whether there may be more to do right away. */
  hasMore: boolean
  /** Whether its last attempt has failed. */
  isFailing: boolean
}

const done: RunEnd = { hasMore: false, isFailing: false }
const unfinished: RunEnd = { hasMore: true, isFailing: false }

/** What is to be sent next, oldest first, and how far the webhook is after each. */
interface Plan {
  steps: { message: Message; place: EventCursor; happenedAt?: Date }[]
  /** How far the log was looked at. */
  through: bigint
  /** Whether that is its end. */
  isComplete: boolean
}

/**
 * Delivers to one webhook, one message after the other, until it has seen all events, an attempt fails, or its time is over.
 * While it sends, it holds the lease of the webhook, so that no other process does.
 */
export class WebhookRun {
  readonly #ref: WebhookRef
  readonly #options: RunOptions
  readonly #endsAt = performance.now() + maxRunMs

  constructor(ref: WebhookRef, options: RunOptions) {
    this.#ref = ref
    this.#options = options
  }

  /** Rejects when the database fails; a lease that it has then is free again when its time is over. */
  async run(): Promise<RunEnd> {
    const { books, outgoing, isClosing } = this.#options
    using connection = outgoing.open()
    while (!isClosing()) {
      const webhook = await this.#query(() => readDue(books, this.#ref, this.#courier))
      if (webhook === undefined) return done
      const plan = await this.#query(() => this.#plan(webhook))
      if (plan.steps.length > 0) {
        const end = await this.#deliver(webhook, plan, connection)
        if (end !== undefined) return end
      } else {
        if (plan.through <= webhook.sequence) return done
        await this.#query(() => passOver(books, webhook, this.#courier, plan.through))
        if (plan.isComplete) return done
      }
    }
    return done
  }

  async #plan(webhook: Webhook): Promise<Plan> {
    const { books } = this.#options
    const wanted = { ...webhook, maxLookedAt, limit: pageSize }
    const { log, events, through } = await readWantedEvents(books, webhook.accountId, wanted)
    const missed = missedEvents(webhook, log)
    if (missed !== undefined) {
      const place = placeAfterMissed(webhook, log)
      const message = missedMessage(place, missed, books.now())
      return { steps: [{ message, place }], through: place.sequence, isComplete: false }
    }
    const steps = events.map((event, i) => ({
      message: eventMessage(event),
      happenedAt: event.at,
      place: { log: log.log, sequence: i === events.length - 1 ? through : event.sequence },
    }))
    return { steps, through, isComplete: through === log.last }
  }

  /** Carries out a plan. Resolves to undefined if it did, and there is time for another one. */
  async #deliver(webhook: Webhook, plan: Plan, connection: OutgoingConnection): Promise<RunEnd | undefined> {
    const { books, courierId, abandon } = this.#options
    if (!(await this.#query(() => acquireLease(books, webhook, this.#courier, this.#leaseEnd()))))
      return unfinished
    let current = webhook
    for (const [i, step] of plan.steps.entries()) {
      const at = books.now()
      const secrets = await this.#query(() => readSecrets(books, webhook, at))
      // It was deleted.
      if (secrets.length === 0) return done
      const { url } = current
      const sending = { url, secrets, message: step.message, at, signal: abandon }
      const attempt = await send(connection, sending).catch(async (error: unknown) => {
        if (abandon.aborted) await releaseLease(books, current, courierId)
        throw error
      })
      const isLast = i === plan.steps.length - 1
      const isOver = (isLast && plan.isComplete) || this.#isTimeOver()
      const delivery = { message: step.message, attempt }
      const noted = await this.#query(() =>
        noteDelivery(books, current, courierId, delivery, {
          place: step.place,
          leasedUntil: isOver ? undefined : this.#leaseEnd(),
          chance: Math.random(),
        }),
      )
      // Somebody has changed the webhook, or another process has taken over.
      if (noted === undefined) return unfinished
      tellAttempt(attempt, step.happenedAt)
      this.#report(current, delivery, noted)
      if (attempt.error !== undefined) return { hasMore: false, isFailing: true }
      if (isOver) return { hasMore: !(isLast && plan.isComplete), isFailing: false }
      current = noted
    }
    return undefined
  }

  /** Logs the beginning and the end of an outage, and not every attempt. */
  #report(before: Webhook, { attempt }: Delivery, after: Webhook): void {
    const { log } = this.#options
    const entry = { ...this.#ref, status: attempt.status, reason: attempt.error }
    if (after.disabledAt !== undefined) {
      facts.webhook.tell({ change: 'disabled' })
      log.warn(entry, 'a webhook was disabled')
    } else if (after.failingSince !== undefined && before.failingSince === undefined) {
      facts.webhook.tell({ change: 'failed' })
      log.warn(entry, 'a webhook has failed; trying again')
    } else if (after.failingSince === undefined && before.failingSince !== undefined) {
      facts.webhook.tell({ change: 'recovered' })
      const failedMs = attempt.at.getTime() - before.failingSince.getTime()
      log.info({ ...this.#ref, failedMs }, 'a webhook works again')
    }
  }

  #query<T>(statement: () => Promise<T>): Promise<T> {
    return this.#options.statements.run(statement)
  }

  #isTimeOver(): boolean {
    return this.#options.isClosing() || performance.now() >= this.#endsAt
  }

  #leaseEnd(): Date {
    return new Date(this.#options.books.now().getTime() + leaseMs)
  }

  get #courier() {
    return { id: this.#options.courierId, now: this.#options.books.now() }
  }
}

function tellAttempt({ at, durationMs, status, error }: Attempt, happenedAt: Date | undefined): void {
  const isAccepted = error === undefined
  facts.delivery.tell({
    outcome: isAccepted ? 'accepted' : status === undefined ? 'unanswered' : 'refused',
    durationMs,
    delayMs:
      isAccepted && happenedAt !== undefined ? Number(at) + durationMs - Number(happenedAt) : undefined,
  })
}
