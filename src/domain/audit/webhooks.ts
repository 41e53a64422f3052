import { maxDeliveries } from '../webhook/webhook.ts'
import { join, type TableChecks } from './finding.ts'

/** Joins the webhook that a row of the page belongs to: `exists` is null if there is none. */
const itsWebhook = `
  LEFT JOIN LATERAL (
    SELECT true AS exists FROM webhook WHERE account_id = $1 AND id = page.webhook_id LIMIT 1
  ) AS webhook ON true`

export const webhookChecks: readonly TableChecks[] = [
  {
    walk: {
      table: 'webhook',
      columns: `account_id, id, pool_id, log, sequence, attempts, failing_since, next_attempt_at, leased_by, leased_until,
        disabled_at, disabled_reason`,
      key: { account_id: 'uuid', id: 'uuid' },
      pageSize: 1_000,
    },
    checks: {
      'webhook-reference': `
        SELECT page.account_id, CASE
          WHEN account.exists IS NULL THEN format('webhook %s is of an account that does not exist', page.id)
          WHEN pool_id IS NOT NULL AND pool.exists IS NULL
            THEN format('webhook %s is for pool %s, which does not exist', page.id, pool_id)
        END
        FROM page
        ${join('account')}
        ${join('pool')}`,
      'webhook-state': `
        SELECT page.account_id, CASE
          WHEN page.sequence < 0 OR page.log = event_log.log AND page.sequence > last
            THEN format('webhook %s is at event %s, and the event log ends at %s', page.id, page.sequence, last)
          WHEN (disabled_at IS NULL) <> (disabled_reason IS NULL)
            THEN format('webhook %s is disabled at %s for the reason %s', page.id, disabled_at, disabled_reason)
          WHEN disabled_at IS NOT NULL AND num_nonnulls(next_attempt_at, leased_by, leased_until) > 0
            THEN format('webhook %s is disabled, and waits for an attempt or is being delivered to', page.id)
          WHEN (leased_by IS NULL) <> (leased_until IS NULL)
            THEN format('webhook %s is leased by %s until %s', page.id, leased_by, leased_until)
          WHEN attempts < 0 OR (attempts > 0) <> (failing_since IS NOT NULL)
              OR attempts = 0 AND next_attempt_at IS NOT NULL
            THEN format('webhook %s has failed %s times since %s, and is tried again at %s', page.id, attempts,
              failing_since, next_attempt_at)
        END
        FROM page JOIN event_log ON event_log.account_id = $1`,
      'webhook-secrets': `
        SELECT page.account_id, CASE
          WHEN present <> 1 THEN format('webhook %s has %s secrets without an end, not 1', page.id, present)
          WHEN newest < latest_ended
            THEN format('secret %s of webhook %s has no end, and secret %s is newer', newest, page.id, latest_ended)
        END
        FROM page CROSS JOIN LATERAL (
          SELECT count(*) FILTER (WHERE until IS NULL) AS present, max(number) FILTER (WHERE until IS NULL) AS newest,
            max(number) FILTER (WHERE until IS NOT NULL) AS latest_ended
          FROM webhook_secret WHERE account_id = $1 AND webhook_id = page.id
        ) AS secrets`,
      'webhook-deliveries': `
        SELECT page.account_id, CASE
          WHEN count > ${maxDeliveries} THEN format('webhook %s has %s deliveries', page.id, count)
        END
        FROM page CROSS JOIN LATERAL (
          SELECT count(*) AS count FROM webhook_delivery WHERE account_id = $1 AND webhook_id = page.id
        ) AS kept`,
    },
  },
  {
    walk: {
      table: 'webhook_secret',
      columns: 'account_id, id, webhook_id, secret, wrapped_by',
      key: { account_id: 'uuid', id: 'uuid' },
      pageSize: 1_000,
    },
    checks: {
      'webhook-reference': `
        SELECT page.account_id, CASE
          WHEN webhook.exists IS NULL THEN format('secret %s is of webhook %s, which does not exist', id, webhook_id)
        END
        FROM page ${itsWebhook}`,
      'webhook-secrets': `
        SELECT account_id, CASE
          WHEN wrapped_by IS NULL AND octet_length(secret) NOT BETWEEN 24 AND 64
            THEN format('secret %s of webhook %s has %s bytes, not 24 to 64', id, webhook_id, octet_length(secret))
        END
        FROM page`,
    },
  },
  {
    walk: {
      table: 'webhook_delivery',
      columns: 'account_id, webhook_id, id, attempt, duration_ms, status, error',
      key: { account_id: 'uuid', webhook_id: 'uuid', id: 'uuid' },
      pageSize: 5_000,
    },
    checks: {
      'webhook-reference': `
        SELECT page.account_id, CASE
          WHEN webhook.exists IS NULL THEN format('delivery %s is of webhook %s, which does not exist', id, webhook_id)
        END
        FROM page ${itsWebhook}`,
      'webhook-deliveries': `
        SELECT account_id, CASE
          WHEN attempt < 1 OR duration_ms < 0 OR (error IS NULL) <> coalesce(status BETWEEN 200 AND 299, false)
            THEN format('delivery %s of webhook %s: attempt %s took %s ms, with status %s and error %s', id, webhook_id,
              attempt, duration_ms, status, error)
        END
        FROM page`,
    },
  },
]
