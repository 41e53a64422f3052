import pg from 'pg'
import { prepareSession } from '../../database/session.ts'

/**
 * The exclusive right to work on the uploads of an account: an advisory lock on its own connection. However the
 * connection ends, the lock is released, and another process can continue at once.
 */
export class AccountLock implements AsyncDisposable {
  readonly #client: pg.Client
  #isLost = false

  private constructor(client: pg.Client) {
    this.#client = client
    const lose = () => {
      this.#isLost = true
    }
    client.on('error', lose)
    client.on('end', lose)
  }

  /** `undefined` if another worker has the lock. */
  static async acquire(config: pg.ClientConfig, accountId: string): Promise<AccountLock | undefined> {
    const client = new pg.Client(config)
    const lock = new AccountLock(client)
    try {
      await client.connect()
      await prepareSession(client)
      const { rows } = await client.query<{ acquired: boolean }>(
        `SELECT pg_try_advisory_lock(hashtextextended('uploads of ' || $1, 0)) AS acquired`,
        [accountId],
      )
      if (rows[0]?.acquired === true) return lock
    } catch (error) {
      await client.end()
      throw error
    }
    await client.end()
    return undefined
  }

  /** Whether another worker may have the lock by now. */
  get isLost(): boolean {
    return this.#isLost
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end()
  }
}
