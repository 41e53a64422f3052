import pg from 'pg'
import { prepareSession } from '../../database/session.ts'

/**
 * The exclusive right to work on the uploads of an account: an advisory lock on its own connection. However the
 * connection ends, the lock is released, and another process can continue immediately.
 */
export class AccountLock implements AsyncDisposable {
  /** Whether another worker may have the lock by now. */
  isLost = false
  readonly #client: pg.Client

  private constructor(client: pg.Client) {
    this.#client = client
    const lose = () => {
      this.isLost = true
    }
    client.on('error', lose)
    client.on('end', lose)
  }

  /** `undefined` if another worker has the lock. */
  static async acquire(config: pg.ClientConfig, accountId: string): Promise<AccountLock | undefined> {
    const client = new pg.Client(config)
    const lock = new AccountLock(client)
    let isAcquired = false
    try {
      await client.connect()
      await prepareSession(client)
      const { rows } = await client.query<{ acquired: boolean }>(
        `SELECT pg_try_advisory_lock(hashtextextended('uploads of ' || $1, 0)) AS acquired`,
        [accountId],
      )
      isAcquired = rows[0]?.acquired === true
      return isAcquired ? lock : undefined
    } finally {
      if (!isAcquired) await client.end()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end()
  }
}
