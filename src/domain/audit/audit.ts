import type { Pool } from 'pg'
import { accountChecks } from './accounts.ts'
import { checkCodeSpaces } from './codespace.ts'
import { eventChecks } from './events.ts'
import type { Finding, FindingKind, TableChecks } from './finding.ts'
import { formatChecks } from './formats.ts'
import { poolChecks } from './pools.ts'
import { checkTaken } from './taken.ts'
import { taskChecks } from './tasks.ts'
import { uploadChecks } from './uploads.ts'
import { pages } from './walk.ts'

export { type Finding, type FindingKind, findingKinds } from './finding.ts'

export interface AuditSummary {
  /** How many rows of each table were looked at. */
  lookedAt: Map<string, number>
  /** How many findings there were of each kind: empty when the books are sound. */
  findings: Map<FindingKind, number>
}

export interface AuditOptions {
  /** Rows that are read at once, at most. */
  pageSize?: number
}

const allChecks: readonly TableChecks[] = [
  ...accountChecks,
  ...formatChecks,
  ...poolChecks,
  ...taskChecks,
  ...uploadChecks,
  ...eventChecks,
]

/**
 * Checks the books of all accounts against each other, and tells `onFinding` of everything that does not agree.
 * Takes a connection of the pool now and then, and only reads. Memory does not grow with the books; nor does the time
 * of a statement, but for what one pool has of events, one format of batches and one upload of codes. Services may go on writing meanwhile:
 * see `pages`.
 *
 * Rejects with a DatabaseUnavailableError when the database cannot be read to the end.
 */
export async function auditBooks(
  pool: Pool,
  onFinding: (finding: Finding) => void,
  options: AuditOptions = {},
): Promise<AuditSummary> {
  const { pageSize = Number.POSITIVE_INFINITY } = options
  const summary: AuditSummary = { lookedAt: new Map(), findings: new Map() }
  const tell = (finding: Finding) => {
    summary.findings.set(finding.kind, (summary.findings.get(finding.kind) ?? 0) + 1)
    onFinding(finding)
  }
  for (const { walk, checks, again } of allChecks) {
    const { table } = walk
    const sized = { ...walk, pageSize: Math.min(walk.pageSize, pageSize) }
    for await (const page of pages<Finding>(pool, sized, findingsStatement(checks))) {
      if (!again) summary.lookedAt.set(table, (summary.lookedAt.get(table) ?? 0) + page.lookedAt)
      for (const finding of page.rows) tell(finding)
    }
  }
  await checkCodeSpaces(pool, tell)
  await checkTaken(pool, tell, pageSize)
  return summary
}

/** What all checks of a page find. Of a row that is right a check says nothing: no row, NULL, or ''. */
function findingsStatement(checks: TableChecks['checks']): string {
  const found = Object.entries(checks).map(
    ([kind, sql]) => `SELECT '${kind}' AS kind, found.* FROM (${sql}) AS found (account_id, what)`,
  )
  return `
    SELECT kind, account_id AS "accountId", account.name AS "accountName", what
    FROM (${found.join(' UNION ALL ')}) AS found
    LEFT JOIN LATERAL (SELECT name FROM account WHERE id = account_id LIMIT 1) AS account ON true
    WHERE what <> ''`
}
