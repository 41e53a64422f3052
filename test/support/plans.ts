import type pg from 'pg'
import type { Books } from '../../src/domain/books/books.ts'

/** A plan as PostgreSQL reports it in JSON, with the actual numbers of rows. */
export interface Plan {
  'Node Type': string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Plan[]
}

/** How many rows the scans of a plan have read. */
export function rowsRead(plan: Plan): number {
  const inner = (plan.Plans ?? []).reduce((sum, part) => sum + rowsRead(part), 0)
  if (!plan['Node Type'].includes('Scan')) return inner
  const removed = (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0)
  return inner + (plan['Actual Rows'] + removed) * plan['Actual Loops']
}

/** A statement, and how many rows its scans have read. */
export interface StatementCost {
  text: string
  rows: number
}

/**
 * Records how many rows each statement reads from now on, inside transactions too. The books must have only one connection.
 */
export async function noteStatements(books: Books): Promise<StatementCost[]> {
  const statements: StatementCost[] = []
  const client = await books.connections.connect()
  await reportPlans(client, (cost) => statements.push(cost))
  client.release()
  return statements
}

/** Reports how many rows each statement of a connection reads from now on, as PostgreSQL's auto_explain says. */
export async function reportPlans(
  client: pg.PoolClient,
  report: (cost: StatementCost) => void,
): Promise<void> {
  client.on('notice', ({ message }) => {
    const json = message?.match(/plan:\n(.*)/s)?.[1]
    if (json === undefined) return
    const { 'Query Text': text, Plan: plan } = JSON.parse(json) as { 'Query Text': string; Plan: Plan }
    report({ text, rows: rowsRead(plan) })
  })
  await client.query(`
    LOAD 'auto_explain';
    SET auto_explain.log_min_duration = 0;
    SET auto_explain.log_analyze = on;
    SET auto_explain.log_timing = off;
    SET auto_explain.log_format = 'json';
    SET auto_explain.log_level = 'notice'`)
}
