import { join, type TableChecks } from './finding.ts'
import { before } from './line.ts'

const ofPool = 'account_id = $1 AND pool_id = page.id'

/** SQL: joins the usage of the pool that a row of the page names. */
const usage = `
  LEFT JOIN LATERAL (
    SELECT version FROM pool_usage WHERE account_id = $1 AND pool_id = page.pool_id LIMIT 1
  ) AS usage ON true`

export const usageChecks: readonly TableChecks[] = [
  {
    walk: {
      table: 'pool_usage',
      columns: 'account_id, pool_id',
      key: { account_id: 'uuid', pool_id: 'uuid' },
      pageSize: 5_000,
    },
    checks: {
      'pool-usage': `
        SELECT page.account_id, format('pool %s does not exist, and has a row of usage', pool_id)
        FROM page ${join('pool')}
        WHERE pool.exists IS NULL`,
    },
  },
  {
    // Few per page: a pool may have millions of redemptions.
    walk: {
      table: 'pool',
      columns: 'account_id, id',
      key: { account_id: 'uuid', id: 'uuid' },
      pageSize: 20,
    },
    again: true,
    checks: {
      'pool-usage': `
        SELECT page.account_id, concat_ws('; ',
          CASE WHEN redeemed <> in_force
            THEN format('pool %s counts %s codes redeemed, and has %s redemptions', id, redeemed, in_force) END,
          CASE WHEN voided <> void
            THEN format('pool %s counts %s codes void, and its voids are of %s', id, voided, void) END)
        FROM page
        CROSS JOIN LATERAL (SELECT redeemed, voided FROM pool_usage WHERE ${ofPool} LIMIT 1) AS usage
        CROSS JOIN LATERAL (
          SELECT count(*) AS in_force FROM redemption WHERE ${ofPool} AND rolled_back_version IS NULL
        ) AS redemptions
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(count), 0) AS void FROM code_void WHERE ${ofPool} AND unvoided_version IS NULL
        ) AS voids`,
      'redemption-counts': `
        SELECT page.account_id, format('pool %s counts %s redemptions in the quarter of an hour from %s on, and there are %s',
          id, counted, quarter, made)
        FROM page CROSS JOIN LATERAL (
          SELECT quarter, sum(counted) AS counted, sum(made) AS made FROM (
            SELECT quarter, count AS counted, 0 AS made FROM redemption_count WHERE ${ofPool}
            UNION ALL
            SELECT date_bin('15 minutes', at, 'epoch'), 0, count(*) FROM redemption
            WHERE ${ofPool} AND rolled_back_version IS NULL GROUP BY 1
          ) AS combined
          GROUP BY quarter
        ) AS quarters
        WHERE counted <> made`,
    },
  },
  {
    walk: {
      table: 'redemption_count',
      columns: 'account_id, pool_id, quarter',
      key: { account_id: 'uuid', pool_id: 'uuid', quarter: 'timestamptz' },
      pageSize: 10_000,
    },
    checks: {
      'redemption-counts': `
        SELECT page.account_id, format('pool %s does not exist, and has its redemptions counted', pool_id)
        FROM page ${join('pool')}
        WHERE pool.exists IS NULL GROUP BY page.account_id, pool_id`,
    },
  },
  {
    walk: {
      table: 'redemption',
      columns: 'account_id, id, pool_id, position, at, rolled_back_at, version, rolled_back_version',
      key: { account_id: 'uuid', id: 'uuid' },
      pageSize: 10_000,
    },
    checks: {
      'redemption-reference': `
        SELECT page.account_id, CASE
          WHEN claimed IS NULL THEN format('redemption %s is of pool %s, which does not exist', id, page.pool_id)
          WHEN NOT (position >= 0 AND position < claimed)
            THEN format('redemption %s is of position %s of pool %s, which has %s codes claimed', id, position, page.pool_id,
              claimed)
        END
        FROM page ${join('pool', 'claimed')}`,
      'usage-versions': `
        SELECT page.account_id, CASE
          WHEN (rolled_back_at IS NULL) <> (rolled_back_version IS NULL)
            THEN format('redemption %s was rolled back at %s, at version %s', id, coalesce(rolled_back_at::text, 'no time'),
              coalesce(rolled_back_version::text, 'none'))
          ELSE ${versions('redemption %s of pool %s', 'id, page.pool_id', 'rolled_back_version')}
        END
        FROM page ${usage}`,
      'redeemed-and-void': `
        SELECT page.account_id, format('the code at %s of pool %s is redeemed and void', position, pool_id)
        FROM page CROSS JOIN LATERAL (
          SELECT first + count AS void_to FROM code_void
          WHERE account_id = $1 AND pool_id = page.pool_id AND unvoided_version IS NULL
            AND first <= page.position
          ORDER BY first DESC LIMIT 1
        ) AS nearest
        WHERE rolled_back_version IS NULL AND position < void_to`,
    },
  },
  {
    walk: {
      table: 'code_void',
      columns: 'account_id, pool_id, first, count, version, unvoided_version',
      key: { account_id: 'uuid', pool_id: 'uuid', first: 'numeric', version: 'bigint' },
      pageSize: 10_000,
    },
    checks: {
      'void-line': `
        SELECT page.account_id, CASE
          WHEN claimed IS NULL THEN format('pool %s does not exist, and has voids', page.pool_id)
          WHEN count < 1 OR first < 0 OR first + count > claimed
            THEN format('the void at %s of pool %s is of %s codes, and %s are claimed', first, page.pool_id, count, claimed)
        END
        FROM page ${join('pool', 'claimed')}`,
      'usage-versions': `
        SELECT page.account_id, ${versions('the void at %s of pool %s', 'first, page.pool_id', 'unvoided_version')}
        FROM page ${usage}`,
    },
  },
  {
    walk: {
      table: 'code_void',
      columns: 'account_id, pool_id, first, count',
      key: { account_id: 'uuid', pool_id: 'uuid', first: 'numeric' },
      where: 'unvoided_version IS NULL',
      pageSize: 10_000,
    },
    again: true,
    checks: {
      'void-line': `
        SELECT account_id, format('pool %s: positions %s to %s are void twice', pool_id, first,
          least(void_to, first + count) - 1)
        FROM (SELECT page.*, ${before(
          {
            table: 'code_void',
            of: ['account_id', 'pool_id'],
            by: 'first',
            where: 'before.unvoided_version IS NULL',
          },
          'first + count',
        )} AS void_to FROM page) AS line
        WHERE first < void_to`,
    },
  },
]

/** SQL: what is wrong with the versions of the pool's usage at which a row became true and ended. */
function versions(row: string, ids: string, ended: string): string {
  return `CASE
    WHEN ${ended} <= page.version
      THEN format('${row} is of version %s, and ended at %s', ${ids}, page.version, ${ended})
    WHEN page.version < 1 OR greatest(page.version, ${ended}) > coalesce(usage.version, 0)
      THEN format('${row} is of version %s, and ended at %s; the usage of the pool is at %s', ${ids}, page.version,
        coalesce(${ended}::text, 'none'), coalesce(usage.version::text, 'none'))
  END`
}
