import type { Pool } from 'pg'
import { Keyring } from '../../keys/keyring.ts'
import { accountChecks } from './accounts.ts'
import { checkCodeSpaces } from './codespace.ts'
import { eventChecks } from './events.ts'
import type { Finding, FindingKind, TableChecks } from './finding.ts'
import { formatChecks } from './formats.ts'
import { poolChecks } from './pools.ts'
import { checkTaken } from './taken.ts'
import { taskChecks } from './tasks.ts'
import { uploadChecks } from './uploads.ts'
import { usageChecks } from './usage.ts'
import { pages } from './walk.ts'

export { type Finding, type FindingKind, findingKinds } from './finding.ts'

export interface AuditSummary {
  /** How many rows of each table were checked. */
  checked: Map<string, number>
  /** The number of findings of each kind; empty when the books are sound. */
  findings: Map<FindingKind, number>
}

const allChecks: readonly TableChecks[] = [
  ...accountChecks,
  ...formatChecks,
  ...poolChecks,
  ...usageChecks,
  ...taskChecks,
  ...uploadChecks,
  ...eventChecks,
]

/**
 * Checks that the books of all accounts are consistent, and reports everything that is not to `onFinding`. It only reads,
 * with one connection of the pool at a time. Its memory does not grow with the books; the duration of a statement grows
 * only with the events and the redemptions of a pool, the batches of a format and the codes of an upload. Services may write at the same time:
 * see `pages`. It reads at most `pageSize` rows at a time. `keyring` opens the keys of formats.
 *
 * Rejects with a DatabaseUnavailableError when the database becomes unavailable, and with a MasterKeyMissingError when the
 * keyring lacks a master key.
 */
export async function auditBooks(
  connections: Pool,
  onFinding: (finding: Finding) => void,
  { pageSize = Number.POSITIVE_INFINITY, keyring = new Keyring() } = {},
): Promise<AuditSummary> {
  const summary: AuditSummary = { checked: new Map(), findings: new Map() }
  const report = (finding: Finding) => {
    summary.findings.set(finding.kind, (summary.findings.get(finding.kind) ?? 0) + 1)
    onFinding(finding)
  }
  for (const { walk, checks, again } of allChecks) {
    const { table } = walk
    const sized = { ...walk, pageSize: Math.min(walk.pageSize, pageSize) }
    for await (const page of pages<Finding>(connections, sized, findingsStatement(checks))) {
      if (!again) summary.checked.set(table, (summary.checked.get(table) ?? 0) + page.size)
      for (const finding of page.rows) report(finding)
    }
  }
  await checkCodeSpaces(connections, keyring, report)
  await checkTaken(connections, keyring, report, pageSize)
  return summary
}

/** The findings of all checks of a page. For a row that is right, a check returns no row, NULL, or ''. */
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
