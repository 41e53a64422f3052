import pg from 'pg'
import type { Logger } from 'pino'
import { isDistributed } from './distribution.ts'
import { DatabaseError } from './errors.ts'
import { locationOf, sessionSettings, usualLockTimeoutMs } from './session.ts'

/** A node that holds rows of a distributed database. */
export interface Node {
  /** Its address, for messages. */
  readonly name: string
  /** Why it could not be asked; undefined if it has answered. */
  readonly failure: string | undefined
  /** Whether a commit there is on disk when it is answered. */
  readonly keepsCommits: boolean
  /** The settings that its sessions lack, with the values that they must have. */
  readonly lacks: Readonly<Record<string, string>>
}

const { client_encoding: _passedOn, ...reliedOn } = sessionSettings

/**
 * What a session is given at the coordinator does not reach the sessions that it opens at the nodes: these have the defaults
 * of the user there. The client's encoding is passed on.
 */
export const nodeSettings: Readonly<Record<string, string>> = {
  ...reliedOn,
  lock_timeout: String(usualLockTimeoutMs),
}

/**
 * Checks the nodes of a distributed database: that the connection leads to the coordinator, and that each node keeps commits
 * and has the settings that the service relies on. A node that does not answer is logged: accounts on other nodes are served
 * without it. A database that is not distributed passes.
 *
 * @throws {DatabaseError} that says what is wrong, and what to do
 */
export async function checkNodes(client: pg.ClientBase, log: Logger): Promise<void> {
  if (!(await isDistributed(client))) return
  await requireCoordinator(client)
  for (const node of await readNodes(client)) {
    if (node.failure !== undefined)
      log.warn({ node: node.name, failure: node.failure }, 'could not check a node of the database')
    else requireDurable(node)
    const [lacking] = Object.entries(node.lacks)
    if (lacking !== undefined)
      throw new DatabaseError(
        `The database cannot be used: its node ${node.name} does not have ${lacking[0]} at ${lacking[1]}. Run: npm run distribute`,
      )
  }
}

/** @throws {DatabaseError} when the server is a node that only holds rows */
export async function requireCoordinator(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ here: boolean }>('SELECT citus_is_coordinator() AS here')
  if (rows[0]?.here === true) return
  throw new DatabaseError(
    `The database cannot be used: ${locationOf(client)} is a worker of a distributed database. Name its coordinator: locks and notifications are there.`,
  )
}

/** @throws {DatabaseError} when a crash of the node's machine could lose commits */
export function requireDurable(node: Node): void {
  if (node.keepsCommits) return
  throw new DatabaseError(
    `The database cannot be used: its node ${node.name} has fsync off: after a crash of its machine, codes could be handed out a second time. Set fsync to on.`,
  )
}

/** Asks every node that holds rows, apart from the coordinator itself. */
export async function readNodes(client: pg.ClientBase): Promise<Node[]> {
  const expected = Object.entries(nodeSettings)
  const { rows } = await client.query<{ name: string; success: boolean; result: string }>(
    `SELECT nodename || ':' || nodeport AS name, success, result FROM run_command_on_workers($1) ORDER BY 1`,
    [
      `SELECT json_build_object('fsync', current_setting('fsync'), 'settings', json_object_agg(name, current_setting(name, true)))
         FROM unnest(${arrayOf(expected.map(([name]) => name))}) AS name`,
    ],
  )
  return rows.map(({ name, success, result }) => {
    if (!success) return { name, failure: result, keepsCommits: true, lacks: {} }
    const { fsync, settings } = JSON.parse(result) as NodeFacts
    const lacks = expected.filter(([setting, value]) => !isMet(setting, settings[setting] ?? null, value))
    return { name, failure: undefined, keepsCommits: fsync === 'on', lacks: Object.fromEntries(lacks) }
  })
}

interface NodeFacts {
  fsync: string
  settings: Record<string, string | null>
}

/** Whether a node's setting does what `value` does. `actual` is as the server shows it; null if it does not know the setting. */
function isMet(setting: string, actual: string | null, value: string): boolean {
  if (actual === null || actual === value) return true
  if (setting === 'synchronous_commit') return actual === 'remote_apply'
  return setting.endsWith('_timeout') && millisecondsOf(actual) === Number(value)
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A time as PostgreSQL shows it: "5s". */
function millisecondsOf(shown: string): number {
  const [, count = '', unit = ''] = /^(\d+)([a-z]*)$/.exec(shown) ?? []
  return Number(count) * (units[unit] ?? Number.NaN)
}

/**
 * Gives the sessions of every node the settings that they lack, as defaults of this user in this database. The extension passes
 * them on, also to nodes that are added later.
 *
 * @throws {DatabaseError} when a node does not answer, does not keep commits, or does not take a setting
 */
export async function prepareNodes(client: pg.ClientBase): Promise<void> {
  const lacking = await readLacking(client)
  if (lacking.size === 0) return
  const { rows } = await client.query<{ subject: string }>(
    `SELECT format('ALTER ROLE %I IN DATABASE %I', current_user, current_database()) AS subject`,
  )
  const commands = [...lacking].map(
    ([setting, value]) => `${rows[0]?.subject} SET ${setting} = ${pg.escapeLiteral(value)}`,
  )
  for (const command of commands) await client.query(command)
  const [still] = await readLacking(client)
  if (still !== undefined)
    throw new DatabaseError(
      `A node does not take the setting ${still[0]}. Let a superuser run on each node: ${commands.join('; ')}`,
    )
}

/** The settings that any node lacks, with the values that they must have. */
async function readLacking(client: pg.ClientBase): Promise<Map<string, string>> {
  const nodes = await readNodes(client)
  for (const node of nodes) {
    if (node.failure !== undefined)
      throw new DatabaseError(`The node ${node.name} does not answer: ${node.failure}. All nodes must run.`)
    requireDurable(node)
  }
  return new Map(nodes.flatMap(({ lacks }) => Object.entries(lacks)))
}

function arrayOf(values: readonly string[]): string {
  return `ARRAY[${values.map((value) => pg.escapeLiteral(value)).join(', ')}]`
}
