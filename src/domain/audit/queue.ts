import type { Pool } from 'pg'
import { findForgottenWork } from '../books/queue.ts'
import type { AuditedAccount, Finding } from './finding.ts'
import { onSnapshot } from './walk.ts'

/** Checks that the account is in the queue if it has work for a worker: otherwise no worker looks for it. */
export async function checkQueue(
  connections: Pool,
  { accountId, accountName }: AuditedAccount,
  report: (finding: Finding) => void,
): Promise<void> {
  let kinds: string[] = []
  // In a distributed database the two statements are not on one snapshot, so that between them work may have been done.
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    kinds = await onSnapshot(connections, (tx) => findForgottenWork(tx, accountId))
    if (kinds.length === 0) return
  }
  const what = `it has work for a worker (${kinds.join(', ')}), and is not in the queue`
  report({ kind: 'queue', accountId, accountName, what })
}

const maxAttempts = 3
