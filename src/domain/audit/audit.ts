import type { Pool } from 'pg'
import { Keyring } from '../../keys/keyring.ts'
import { accountChecks } from './accounts.ts'
import { auditedAccounts, tablesWithRows } from './audited-accounts.ts'
import { checkCodeSpaces } from './codespace.ts'
import { eventChecks } from './events.ts'
import type { Finding, FindingKind, TableChecks } from './finding.ts'
import { formatChecks } from './formats.ts'
import { poolChecks } from './pools.ts'
import { checkQueue } from './queue.ts'
import { checkTaken } from './taken.ts'
import { taskChecks } from './tasks.ts'
import { uploadChecks } from './uploads.ts'
import { usageChecks } from './usage.ts'
import { pages } from './walk.ts'
import { webhookChecks } from './webhooks.ts'

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
  ...webhookChecks,
]

const allTables = [...new Set(allChecks.map(({ walk }) => walk.table))]

/**
 * Checks that the books are consistent, account by account, and reports everything that is not to `onFinding`. It only reads,
 * with one connection of the pool at a time. Its memory does not grow with the books; the duration of a statement grows
 * only with the events and the redemptions of a pool, the batches of a format and the codes of an upload. Services may write at
 * the same time: see `pages`. It reads at most `pageSize` rows at a time. `keyring` opens the keys of formats.
 * With `accountId` it checks that account alone.
 *
 * Rejects with a DatabaseUnavailableError when the database, or a node of it, becomes unavailable, and with a
 * MasterKeyMissingError when the keyring lacks a master key.
 */
export async function auditBooks(
  connections: Pool,
  onFinding: (finding: Finding) => void,
  {
    pageSize = Number.POSITIVE_INFINITY,
    keyring = new Keyring(),
    accountId: only,
  }: { pageSize?: number; keyring?: Keyring; accountId?: string | undefined } = {},
): Promise<AuditSummary> {
  const summary: AuditSummary = {
    checked: new Map(allTables.map((table) => [table, 0])),
    findings: new Map(),
  }
  const report = (finding: Finding) => {
    summary.findings.set(finding.kind, (summary.findings.get(finding.kind) ?? 0) + 1)
    onFinding(finding)
  }
  for await (const account of auditedAccounts(connections, allTables, only)) {
    const { accountId, accountName } = account
    const filled = await tablesWithRows(connections, accountId, allTables)
    for (const { walk, checks, again } of allChecks) {
      const { table } = walk
      if (!filled.has(table)) continue
      const sized = { ...walk, pageSize: Math.min(walk.pageSize, pageSize) }
      const sql = findingsStatement(checks)
      for await (const page of pages<Pick<Finding, 'kind' | 'what'>>(connections, accountId, sized, sql)) {
        if (!again) summary.checked.set(table, (summary.checked.get(table) ?? 0) + page.size)
        for (const finding of page.rows) report({ ...finding, accountId, accountName })
      }
    }
    if (filled.has('format')) await checkCodeSpaces(connections, account, keyring, report)
    await checkTaken(connections, account, { filled, keyring, pageSize }, report)
    await checkQueue(connections, account, report)
  }
  return summary
}

/** The findings of all checks of a page. For a row that is right, a check returns no row, NULL, or ''. */
function findingsStatement(checks: TableChecks['checks']): string {
  const found = Object.entries(checks).map(
    ([kind, sql]) => `SELECT '${kind}' AS kind, found.what FROM (${sql}) AS found (account_id, what)`,
  )
  return `
    SELECT kind, what FROM (${found.join(' UNION ALL ')}) AS found
    WHERE what <> ''`
}
