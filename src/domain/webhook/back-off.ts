import { hourMs } from '../../dates.ts'
import type { WebhookDisabledReason } from '../../generated/prisma/client.ts'
import type { Attempt } from './send.ts'

const secondMs = 1_000
const minuteMs = 60 * secondMs

/** How long a webhook is given after each failure before the next attempt; the last for all further ones. */
const delaysMs = [
  5 * secondMs,
  30 * secondMs,
  2 * minuteMs,
  10 * minuteMs,
  30 * minuteMs,
  hourMs,
  3 * hourMs,
  6 * hourMs,
]

/** How far a delay is varied, up and down, so that what has failed together is not tried again together. */
const jitter = 0.2

/** How long a receiver can ask to be left alone, by Retry-After. */
export const maxRetryAfterMs = 6 * hourMs

/** After how long without a delivery a webhook is disabled. */
export const maxFailingMs = 72 * hourMs

/** How a webhook stands. */
export interface Standing {
  attempts: number
  failingSince: Date | undefined
  nextAttemptAt: Date | undefined
  disabled: { reason: WebhookDisabledReason; message: string } | undefined
}

export const goodStanding: Standing = {
  attempts: 0,
  failingSince: undefined,
  nextAttemptAt: undefined,
  disabled: undefined,
}

/**
 * How a webhook stands after an attempt that has failed at `now`. `chance`: from 0 to 1, for the jitter. The last attempt is
 * made when it has failed for `maxFailingMs`.
 */
export function afterFailure(
  { attempts, failingSince = undefined }: { attempts: number; failingSince: Date | undefined },
  { status, error, retryAfterMs = 0 }: Pick<Attempt, 'status' | 'error' | 'retryAfterMs'>,
  now: Date,
  chance: number,
): Standing {
  const since = failingSince ?? now
  const failed = { attempts: attempts + 1, failingSince: since, nextAttemptAt: undefined }
  if (status === 410)
    return {
      ...failed,
      disabled: {
        reason: 'GONE',
        message: 'The receiver has answered with 410: it wants no more events. Give the webhook another URL.',
      },
    }
  const endsAt = since.getTime() + maxFailingMs
  if (now.getTime() >= endsAt)
    return {
      ...failed,
      disabled: {
        reason: 'FAILED',
        message: `Every delivery since ${since.toISOString()} has failed. The last one: ${error} Repair the receiver, and enable the webhook.`,
      },
    }
  const delayMs = (delaysMs[attempts] ?? delaysMs.at(-1) ?? 0) * (1 + jitter * (2 * chance - 1))
  const waitMs = Math.max(delayMs, Math.min(retryAfterMs, maxRetryAfterMs))
  return {
    ...failed,
    nextAttemptAt: new Date(Math.min(now.getTime() + waitMs, endsAt)),
    disabled: undefined,
  }
}
