import type { Walk } from './walk.ts'

/** The kinds of findings, each with the rule that is broken. */
export const findingKinds = {
  'account-log': 'every account has an event log, and every event log an account',
  'account-catalog': 'every account has a catalog, which is the lock of its formats and names',
  'api-key': 'an API key has an account, and its hash has the 32 bytes of a SHA-256',
  'format-reference': 'a format has an account',
  'format-codes': 'a format still yields the codes it was created with',
  'format-counters': 'the counters of a format agree with its batches, its tasks and the uploaded codes',
  'format-line':
    'each index of a format that was passed belongs to one batch or one uploaded code, or was given up',
  'taken-reference': 'a taken index is one of its format',
  'pool-counters': 'the counters of a pool agree with its batches and claims',
  'pool-settings': 'the Promo Codes section of a pool says all that automatic refills need',
  'pool-terms': 'the terms of a pool can be fulfilled',
  'pool-usage': 'a pool has a row of usage, which counts its redeemed and its void codes',
  'pool-reference': 'a pool has an account and, if it names one, a format',
  'stock-line':
    "the changes of a pool's stock are numbered without a gap, and lead to the codes that the pool has",
  'line-times':
    "the times of a pool's claims and of its changes of stock do not decrease, and the pool's last change is not before them",
  'batch-line':
    'the batches of a pool, and those that were withdrawn, follow each other without a gap or an overlap',
  'batch-reference':
    'a batch has its pool, its format, and the task that added it; one that may have been handed out before a restore is withdrawn',
  'claim-line': 'the claims of a pool follow each other without a gap or an overlap',
  'claim-reference': 'a claim has its pool',
  'redemption-reference': 'a redemption is of a claimed code of its pool',
  'redemption-counts':
    'the redemptions of a pool are counted in the quarters of an hour in which they were made',
  'void-line': 'the void codes of a pool are claimed ones, and void once',
  'redeemed-and-void': 'no code is both redeemed and void',
  'usage-versions':
    "a redemption or a void began at a version of its pool's usage, and ended at a later one or not at all",
  'taken-codes':
    'the index of an uploaded code is taken in its format, and a taken index belongs to an uploaded code',
  'upload-line': 'each code of an upload is in one batch',
  'upload-rows':
    'an upload has all codes that it has accepted, in consecutive rows, or none if they were removed',
  'upload-keys': 'an uploaded code is stored with the keys by which it is looked up',
  'upload-counters': 'the counters of an upload agree with the rows of its file',
  'upload-remains':
    'nothing is left behind by an upload without work left, or by a file that never became an upload',
  'upload-reference': 'rows that came from a file belong to an upload',
  'task-codes': 'a task counts the codes that it added',
  queue: 'an account that has work for a worker is in the queue',
  'task-state': 'the times, counts and failure of a task agree with its status',
  'task-reference': 'a task has its pool and its format',
  'task-events': 'the events of a task agree with its status',
  'idempotency-key': 'an idempotency key refers to the claim or the task it was used for',
  'event-line':
    'the events of an account are numbered without a gap, from the oldest that is kept to the last',
  'event-reference': 'an event has its account and, unless it is about a webhook, its pool',
  'webhook-reference': 'a webhook has its account and its pool, and its secrets and deliveries have it',
  'webhook-state': 'a webhook is at a place of its event log, and its state is one of those that it can have',
  'webhook-secrets': 'a webhook has one secret without an end, the newest',
  'webhook-deliveries': 'the last deliveries of a webhook are kept, each with what came of it',
} as const

export type FindingKind = keyof typeof findingKinds

/** An account whose books are checked. */
export interface AuditedAccount {
  accountId: string
  /** Null when there is no such account, but rows that name it. */
  accountName: string | null
}

/** An inconsistency in the books. */
export interface Finding extends AuditedAccount {
  kind: FindingKind
  /** Where and what is wrong, with ids and figures. */
  what: string
}

/**
 * The checks of a table. A check selects from `page` the id of the account and what is wrong: NULL or '' if nothing is. All rows
 * of a page are of the account $1, and so is every row that is compared with it: a distributed database then finds all on one
 * node.
 *
 * It looks up rows of other tables one by one, with `join` or in the SELECT list: LATERAL (… LIMIT 1) uses an index
 * whatever size the planner assumes.
 */
export interface TableChecks {
  walk: Walk
  checks: Partial<Record<FindingKind, string>>
  /** Rows of a table that is checked above in another order, and counted there. */
  again?: true
}

/**
 * In SQL, joins the account, pool, format or task that a row of the page names, or that one of `from` does. Its columns are
 * null where it does not exist.
 */
export function join(
  table: 'account' | 'pool' | 'format' | 'task',
  columns = 'true AS exists',
  from = 'page',
): string {
  const key = table === 'account' ? 'id = $1' : `account_id = $1 AND id = ${from}.${table}_id`
  return `LEFT JOIN LATERAL (SELECT ${columns} FROM ${table} WHERE ${key} LIMIT 1) AS ${table} ON true`
}
