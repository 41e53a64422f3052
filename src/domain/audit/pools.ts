import { join, type TableChecks } from './finding.ts'
import { before, last, lineCheck } from './line.ts'

const batchLine = { table: 'batch', of: ['account_id', 'pool_id', 'withdrawn'], by: 'start' }
const uploadLine = { table: 'batch', of: ['account_id', 'task_id'], by: 'first' }
const claimLine = { table: 'claim', of: ['account_id', 'pool_id'], by: 'first' }
const stockLine = { table: 'stock_change', of: ['account_id', 'pool_id'], by: 'number' }

const ofPool = 'account_id = $1 AND pool_id = page.id'

export const poolChecks: readonly TableChecks[] = [
  {
    walk: {
      table: 'pool',
      columns: `account_id, id, method, format_id, quantity, auto_generate, refill_threshold, total, claimed, withdrawn,
        last_change_at, issue_from, issue_until, valid_until, valid_for_ms`,
      key: { account_id: 'uuid', id: 'uuid' },
      pageSize: 5_000,
    },
    checks: {
      // The end of the last batch or claim is the sum of all, as there is no gap, which is checked below.
      'pool-counters': `
        SELECT account_id, concat_ws('; ',
          CASE WHEN total <> laid
            THEN format('pool %s counts %s codes in all, and its batches end at %s', id, total, laid) END,
          CASE WHEN withdrawn <> laid_aside
            THEN format('pool %s counts %s codes withdrawn, and their batches end at %s', id, withdrawn, laid_aside) END,
          CASE WHEN claimed <> handed_out
            THEN format('pool %s counts %s codes claimed, and its claims end at %s', id, claimed, handed_out) END,
          CASE WHEN NOT claimed BETWEEN 0 AND total
            THEN format('pool %s has handed out %s codes of %s', id, claimed, total) END)
        FROM page
        CROSS JOIN LATERAL (SELECT
          coalesce(${last(batchLine, 'start + count', `${ofPool} AND NOT withdrawn`)}, 0) AS laid,
          coalesce(${last(batchLine, 'start + count', `${ofPool} AND withdrawn`)}, 0) AS laid_aside,
          coalesce(${last(claimLine, 'first + count', ofPool)}, 0) AS handed_out
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
      'pool-terms': `
        SELECT account_id, CASE
          WHEN issue_from >= least(issue_until, valid_until)
            THEN format('pool %s hands out codes from %s on, and until %s', id, issue_from, least(issue_until, valid_until))
          WHEN valid_for_ms < 1 THEN format('pool %s has codes that are good for %s ms', id, valid_for_ms)
        END
        FROM page`,
      'stock-line': `
        SELECT account_id, CASE
          WHEN total <> known
            THEN format('pool %s counts %s codes in all, and its last change of stock says %s', id, total, known)
          WHEN total + withdrawn > added
            THEN format('pool %s has %s codes and %s withdrawn ones, and only %s have been added', id, total, withdrawn, added)
        END
        FROM page CROSS JOIN LATERAL (SELECT
          coalesce(${last(stockLine, 'total', ofPool)}, 0) AS known,
          coalesce(${last(stockLine, 'added', ofPool)}, 0) AS added
        ) AS stock`,
      'line-times': `
        SELECT account_id, format('the last change of pool %s was at %s, and it has a claim of %s and a change of stock of %s',
          id, coalesce(last_change_at::text, 'no time'), coalesce(claimed_at::text, 'no time'),
          coalesce(stocked_at::text, 'no time'))
        FROM page CROSS JOIN LATERAL (
          SELECT ${last(claimLine, 'at', ofPool)} AS claimed_at, ${last(stockLine, 'at', ofPool)} AS stocked_at
        ) AS rows
        WHERE greatest(claimed_at, stocked_at) > coalesce(last_change_at, '-infinity')`,
      'pool-usage': `
        SELECT account_id, format('pool %s has no row of usage', id)
        FROM page LEFT JOIN LATERAL (SELECT true AS exists FROM pool_usage WHERE ${ofPool} LIMIT 1) AS usage ON true
        WHERE usage.exists IS NULL`,
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
      columns: `account_id, pool_id, withdrawn, start, count, format_id, first, task_id, barred,
        CASE WHEN withdrawn THEN 'withdrawn batch' ELSE 'batch' END AS name`,
      key: { account_id: 'uuid', pool_id: 'uuid', withdrawn: 'boolean', start: 'numeric' },
      pageSize: 10_000,
    },
    checks: {
      'batch-line': lineCheck(batchLine, {
        whole: `concat('pool ', pool_id, CASE WHEN withdrawn THEN ', withdrawn' END)`,
        gap: 'positions %s to %s are in no batch',
        overlap: 'positions %s to %s are in two batches',
      }),
      'batch-reference': `
        SELECT page.account_id, concat_ws('; ',
          CASE WHEN pool.exists IS NULL
            THEN format('pool %s does not exist, and has a %s at %s', page.pool_id, name, start) END,
          CASE WHEN page.format_id IS NOT NULL AND format.exists IS NULL
            THEN format('the %s at %s of pool %s is of format %s, which does not exist', name, start, page.pool_id,
              page.format_id) END,
          CASE WHEN barred AND NOT page.withdrawn
            THEN format('the batch at %s of pool %s may have been handed out before a restore', start, page.pool_id) END,
          CASE
            WHEN task.kind IS NULL
              THEN format('the %s at %s of pool %s is of task %s, which does not exist', name, start, page.pool_id,
                page.task_id)
            WHEN task.pool_id <> page.pool_id OR task.format_id IS DISTINCT FROM page.format_id
              OR (task.kind = 'UPLOAD') <> (page.format_id IS NULL)
              THEN format('the %s at %s of pool %s is of task %s, which is for pool %s and format %s', name, start,
                page.pool_id, page.task_id, task.pool_id, coalesce(task.format_id::text, 'none'))
          END)
        FROM page
        ${join('pool')}
        ${join('format')}
        ${join('task', 'kind, pool_id, format_id')}`,
    },
  },
  {
    // The batches of an upload, in the order of its codes, whichever lane they lie in. The task says how many codes they have.
    walk: {
      table: 'batch',
      columns: 'account_id, task_id, first, count, format_id',
      key: { account_id: 'uuid', task_id: 'uuid', first: 'numeric' },
      pageSize: 10_000,
    },
    again: true,
    checks: {
      'upload-line': lineCheck(
        uploadLine,
        {
          whole: `concat('upload ', task_id)`,
          gap: 'rows %s to %s are in no batch, but later ones are',
          overlap: 'rows %s to %s are in two batches',
        },
        'format_id IS NULL',
      ),
    },
  },
  {
    walk: {
      table: 'claim',
      columns: 'account_id, pool_id, first, count, at',
      key: { account_id: 'uuid', pool_id: 'uuid', first: 'numeric' },
      pageSize: 10_000,
    },
    checks: {
      'claim-line': lineCheck(claimLine, {
        whole: `concat('pool ', pool_id)`,
        gap: 'positions %s to %s are in no claim, but later ones are',
        overlap: 'positions %s to %s are in two claims',
      }),
      'line-times': `
        SELECT account_id, format('the claim at %s of pool %s is of %s, and the one before it of %s', first, pool_id, at,
          before)
        FROM (SELECT page.*, ${before(claimLine, 'at')} AS before FROM page) AS line
        WHERE at < before`,
      'claim-reference': `
        SELECT account_id, format('pool %s does not exist, and has claims from %s on', pool_id, first)
        FROM (SELECT account_id, pool_id, min(first) AS first FROM page GROUP BY account_id, pool_id) AS line
        ${join('pool', 'true AS exists', 'line')}
        WHERE pool.exists IS NULL`,
    },
  },
  {
    walk: {
      table: 'stock_change',
      columns: 'account_id, pool_id, number, at, total, added',
      key: { account_id: 'uuid', pool_id: 'uuid', number: 'bigint' },
      pageSize: 10_000,
    },
    checks: {
      'stock-line': `
        SELECT line.account_id, CASE
          WHEN pool.exists IS NULL THEN format('pool %s does not exist, and has a change of stock', pool_id)
          WHEN number <> coalesce(number_before, 0) + 1
            THEN format('pool %s: the change of stock %s comes after %s', pool_id, number, coalesce(number_before, 0))
          WHEN total < 0 OR added < total OR added < added_before
            THEN format('pool %s: by the change of stock %s, %s codes have been added and it has %s; before, %s had been added',
              pool_id, number, added, total, coalesce(added_before, 0))
        END
        FROM (
          SELECT page.*, ${before(stockLine, 'number')} AS number_before, ${before(stockLine, 'added')} AS added_before
          FROM page
        ) AS line
        ${join('pool', 'true AS exists', 'line')}`,
      'line-times': `
        SELECT account_id, format('the change of stock %s of pool %s is of %s, and the one before it of %s', number, pool_id,
          at, before)
        FROM (SELECT page.*, ${before(stockLine, 'at')} AS before FROM page) AS line
        WHERE at < before`,
    },
  },
]
