import { join, type TableChecks } from './finding.ts'

export const eventChecks: readonly TableChecks[] = [
  {
    walk: {
      table: 'event_log',
      columns: 'account_id, last, floor',
      key: { account_id: 'uuid' },
      pageSize: 5_000,
    },
    checks: {
      'account-log': `
        SELECT page.account_id, 'it does not exist, and has an event log'
        FROM page ${join('account')}
        WHERE account.exists IS NULL`,
      'event-line': `
        SELECT account_id, CASE
          WHEN NOT floor BETWEEN 0 AND last
            THEN format('its event log keeps the events after %s, and ends at %s', floor, last)
          WHEN reached < last THEN format('its event log ends at %s, and events %s to %s are missing', last,
            reached + 1, last)
        END
        FROM page CROSS JOIN LATERAL (SELECT coalesce((SELECT sequence FROM event
          WHERE account_id = $1 AND sequence > floor AND sequence <= last
          ORDER BY sequence DESC LIMIT 1), floor) AS reached
        ) AS line`,
    },
  },
  {
    walk: {
      table: 'event',
      columns: 'account_id, sequence, pool_id, kind',
      key: { account_id: 'uuid', sequence: 'bigint' },
      pageSize: 10_000,
    },
    checks: {
      'event-line': `
        SELECT line.account_id, CASE
          WHEN NOT (sequence > floor AND sequence <= last)
            THEN format('event %s is outside of its event log, which keeps those after %s and ends at %s', sequence,
              floor, last)
          WHEN sequence > greatest(before, floor) + 1
            THEN format('events %s to %s are missing', greatest(before, floor) + 1, sequence - 1)
        END
        FROM (
          SELECT page.*, coalesce(
            lag(sequence) OVER (PARTITION BY account_id ORDER BY sequence),
            -- The first of its account on this page: the one before it is on an earlier page, or does not exist.
            (SELECT before.sequence FROM event AS before
              WHERE before.account_id = $1 AND before.sequence < page.sequence
              ORDER BY before.sequence DESC LIMIT 1)
          ) AS before
          FROM page
        ) AS line
        JOIN event_log AS log ON log.account_id = $1`,
      'event-reference': `
        SELECT page.account_id, CASE
          WHEN account.exists IS NULL THEN format('event %s is of an account that does not exist', sequence)
          WHEN (pool_id IS NULL) <> (kind = 'WEBHOOK_DISABLED')
            THEN format('event %s of the kind %s is of pool %s', sequence, kind, coalesce(pool_id::text, 'none'))
          WHEN pool_id IS NOT NULL AND pool.exists IS NULL
            THEN format('event %s is of pool %s, which does not exist', sequence, pool_id)
        END
        FROM page
        ${join('account')}
        ${join('pool')}`,
    },
  },
]
