/** `count` indices from `first` on, without those at `passed`: ascending offsets from `first`. */
export interface IndexRun {
  first: bigint
  count: number
  passed: readonly number[]
}

/** How many indices some runs have. */
export function countOfRuns(runs: readonly IndexRun[]): number {
  return runs.reduce((sum, { count }) => sum + count, 0)
}

/** Divides runs, in their order, into lists of at most `size` indices. */
export function* divideRuns(runs: readonly IndexRun[], size: number): Generator<IndexRun[]> {
  let list: IndexRun[] = []
  let room = size
  for (const run of runs) {
    let rest = run
    for (; rest.count > room; room = size) {
      yield [...list, beginningOf(rest, room)]
      list = []
      rest = restOf(rest, room)
    }
    if (rest.count > 0) list.push(rest)
    room -= rest.count
  }
  if (list.length > 0) yield list
}

function beginningOf(run: IndexRun, count: number): IndexRun {
  return { ...run, count, passed: run.passed.slice(0, passedBefore(run, count)) }
}

function restOf(run: IndexRun, from: number): IndexRun {
  const before = passedBefore(run, from)
  const offset = from + before
  const passed = run.passed.slice(before).map((at) => at - offset)
  return { first: run.first + BigInt(offset), count: run.count - from, passed }
}

/** How many indices are passed before the `count`th that is not. */
function passedBefore({ passed }: IndexRun, count: number): number {
  let before = 0
  while ((passed[before] ?? Number.POSITIVE_INFINITY) < count + before) before += 1
  return before
}
