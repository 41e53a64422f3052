import { join, type TableChecks } from './finding.ts'

export const taskChecks: readonly TableChecks[] = [
  {
    walk: {
      table: 'task',
      columns:
        'account_id, id, kind, trigger, pool_id, format_id, status, quantity, generated, added, failure_code, failure_message, started_at, finished_at, "column", header, layout, beginning, dry_run, case_sensitive, waits_for_clearing, rows_read, accepted, bytes, bytes_read, has_work, rejected_forgotten',
      key: { account_id: 'uuid', id: 'uuid' },
      pageSize: 10_000,
    },
    checks: {
      'task-codes': `
        SELECT page.account_id, concat_ws('; ',
          CASE WHEN added <> laid
            THEN format('task %s, %s, counts %s codes added, and its batches have %s', id, status, added, laid) END,
          CASE WHEN laid <> 0 AND status <> 'COMPLETED'
            THEN format('task %s is %s, and has a batch', id, status) END,
          CASE WHEN kind = 'UPLOAD' AND generated <> 0
            THEN format('task %s is an upload, and counts %s codes generated', id, generated) END,
          CASE WHEN kind = 'UPLOAD' AND added <> CASE WHEN status = 'COMPLETED' AND NOT dry_run THEN accepted ELSE 0 END
            THEN format('task %s, %s, has accepted %s codes, and counts %s added', id, status, accepted, added) END,
          CASE WHEN kind = 'GENERATION' AND generated <> added
            THEN format('task %s, %s, counts %s codes generated and %s added', id, status, generated, added) END,
          CASE WHEN kind = 'GENERATION' AND status = 'COMPLETED' AND added IS DISTINCT FROM quantity
            THEN format('task %s was to add %s codes, and counts %s', id, quantity, added) END)
        FROM page CROSS JOIN LATERAL (
          SELECT coalesce(sum(count), 0) AS laid FROM batch
          WHERE account_id = $1 AND task_id = page.id
        ) AS batches`,
      'task-state': `
        SELECT account_id, CASE
          WHEN kind = 'GENERATION' AND (format_id IS NULL OR coalesce(quantity, 0) < 1)
            THEN format('task %s does not say what to generate', id)
          WHEN kind = 'GENERATION' AND (status = 'UNDONE' OR failure_code <> 'INTERNAL'
              OR dry_run OR case_sensitive OR waits_for_clearing OR has_work OR rejected_forgotten
              OR num_nonnulls("column", header, layout, beginning) > 0 OR greatest(rows_read, accepted, bytes, bytes_read) > 0)
            OR kind = 'UPLOAD' AND (trigger <> 'MANUAL' OR format_id IS NOT NULL OR quantity IS NOT NULL
              OR status = 'UNDONE' AND dry_run OR rejected_forgotten AND beginning IS NOT NULL
              OR status <> 'RUNNING' AND waits_for_clearing)
            THEN format('task %s, a %s that is %s, has values that do not fit together', id, kind, status)
          WHEN (failure_code IS NOT NULL OR failure_message IS NOT NULL) <> (status = 'FAILED')
            THEN format('task %s is %s, and says of a failure: %s %s', id, status, coalesce(failure_code::text, 'nothing'),
              failure_message)
          WHEN (started_at IS NULL AND status IN ('RUNNING', 'COMPLETED', 'UNDONE'))
            OR (started_at IS NOT NULL AND status = 'AWAITING_EXECUTION')
            OR (finished_at IS NULL) <> (status IN ('AWAITING_EXECUTION', 'RUNNING'))
            THEN format('task %s is %s, started: %s, finished: %s', id, status, coalesce(started_at::text, 'never'),
              coalesce(finished_at::text, 'never'))
        END
        FROM page`,
      'task-reference': `
        SELECT page.account_id, concat_ws('; ',
          CASE WHEN pool.exists IS NULL THEN format('task %s is for pool %s, which does not exist', id, pool_id) END,
          CASE WHEN format_id IS NOT NULL AND format.exists IS NULL
            THEN format('task %s is for format %s, which does not exist', id, format_id) END)
        FROM page
        ${join('pool')}
        ${join('format')}`,
    },
  },
  {
    // No index leads from a task to its events, but from a pool to both: their union is grouped by sorting, which spills to
    // disk when there are many.
    walk: {
      table: 'pool',
      columns: 'account_id, id',
      key: { account_id: 'uuid', id: 'uuid' },
      pageSize: 100,
    },
    again: true,
    checks: {
      'task-events': `
        SELECT page.account_id, CASE
          WHEN status IS NULL THEN format('pool %s: an event names task %s, which the pool does not have', page.id,
            coalesce(task_id, 'none'))
          WHEN event_status IS NULL
            THEN format('task %s of pool %s is %s, and has no event that says so', task_id, page.id, status)
          WHEN event_status <> status
            THEN format('task %s of pool %s is %s, and its last event says %s', task_id, page.id, status, event_status)
          ELSE format('task %s of pool %s has added %s codes, and refilled it %s times with %s', task_id, page.id,
            added, refills, coalesce(refilled::text, 'none'))
        END
        FROM page
        JOIN event_log AS log ON log.account_id = $1
        -- The oldest events are removed first, so that an event that is younger than the oldest one left must exist.
        LEFT JOIN LATERAL (
          SELECT at FROM event WHERE account_id = $1 AND sequence > log.floor ORDER BY sequence LIMIT 1
        ) AS oldest ON true
        CROSS JOIN LATERAL (
          SELECT task_id, max(kind) AS kind, max(status) AS status, max(added) AS added, max(changed_at) AS changed_at,
            (array_agg(event_status ORDER BY sequence DESC) FILTER (WHERE event_status IS NOT NULL))[1] AS event_status,
            count(refilled) AS refills, sum(refilled) AS refilled
          FROM (
            SELECT id::text AS task_id, kind::text, status::text, added,
              coalesce(finished_at, started_at, created_at) AS changed_at,
              NULL::bigint AS sequence, NULL AS event_status, NULL::numeric AS refilled
            FROM task WHERE account_id = $1 AND pool_id = page.id
            UNION ALL
            SELECT payload->>'taskId', NULL, NULL, NULL, NULL, sequence,
              CASE kind WHEN 'TASK_STATUS_CHANGED' THEN payload->>'status' END,
              CASE kind WHEN 'POOL_REFILLED' THEN (payload->>'added')::numeric END
            FROM event WHERE account_id = $1 AND pool_id = page.id AND sequence > log.floor
              AND kind IN ('TASK_STATUS_CHANGED', 'POOL_REFILLED')
          ) AS combined
          GROUP BY task_id
        ) AS task
        WHERE status IS NULL
          OR event_status IS NULL AND (log.floor = 0 OR changed_at > oldest.at)
          OR event_status <> status
          OR event_status = 'COMPLETED' AND (refills <> least(added, 1) OR coalesce(refilled, 0) <> added)`,
    },
  },
]
