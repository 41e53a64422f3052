import { join, type TableChecks } from './finding.ts'

/**
 * In SQL, how many indices of a format from `from` to before `to` were given up, and are not of uploaded codes. It is
 * computed only for a gap that is not of uploaded codes alone.
 */
function givenUp(formatId: string, from: string, to: string): string {
  return `(
    SELECT coalesce(sum(count - (SELECT count(*) FROM taken WHERE taken.account_id = $1
      AND taken.format_id = given_up.format_id AND index >= given_up.first AND index < given_up.first + given_up.count)), 0)
    FROM given_up WHERE given_up.account_id = $1 AND given_up.format_id = ${formatId}
      AND given_up.first >= ${from} AND given_up.first < ${to})`
}

export const formatChecks: readonly TableChecks[] = [
  {
    walk: {
      table: 'format',
      columns: 'account_id, id, capacity, next, reserved, taken_ahead, taken_to, generated',
      key: { account_id: 'uuid', id: 'uuid' },
      pageSize: 1_000,
    },
    checks: {
      'format-counters': `
        SELECT account_id, concat_ws('; ',
          CASE WHEN generated <> in_batches
            THEN format('format %s counts %s codes generated, and its batches have %s', id, generated, in_batches)
          END,
          CASE WHEN reserved <> promised
            THEN format('format %s reserves %s codes, and its unfinished tasks wait for %s', id, reserved, promised)
          END,
          -- While indices of earlier codes are still being taken, this depends on codes: see taken.ts.
          CASE WHEN taken_ahead <> ahead AND taken_to IS NULL
            THEN format('format %s counts %s uploaded codes ahead of it, and there are %s', id, taken_ahead, ahead)
          END,
          CASE WHEN least(next, reserved, taken_ahead, generated) < 0 OR next + reserved + taken_ahead > capacity
            THEN format('format %s has %s codes, and has given %s, reserved %s, and left %s to uploaded codes', id,
              capacity, next, reserved, taken_ahead)
          END)
        FROM (SELECT page.*, in_batches, ahead, coalesce(promised, 0) AS promised FROM page
          CROSS JOIN LATERAL (
            SELECT coalesce(sum(count), 0) AS in_batches FROM batch
            WHERE account_id = $1 AND format_id = page.id
          ) AS line
          CROSS JOIN LATERAL (
            SELECT count(*) AS ahead FROM taken
            WHERE account_id = $1 AND format_id = page.id AND index >= page.next
          ) AS taken
          -- No index leads from a format to its tasks. The unfinished ones are few, and read once per page.
          LEFT JOIN (
            SELECT format_id, sum(quantity) AS promised
            FROM task WHERE account_id = $1 AND kind = 'GENERATION' AND status IN ('AWAITING_EXECUTION', 'RUNNING')
            GROUP BY format_id
          ) AS waiting ON waiting.format_id = page.id
        ) AS format`,
      'format-reference': `
        SELECT account_id, format('format %s is of an account that does not exist', page.id)
        FROM page ${join('account')}
        WHERE account.exists IS NULL`,
      'format-line': `
        SELECT account_id, CASE
          WHEN laid > next THEN format('format %s: its next index is %s, and its batches end at %s', id, next, laid)
          WHEN laid + passed < next AND laid + passed + ${givenUp('page.id', 'laid', 'next')} <> next
            THEN format('format %s: indices %s to %s are passed, and not all of them are of uploaded codes, or were given up',
              id, laid, next - 1)
        END
        FROM page CROSS JOIN LATERAL (SELECT coalesce((SELECT first + count + holes FROM batch
          WHERE account_id = $1 AND format_id = page.id ORDER BY first DESC LIMIT 1), 0) AS laid
        ) AS line
        CROSS JOIN LATERAL (SELECT count(*) AS passed FROM taken
          WHERE account_id = $1 AND format_id = page.id AND index >= laid AND index < next
        ) AS taken`,
    },
  },
  {
    walk: {
      table: 'batch',
      columns: 'account_id, format_id, first, count, holes, pool_id, start',
      key: { account_id: 'uuid', format_id: 'uuid', first: 'numeric' },
      where: 'format_id IS NOT NULL',
      pageSize: 10_000,
    },
    again: true,
    checks: {
      'format-line': `
        SELECT account_id, concat_ws('; ',
          CASE WHEN first < reached
            THEN format('format %s: indices %s to %s were generated twice, the second time at %s of pool %s',
              format_id, first, least(reached, first + count + holes) - 1, start, pool_id)
          END,
          CASE WHEN first > reached AND reached + passed < first
              AND reached + passed + ${givenUp('line.format_id', 'reached', 'line.first')} <> first
            THEN format('format %s: indices %s to %s are passed, and not all of them are of uploaded codes, or were given up',
              format_id, reached, first - 1)
          END,
          CASE
            WHEN inside > holes
              THEN format('format %s: %s codes that were uploaded were also generated, at %s of pool %s', format_id,
                inside - holes, start, pool_id)
            WHEN inside < holes
              THEN format('format %s: %s indices are left out at %s of pool %s, and %s of them are of uploaded codes',
                format_id, holes, start, pool_id, inside)
          END)
        FROM (
          SELECT page.*, coalesce(
            max(first + count + holes) OVER (
              PARTITION BY account_id, format_id ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            -- The first of its format on this page: the one before it is on an earlier page, or does not exist.
            (SELECT before.first + before.count + before.holes FROM batch AS before
              WHERE before.account_id = $1 AND before.format_id = page.format_id
                AND before.first < page.first
              ORDER BY before.first DESC LIMIT 1),
            0
          ) AS reached
          FROM page
        ) AS line
        CROSS JOIN LATERAL (SELECT
          count(*) FILTER (WHERE index < line.first) AS passed,
          count(*) FILTER (WHERE index >= line.first) AS inside
          FROM taken WHERE account_id = $1 AND format_id = line.format_id
            AND index >= least(reached, line.first) AND index < line.first + line.count + line.holes
        ) AS taken`,
    },
  },
  {
    walk: {
      table: 'taken',
      columns: 'account_id, format_id, index',
      key: { account_id: 'uuid', format_id: 'uuid', index: 'numeric' },
      pageSize: 10_000,
    },
    checks: {
      'taken-reference': `
        SELECT account_id, CASE
          WHEN capacity IS NULL THEN format('format %s does not exist, and has indices taken', format_id)
          WHEN min_index < 0 OR max_index >= capacity
            THEN format('format %s has %s codes, and indices from %s to %s taken', format_id, capacity, min_index,
              max_index)
        END
        FROM (SELECT account_id, format_id, min(index) AS min_index, max(index) AS max_index FROM page
          GROUP BY account_id, format_id) AS line
        ${join('format', 'capacity', 'line')}`,
    },
  },
]
