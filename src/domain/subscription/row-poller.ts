import type { Logger } from 'pino'
import { Poll } from '../../async/poll.ts'
import { Signal, Waiter } from '../../async/signal.ts'
import type { Reach } from '../../database/reach.ts'

const pollEveryMs = 1_000

// Rows that one statement reads.
const maxRowsAtOnce = 5_000

/** Names a row. */
export interface RowRef {
  accountId: string
  id: string
}

export interface RowPollerOptions<Row> {
  /** What the rows are, as the log says it: "pools". */
  what: string
  /** Reads those of the rows, which are of any accounts on one node, that still exist. */
  read: (rows: readonly RowRef[]) => Promise<Row[]>
  /** Whether two states of a row differ for its followers. */
  differs: (a: Row, b: Row) => boolean
  /** Which accounts are within reach: the rows of others are read when they are again. */
  reach: Pick<Reach, 'eachNode'>
  log: Logger
}

/**
 * Follows rows by polling: once a second, it reads the rows that have followers in this process, those on each node
 * together. Writers send no notifications, so changes of other rows cost nothing. All followers of a state get the same
 * object.
 */
export class RowPoller<Row extends RowRef> {
  readonly #options: RowPollerOptions<Row>
  readonly #poll: Poll
  readonly #followed = new Map<string, FollowedRow<Row>>()
  /** The number of rounds of reading so far, with the current one. */
  #rounds = 0

  constructor(options: RowPollerOptions<Row>) {
    this.#options = options
    const { what, log } = options
    this.#poll = new Poll({
      purpose: `read the followed ${what}`,
      run: () => this.#read(),
      everyMs: pollEveryMs,
      log,
    })
  }

  async close(): Promise<void> {
    await this.#poll.close()
  }

  /** Yields `row` and then its later states, at most one a second, until `signal` is aborted. */
  async *follow(row: Row, signal: AbortSignal): AsyncGenerator<Row> {
    const { differs } = this.#options
    const followed = this.#followed.get(nameOf(row)) ?? new FollowedRow<Row>(row)
    this.#followed.set(nameOf(row), followed)
    followed.followers += 1
    const waiter = new Waiter(signal)
    // The current round may have read the row earlier than `row`.
    const firstRound = this.#rounds + 1
    followed.newestFirstRound = firstRound
    try {
      let shown = row
      yield shown
      while (!signal.aborted) {
        const seen = followed.changed.version
        const { state, round } = followed
        if (state !== undefined && round >= firstRound && differs(state, shown)) {
          shown = state
          yield shown
        } else await followed.changed.wait(waiter, seen)
      }
    } finally {
      followed.followers -= 1
      if (followed.followers === 0) this.#followed.delete(nameOf(followed))
    }
  }

  async #read(): Promise<void> {
    if (this.#followed.size === 0) return
    const { read, differs, reach } = this.#options
    this.#rounds += 1
    const followed = [...this.#followed.values()]
    const byAccount = Map.groupBy(followed, ({ accountId }) => accountId)
    await reach.eachNode([...byAccount.keys()], async (accountIds) => {
      const wanted = accountIds.flatMap((accountId) => byAccount.get(accountId) ?? [])
      for (let start = 0; start < wanted.length; start += maxRowsAtOnce)
        for (const row of await read(wanted.slice(start, start + maxRowsAtOnce)))
          this.#followed.get(nameOf(row))?.update(row, this.#rounds, differs)
    })
  }
}

class FollowedRow<Row extends RowRef> {
  readonly accountId: string
  readonly id: string
  readonly changed = new Signal()
  followers = 0
  /** The first round whose state is news for the newest follower. */
  newestFirstRound = 0
  /** The state of the row, and the number of the last round that read it. */
  state: Row | undefined
  round = 0

  constructor({ accountId, id }: Row) {
    this.accountId = accountId
    this.id = id
  }

  update(row: Row, round: number, differs: (a: Row, b: Row) => boolean): void {
    const hasChanged = this.state === undefined || differs(row, this.state)
    if (hasChanged) this.state = row
    this.round = round
    if (hasChanged || round <= this.newestFirstRound) this.changed.wakeAll()
  }
}

function nameOf({ accountId, id }: RowRef): string {
  return `${accountId} ${id}`
}
