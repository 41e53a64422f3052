import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Books } from '../books/books.ts'
import { RowPoller } from '../subscription/row-poller.ts'
import { type PoolState, readPoolsOfAccounts } from './pool.ts'

/** Follows the counts, the settings, the terms and the names of pools. */
export function followPools(books: Books, log: Logger): RowPoller<PoolState> {
  const { reach } = books
  return new RowPoller({
    what: 'pools',
    read: (pools) => readPoolsOfAccounts(books, pools),
    differs,
    reach,
    log,
  })
}

const followed = [
  'name',
  'description',
  'externalId',
  'archivedAt',
  'terms',
  'method',
  'formatId',
  'quantity',
  'autoGenerate',
  'refillThreshold',
  'total',
  'claimed',
  'withdrawn',
  'redeemed',
  'voided',
] as const satisfies (keyof PoolState)[]

function differs(a: PoolState, b: PoolState): boolean {
  // Terms and times are compared by what is in them.
  return followed.some((field) => !isDeepStrictEqual(a[field], b[field]))
}
