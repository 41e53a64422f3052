import pg from 'pg'
import { nodeSettings } from '../../src/database/nodes.ts'

/*
 * Databases on the nodes of a server with Citus. No part of vitest is used here: benchmarks need them, too.
 */

/** The address of another database on the same server. */
export function databaseUrl(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = name
  return url.href
}

/** Runs one statement on a connection of its own. */
export async function runSql<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

/** The addresses of a server's nodes, itself first; only its own if it has none. */
export async function readNodeUrls(url: string): Promise<string[]> {
  const [extension] = await runSql(url, `SELECT FROM pg_extension WHERE extname = 'citus'`)
  if (extension === undefined) return [url]
  const nodes = await runSql<{ host: string; port: number }>(
    url,
    'SELECT nodename AS host, nodeport AS port FROM pg_dist_node WHERE isactive ORDER BY groupid',
  )
  return nodes.map(({ host, port }, i) => {
    if (i === 0) return url
    const node = new URL(url)
    node.hostname = host
    node.port = String(port)
    return node.href
  })
}

/** Runs one statement on each node. */
export async function onEach(nodeUrls: readonly string[], sql: string): Promise<void> {
  await Promise.all(nodeUrls.map((url) => runSql(url, sql)))
}

/**
 * Creates an empty database on each node, with the extension, which knows all nodes. Nothing is distributed yet. `holding`: how
 * many of the nodes besides the coordinator hold rows. Resolves to its address.
 */
export async function createOnNodes(
  nodeUrls: readonly string[],
  name: string,
  { shards, holding = nodeUrls.length - 1 }: { shards: number; holding?: number },
): Promise<string> {
  await onEach(nodeUrls, `CREATE DATABASE ${name}`)
  const [url = '', ...others] = nodeUrls.map((node) => databaseUrl(node, name))
  await onEach([url, ...others], 'CREATE EXTENSION citus')
  const { hostname, port } = new URL(url)
  await runSql(url, `SELECT citus_set_coordinator_host('${hostname}', ${port})`)
  for (const [i, other] of others.entries()) {
    const node = new URL(other)
    await runSql(url, `SELECT citus_add_node('${node.hostname}', ${node.port})`)
    if (i >= holding)
      await runSql(
        url,
        `SELECT citus_set_node_property('${node.hostname}', ${node.port}, 'shouldhaveshards', false)`,
      )
  }
  await runSql(url, `ALTER DATABASE ${name} SET citus.shard_count = ${shards}`)
  return url
}

/** Gives the user the settings of nodes in all databases, so that not every database has to. */
export async function setNodeSettings(url: string): Promise<void> {
  const rows = await runSql<{ name: string }>(url, 'SELECT lower(name) AS name FROM pg_settings')
  const known = new Set(rows.map(({ name }) => name))
  for (const [name, value] of Object.entries(nodeSettings))
    if (known.has(name)) await runSql(url, `ALTER ROLE CURRENT_USER SET ${name} = ${pg.escapeLiteral(value)}`)
}
