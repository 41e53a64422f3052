import { LRUCache } from 'lru-cache'
import type { Pool, QueryResultRow } from 'pg'
import type { Logger } from 'pino'
import { DatabaseUnavailableError, isUnavailable } from './errors.ts'
import type { Statement } from './transaction.ts'

// How long it is believed where an account's rows are: they move when nodes are added or removed.
const placesAreKeptMs = 60_000
const maxPlacesKept = 100_000

const probeEveryMs = 1_000
const maxAnswerMs = 3_000

// Accounts among which one is looked for on each node.
const maxSampled = 1_000

/** A node of a distributed database that cannot be reached. */
export interface NodeAway {
  /** Its address. */
  readonly node: string
  /** How many accounts have their rows there; undefined if they could not be counted. */
  readonly accounts: number | undefined
  readonly since: Date
}

interface Away {
  report: NodeAway
  /** Until the log says that it is away. */
  logged: Promise<void>
  triedAt: number
  isTrying: boolean
}

/**
 * Which accounts are within reach. The accounts of a distributed database are on several nodes, of which one may be away while
 * the others serve: then the work for its accounts waits, and that for all others goes on. On one server, all accounts are
 * in one place, and what fails fails for all.
 *
 * Nothing runs by itself: a node that is away is tried again, at most once a second, when somebody asks for one of its accounts.
 */
