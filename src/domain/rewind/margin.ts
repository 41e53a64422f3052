import { max } from '../../bigint.ts'
import { availableForGeneration } from '../format/format.ts'

/** What is known of how fast a format is used. Counts are codes. */
export interface FormatUse {
  capacity: bigint
  next: bigint
  reserved: bigint
  takenAhead: bigint
  generated: bigint
  /** The sum of the quantities of the pools that are filled from it. */
  quantities: bigint
  /** The largest quantity that one task of the account was to generate. */
  largest: bigint
}

const minMargin = 100_000n

/**
 * How many codes of a format to give up if nobody says how many may have been generated since the backup. The largest of:
 * twice the sum of what it has generated, what its pools are filled with at a time and what tasks wait for; twice the
 * largest generation of the account; an eighth of what the format has left; 100,000.
 *
 * Nothing but the operator's knowledge is a bound: one request can generate all that a format has. So this errs on the side
 * of too many. In a format with room, the eighth is more than anything that people generate, and seven eighths are left. In
 * one without, the rest is used up, and the follow-up says so.
 */
export function defaultMargin(use: FormatUse): bigint {
  return [
    2n * (use.generated + use.quantities + use.reserved),
    2n * use.largest,
    (use.capacity - use.next + 7n) / 8n,
  ].reduce(max, minMargin)
}

/** What a margin does to a format: how many codes it gives up, and how many can still be generated afterwards. */
export interface MarginEffect {
  margin: bigint
  left: bigint
  /** All that it had left is given up, with the tasks that waited for it. */
  isUsedUp: boolean
}

export function effectOf(use: FormatUse, asked: bigint | undefined): MarginEffect {
  const margin = asked ?? defaultMargin(use)
  const available = availableForGeneration(use)
  if (margin <= available) return { margin, left: available - margin, isUsedUp: false }
  return { margin: available + use.reserved, left: 0n, isUsedUp: true }
}
