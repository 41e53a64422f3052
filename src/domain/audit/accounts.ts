import { join, type TableChecks } from './finding.ts'

export const accountChecks: readonly TableChecks[] = [
  {
    walk: { table: 'account', columns: 'id', key: { id: 'uuid' }, pageSize: 5_000 },
    checks: {
      'account-log': `
        SELECT page.id, 'it has no event log'
        FROM page LEFT JOIN LATERAL (
          SELECT true AS exists FROM event_log WHERE account_id = $1 LIMIT 1
        ) AS log ON true
        WHERE log.exists IS NULL`,
      'account-catalog': `
        SELECT page.id, 'it has no catalog'
        FROM page LEFT JOIN LATERAL (
          SELECT true AS exists FROM catalog WHERE account_id = $1 LIMIT 1
        ) AS catalog ON true
        WHERE catalog.exists IS NULL`,
    },
  },
  {
    walk: {
      table: 'api_key',
      columns: 'id, account_id, hash, hint',
      key: { id: 'uuid' },
      pageSize: 5_000,
    },
    checks: {
      'api-key': `
        SELECT account_id, CASE
          WHEN octet_length(hash) <> 32
            THEN format('the hash of API key %s (%s…) has %s bytes, not 32', page.id, hint, octet_length(hash))
          WHEN account.exists IS NULL
            THEN format('API key %s (%s…) is of an account that does not exist', page.id, hint)
        END
        FROM page ${join('account')}`,
    },
  },
  {
    walk: {
      table: 'idempotency',
      columns: 'account_id, operation, key, hash, pool_id, first, positions, task_id',
      key: { account_id: 'uuid', key: 'text', operation: 'text' },
      pageSize: 10_000,
    },
    checks: {
      'idempotency-key': `
        SELECT page.account_id, CASE
          WHEN octet_length(hash) <> 32
            THEN format('the hash of key "%s" of %s has %s bytes, not 32', key, operation, octet_length(hash))
          WHEN operation NOT IN ('claimCodes', 'claimFile', 'claimForRecipients', 'generateCodes', 'uploadCodes')
            THEN format('key "%s" is of an unknown operation: %s', key, operation)
          WHEN CASE
            WHEN operation LIKE 'claim%'
              THEN pool_id IS NULL OR num_nonnulls(page.first, positions) = 0 OR task_id IS NOT NULL
            ELSE num_nonnulls(pool_id, page.first) > 0 OR task_id IS NULL
          END OR operation <> 'claimForRecipients' AND positions IS NOT NULL
            THEN format('key "%s" of %s does not say what it was used for', key, operation)
          WHEN page.first IS NOT NULL AND claim.exists IS NULL
            THEN format('key "%s" of %s: pool %s has no claim at %s', key, operation, pool_id, page.first)
          WHEN highest >= pool.claimed OR lowest < 0
            THEN format('key "%s" of %s is for positions %s to %s of pool %s, which has %s codes claimed', key, operation,
              lowest, highest, pool_id, pool.claimed)
          WHEN task_id IS NOT NULL AND task.kind IS NULL
            THEN format('key "%s" of %s: there is no task %s', key, operation, task_id)
          WHEN (task.kind = 'UPLOAD') <> (operation = 'uploadCodes')
            THEN format('key "%s" of %s: task %s is of the kind %s', key, operation, task_id, task.kind)
        END
        FROM page
        CROSS JOIN LATERAL (
          SELECT min(position) AS lowest, max(position) AS highest FROM unnest(positions) AS asked (position)
        ) AS asked
        ${join('pool', 'claimed')}
        LEFT JOIN LATERAL (
          SELECT true AS exists FROM claim
          WHERE account_id = $1 AND pool_id = page.pool_id AND first = page.first LIMIT 1
        ) AS claim ON true
        ${join('task', 'kind')}`,
    },
  },
]
