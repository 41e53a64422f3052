import type { Walk } from './walk.ts'

/** What kinds of disagreement there are, and what each of them says. */
export const findingKinds = {
  'account-log': 'every account has an event log, and every event log an account',
  'api-key': 'an API key leads to its account, and its hash has the 32 bytes of a SHA-256',
  'format-reference': 'a format leads to its account',
  'format-codes': 'a format still yields the codes it was created with',
  'format-counters': 'the counters of a format are what its batches, tasks and uploaded codes say',
  'format-line': 'each index of a format that was passed is of one batch or one uploaded code',
  'taken-reference': 'an index that an uploaded code has taken is one of its format',
  'pool-counters': 'the counters of a pool are what its batches and claims say',
  'pool-settings': 'the Promo Codes section of a pool says all that automatic refills need',
  'pool-reference': 'a pool leads to an account and a format',
  'batch-line': 'the batches of a pool lie one behind the other without a gap',
  'batch-reference': 'a batch leads to its pool, its format, and the task that added it',
  'claim-line': 'the claims of a pool lie one behind the other without a gap',
  'claim-reference': 'a claim leads to its pool',
  'taken-codes':
    'an uploaded code is taken out of its format, and what is taken out ahead is of an uploaded code',
  'upload-rows':
    'an upload has the codes that it has accepted, one after the other, or has none of them any more',
  'upload-keys': 'an uploaded code is kept under what it is looked up by',
  'upload-counters': 'the counters of an upload are what became of the rows of its file',
  'upload-remains': 'of an upload that has nothing left to be done, nothing is left behind',
  'upload-reference': 'what a file has brought leads to its upload',
  'task-codes': 'a task counts the codes that it added',
  'task-state': 'the times, counts and failure of a task agree with its status',
  'task-reference': 'a task leads to its pool and its format',
  'task-events': 'the events of a task tell how it stands',
  'idempotency-key': 'an idempotency key leads to the claim or the task it was used for',
  'event-line': 'the events of an account are numbered without a gap, from what is kept to the last',
  'event-reference': 'an event leads to its account and its pool',
} as const

export type FindingKind = keyof typeof findingKinds

/** Something in the books that does not agree with the rest of them. */
export interface Finding {
  kind: FindingKind
  accountId: string
  /** Nothing when there is no such account. */
  accountName: string | null
  /** Where it is and what is wrong, with ids and figures. */
  what: string
}

/**
 * What is looked for in a table. A check selects from `page`: an account's id, and what is wrong;
 * NULL or an empty text where nothing is.
 *
 * Other tables are looked into row by row, by LATERAL (… LIMIT 1) or in the SELECT list: that leads through an index
 * whatever the planner believes about their size.
 */
export interface TableChecks {
  walk: Walk
  checks: Partial<Record<FindingKind, string>>
  /** The same rows in another order than before. */
  again?: true
}
