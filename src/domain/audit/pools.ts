import { join, type TableChecks } from './finding.ts'

export const poolChecks: readonly TableChecks[] = [
  {
    walk: {
      table: 'pool',
      columns: 'account_id, id, method, format_id, quantity, auto_generate, refill_threshold, total, claimed',
      key: { account_id: 'uuid', id: 'uuid' },
      pageSize: 5_000,
    },
    checks: {
      // The end of the last batch or claim is the sum of all, as there is no gap, which is checked below.
      'pool-counters': `
        SELECT account_id, concat_ws('; ',
          CASE WHEN total <> laid
            THEN format('pool %s counts %s codes in all, and its batches end at %s', id, total, laid) END,
          CASE WHEN claimed <> handed_out
            THEN format('pool %s counts %s codes claimed, and its claims end at %s', id, claimed, handed_out) END,
          CASE WHEN NOT claimed BETWEEN 0 AND total
            THEN format('pool %s has handed out %s codes of %s', id, claimed, total) END)
        FROM page
        CROSS JOIN LATERAL (SELECT
          coalesce((SELECT start + count FROM batch
            WHERE account_id = page.account_id AND pool_id = page.id ORDER BY start DESC LIMIT 1), 0) AS laid,
          coalesce((SELECT first + count FROM claim
            WHERE account_id = page.account_id AND pool_id = page.id ORDER BY first DESC LIMIT 1), 0) AS handed_out
        ) AS rows`,
      'pool-settings': `
        SELECT account_id, CASE
          WHEN auto_generate AND (method <> 'GENERATE' OR num_nulls(format_id, quantity) > 0)
            THEN format('pool %s is refilled automatically, and does not say with what', id)
          WHEN quantity < 1 OR refill_threshold < 0
            THEN format('pool %s has the threshold %s and the quantity %s', id, refill_threshold,
              coalesce(quantity::text, 'none'))
        END
        FROM page`,
      'pool-reference': `
        SELECT page.account_id, CASE
          WHEN account.exists IS NULL THEN format('pool %s is of an account that does not exist', id)
          WHEN format_id IS NOT NULL AND format.exists IS NULL
            THEN format('pool %s has the format %s, which does not exist', id, format_id)
        END
        FROM page
        ${join('account')}
        ${join('format')}`,
    },
  },
  {
    walk: {
      table: 'batch',
      columns: 'account_id, pool_id, start, count, format_id, first, task_id',
      key: { account_id: 'uuid', pool_id: 'uuid', start: 'numeric' },
      pageSize: 10_000,
    },
    checks: {
      'batch-line': lineCheck('batch', 'start', {
        gap: 'of its line are in no batch',
        overlap: 'of its line are in two batches',
      }),
      'batch-reference': `
        SELECT page.account_id, concat_ws('; ',
          CASE WHEN pool.exists IS NULL
            THEN format('pool %s does not exist, and has a batch at %s', page.pool_id, start) END,
          CASE WHEN page.format_id IS NOT NULL AND format.exists IS NULL
            THEN format('the batch at %s of pool %s is of format %s, which does not exist', start, page.pool_id,
              page.format_id) END,
          CASE
            WHEN task.kind IS NULL
              THEN format('the batch at %s of pool %s is of task %s, which does not exist', start, page.pool_id,
                page.task_id)
            WHEN page.format_id IS NULL AND page.first <> 0
              THEN format('the batch at %s of pool %s begins with row %s of upload %s', start, page.pool_id, page.first,
                page.task_id)
            WHEN task.pool_id <> page.pool_id OR task.format_id IS DISTINCT FROM page.format_id
              OR (task.kind = 'UPLOAD') <> (page.format_id IS NULL)
              THEN format('the batch at %s of pool %s is of task %s, which is for pool %s and format %s', start,
                page.pool_id, page.task_id, task.pool_id, coalesce(task.format_id::text, 'none'))
          END)
        FROM page
        ${join('pool')}
        ${join('format')}
        ${join('task', 'kind, pool_id, format_id')}`,
    },
  },
  {
    walk: {
      table: 'claim',
      columns: 'account_id, pool_id, first, count',
      key: { account_id: 'uuid', pool_id: 'uuid', first: 'numeric' },
      pageSize: 10_000,
    },
    checks: {
      'claim-line': lineCheck('claim', 'first', {
        gap: 'are in no claim, but later ones are',
        overlap: 'are in two claims',
      }),
      'claim-reference': `
        SELECT account_id, format('pool %s does not exist, and has claims from %s on', pool_id, first)
        FROM (SELECT account_id, pool_id, min(first) AS first FROM page GROUP BY account_id, pool_id) AS line
        ${join('pool', 'true AS exists', 'line')}
        WHERE pool.exists IS NULL`,
    },
  },
]

/** Checks that the rows of a pool, each of `count` positions, follow each other from 0 on. */
function lineCheck(table: string, start: string, says: { gap: string; overlap: string }): string {
  return `
    SELECT account_id, CASE
      WHEN count < 1 THEN format('pool %s: the ${table} at %s is of %s codes', pool_id, ${start}, count)
      WHEN ${start} > reached
        THEN format('pool %s: positions %s to %s ${says.gap}', pool_id, reached, ${start} - 1)
      WHEN ${start} < reached
        THEN format('pool %s: positions %s to %s ${says.overlap}', pool_id, ${start},
          least(reached, ${start} + count) - 1)
    END
    FROM (
      SELECT page.*, coalesce(
        max(${start} + count) OVER (
          PARTITION BY account_id, pool_id ORDER BY ${start} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ),
        -- The first of its pool on this page: the one before it is on an earlier page, or does not exist.
        (SELECT before.${start} + before.count FROM ${table} AS before
          WHERE before.account_id = page.account_id AND before.pool_id = page.pool_id AND before.${start} < page.${start}
          ORDER BY before.${start} DESC LIMIT 1),
        0
      ) AS reached
      FROM page
    ) AS line`
}