export class Reach {
  readonly #connections: Pool
  readonly #log: Logger
  /** The nodes of accounts. On one server there are none. */
  // Limited by size: a limit in number would take the room for all of them at once, 5 MB.
  readonly #places = new LRUCache<string, string>({
    maxSize: maxPlacesKept,
    sizeCalculation: () => 1,
    ttl: placesAreKeptMs,
  })
  readonly #away = new Map<string, Away>()
  #isDistributed: { value: boolean; until: number } | undefined
  /** An account on each node. */
  #samples: { byNode: Map<string, string>; until: number } | undefined
  #nodesTriedAt = Number.NEGATIVE_INFINITY
  #isTryingNodes = false

  constructor({ connections, log }: { connections: Pool; log: Logger }) {
    this.#connections = connections
    this.#log = log
  }

  /** The nodes that are away, as far as this process has noticed. */
  nodesAway(): NodeAway[] {
    return [...this.#away.values()].map(({ report }) => report)
  }

  /** Tries each node that has accounts, at most once a second, in the background: `nodesAway` tells of the outcome later. */
  tryNodes(): void {
    const now = performance.now()
    if (this.#isTryingNodes || now - this.#nodesTriedAt < probeEveryMs) return
    this.#isTryingNodes = true
    this.#nodesTriedAt = now
    void this.#tryAll()
  }

  /** Never rejects. */
  async #tryAll(): Promise<void> {
    try {
      if (await this.#readIsDistributed())
        for (const [node, accountId] of await this.#readSamples())
          if (!this.#isAway(node, accountId)) void this.#tryNow(node, accountId)
    } catch (error) {
      // Without the coordinator, there is nothing to know about its nodes.
      if (!isUnavailable(error)) this.#logFailure({}, error)
    }
    this.#isTryingNodes = false
  }

  /** An account on each node, by node. */
  async #readSamples(): Promise<Map<string, string>> {
    const now = performance.now()
    if (this.#samples === undefined || this.#samples.until < now) {
      // Where an account is follows from a hash of its id: few accounts are on all nodes that have a share worth mentioning.
      const rows = await this.#rows<{ node: string; accountId: string }>({
        text: `
          SELECT DISTINCT ON (node.name) node.name AS node, sample.id AS "accountId"
          FROM (SELECT id FROM account ORDER BY id LIMIT ${maxSampled}) AS sample
          JOIN ${placement('sample.id')} ORDER BY node.name, sample.id`,
      })
      const byNode = new Map(rows.map(({ node, accountId }) => [node, accountId]))
      this.#samples = { byNode, until: now + placesAreKeptMs }
    }
    return this.#samples.byNode
  }

  /**
   * Runs `work` for all of these accounts, those of each node together and the nodes side by side, so that none waits for
   * another. Leaves out accounts whose node is away, also if `work` fails because it has just gone. Rejects with the first
   * other error, once all have ended.
   */
  async eachNode(
    accountIds: readonly string[],
    work: (accountIds: string[]) => Promise<void>,
  ): Promise<void> {
    const places = await this.#find(accountIds)
    const groups = Map.groupBy(accountIds, (accountId) => places.get(accountId))
    const outcomes = await Promise.allSettled(
      [...groups].map(async ([node, ids]) => {
        const [any] = ids
        if (any === undefined || (node !== undefined && this.#isAway(node, any))) return
        try {
          await work(ids)
        } catch (error) {
          if (!(await this.#hasGone(node, any, error))) throw error
        }
      }),
    )
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** Whether the node of the account is not known to be away. */
  async has(accountId: string): Promise<boolean> {
    const node = (await this.#find([accountId])).get(accountId)
    return node === undefined || !this.#isAway(node, accountId)
  }

  /** Whether work for an account has failed because its node is away, while the database itself answers. Never rejects. */
  async isLost(accountId: string, error: unknown): Promise<boolean> {
    if (!isUnavailable(error)) return false
    try {
      return await this.#hasGone((await this.#find([accountId])).get(accountId), accountId, error)
    } catch (unknown) {
      // Without the coordinator, there is nothing to know about its nodes.
      if (!isUnavailable(unknown)) this.#logFailure({ accountId }, unknown)
      return false
    }
  }

  /** Tries a node that is away again if it is time, without waiting for the outcome. */
  #isAway(node: string, accountId: string): boolean {
    const away = this.#away.get(node)
    if (away === undefined) return false
    if (!away.isTrying && performance.now() - away.triedAt >= probeEveryMs) {
      away.isTrying = true
      void this.#tryAgain(node, accountId, away)
    }
    return true
  }

  /** Never rejects. */
  async #tryAgain(node: string, accountId: string, away: Away): Promise<void> {
    try {
      if ((await this.#failureOf(accountId)) === undefined) await this.#comeBack(node)
    } catch (error) {
      this.#logFailure({ node }, error)
    }
    away.isTrying = false
    away.triedAt = performance.now()
  }

  /** Never rejects. */
  async #tryNow(node: string, accountId: string): Promise<void> {
    try {
      const failure = await this.#failureOf(accountId)
      if (failure !== undefined) await this.#hasGone(node, accountId, failure)
    } catch (error) {
      // Without the coordinator, there is nothing to know about its nodes.
      if (!isUnavailable(error)) this.#logFailure({ node }, error)
    }
  }

  #logFailure(of: { node?: string; accountId?: string }, error: unknown): void {
    this.#log.error(
      { err: error, ...of },
      'could not find out whether a node of the database is there; trying again',
    )
  }

  async #hasGone(node: string | undefined, accountId: string, error: unknown): Promise<boolean> {
    if (node === undefined || !isUnavailable(error)) return false
    // A connection of this process may have been lost. Only a node that does not answer while the coordinator does is away.
    if ((await this.#failureOf(accountId)) === undefined) return false
    if (!this.#away.has(node)) {
      const { promise: logged, resolve } = Promise.withResolvers<void>()
      const report = { node, accounts: undefined, since: new Date() }
      const away: Away = { report, logged, triedAt: performance.now(), isTrying: false }
      // Before anything is awaited: others may notice at the same time, and the node may be back before its accounts are counted.
      this.#away.set(node, away)
      away.report = { ...report, accounts: await this.#countAccounts(node) }
      this.#log.warn(
        { err: error, node, accounts: away.report.accounts },
        'a node of the database is away: the work for its accounts waits',
      )
      resolve()
    }
    return true
  }

  /** Undefined if they cannot be counted: the number is only for the reader of a report. */
  async #countAccounts(node: string): Promise<number | undefined> {
    try {
      const [count] = await this.#rows<{ accounts: number }>({
        text: `SELECT count(*)::integer AS accounts FROM account JOIN ${placement('account.id')} WHERE node.name = $1`,
        values: [node],
      })
      return count?.accounts
    } catch (error) {
      if (!isUnavailable(error))
        this.#log.error({ err: error, node }, 'could not count the accounts of a node')
      return undefined
    }
  }

  async #comeBack(node: string): Promise<void> {
    const away = this.#away.get(node)
    if (away === undefined) return
    this.#away.delete(node)
    const awayMs = Date.now() - away.report.since.getTime()
    await away.logged
    this.#log.info(
      { node, accounts: away.report.accounts, awayMs },
      'a node of the database is back: the work for its accounts goes on',
    )
  }

  /** Why the rows of an account cannot be read; undefined if they can. */
  async #failureOf(accountId: string): Promise<Error | undefined> {
    try {
      await this.#rows({
        text: 'SELECT FROM event_log WHERE account_id = $1',
        values: [accountId],
      })
      return undefined
    } catch (error) {
      if (error instanceof DatabaseUnavailableError) return error
      throw error
    }
  }

  /** The nodes of accounts. */
  async #find(accountIds: readonly string[]): Promise<Map<string, string | undefined>> {
    const found = new Map(accountIds.map((accountId) => [accountId, this.#places.get(accountId)]))
    if (!(await this.#readIsDistributed())) return found
    const unknown = accountIds.filter((accountId) => found.get(accountId) === undefined)
    if (unknown.length > 0) {
      const rows = await this.#rows<{ accountId: string; node: string }>({
        text: `
          SELECT wanted.id AS "accountId", node.name AS node
          FROM unnest($1::uuid[]) AS wanted (id) JOIN ${placement('wanted.id')}`,
        values: [unknown],
      })
      for (const { accountId, node } of rows) {
        this.#places.set(accountId, node)
        found.set(accountId, node)
      }
    }
    return found
  }

  async #readIsDistributed(): Promise<boolean> {
    const now = performance.now()
    if (this.#isDistributed === undefined || this.#isDistributed.until < now) {
      const [row] = await this.#rows<{ value: boolean }>({
        text: `SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS value`,
      })
      const value = row?.value === true && (await this.#isDistributedByAccount())
      this.#isDistributed = { value, until: now + placesAreKeptMs }
    }
    return this.#isDistributed.value
  }

  async #isDistributedByAccount(): Promise<boolean> {
    const rows = await this.#rows({
      text: `SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('event_log') AND partmethod = 'h'`,
    })
    return rows.length > 0
  }

  async #rows<Row extends QueryResultRow>(statement: Statement): Promise<Row[]> {
    try {
      // Those who wait for an answer would wait as long for a connection that has fallen silent.
      const limited: Statement = { query_timeout: maxAnswerMs, ...statement }
      return (await this.#connections.query<Row>(limited)).rows
    } catch (error) {
      throw isUnavailable(error) ? new DatabaseUnavailableError(error) : error
    }
  }
}

/** SQL: joins `node`, with its name, on which the rows of an account are. All tables have them on the same node. */
function placement(accountId: string): string {
  return `
    pg_dist_placement AS placement
      ON placement.shardid = get_shard_id_for_distribution_column('event_log', ${accountId})
    JOIN (
      SELECT groupid, nodename || ':' || nodeport AS name FROM pg_dist_node WHERE noderole = 'primary'
    ) AS node ON node.groupid = placement.groupid`
}
