import { max, min } from '../../bigint.ts'
import type { Lane } from './batch.ts'

/** The positions [from, to) of a lane of a pool: at least one. */
export interface LaneRange {
  lane: Lane
  from: bigint
  to: bigint
}

/** The positions [from, to) of a pool's line. */
export interface LineRange {
  poolId: string
  from: bigint
  to: bigint
}

/** Those of the ranges that have positions. */
export function withoutEmpty(ranges: readonly LaneRange[]): LaneRange[] {
  return ranges.filter(({ from, to }) => from < to)
}

/** The positions that are in both lists, in the order of the first one. Neither list has a position twice. */
export function common(ranges: readonly LaneRange[], others: readonly LaneRange[]): LaneRange[] {
  return withoutEmpty(
    ranges.flatMap(({ lane, from, to }) =>
      others
        .filter((other) => other.lane === lane)
        .map((other) => ({ lane, from: max(from, other.from), to: min(to, other.to) })),
    ),
  )
}

/** How many positions the ranges have. */
export function countOf(ranges: readonly { from: bigint; to: bigint }[]): bigint {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0n)
}

/** The ranges without their first `count` positions. */
export function withoutFirst(ranges: readonly LaneRange[], count: bigint): LaneRange[] {
  let rest = count
  return withoutEmpty(
    ranges.map(({ lane, from, to }) => {
      const left = min(rest, to - from)
      rest -= left
      return { lane, from: from + left, to }
    }),
  )
}
