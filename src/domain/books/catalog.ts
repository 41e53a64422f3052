import { Pacer } from '../../async/pacer.ts'
import { CodeIndex } from '../../codespace/code-index.ts'
import { PatternIndex } from '../../codespace/pattern-index.ts'
import type { Queryable } from '../../database/transaction.ts'

/** The nil UUID: no id equals it, and all are greater. */
export const nilId = '00000000-0000-0000-0000-000000000000'

// Each account and each format takes a few hundred bytes.
const maxKept = 100_000

/** The known formats of an account: which of them a typed text may be a code of, and which one has a code. */
export interface Catalog {
  readonly formats: PatternIndex
  readonly codes: CodeIndex
  /** The same for plain forms: which formats may have a code that differs only in case, spaces and dashes. */
  readonly plainCodes: CodeIndex
  /** The id of the newest format that is known; the nil UUID when there is none. */
  newest: string
}

/**
 * The catalogs of the accounts in which codes were looked up or uploaded most recently. What the codes of a format look
 * like never changes, no format is ever removed, and the ids of an account's formats ascend in the order in which they
 * are committed (see createFormat): so all formats up to the newest known one are known.
 *
 * A separate LRU, as a catalog grows while it is kept, and the one in use is kept however large it is.
 */
export class Catalogs {
  readonly #maxKept: number
  /** The first is the one used least recently. */
  readonly #known = new Map<string, Catalog>()
  readonly #refreshing = new Map<string, Promise<Catalog>>()
  /** Accounts and formats that are known. */
  #size = 0

  constructor(max = maxKept) {
    this.#maxKept = max
  }

  /** The account's known formats: possibly none. */
  get(accountId: string): Catalog {
    const known = this.#known.get(accountId)
    const catalog = known ?? {
      formats: new PatternIndex(),
      codes: new CodeIndex(),
      plainCodes: new CodeIndex(),
      newest: nilId,
    }
    this.#known.delete(accountId)
    this.#known.set(accountId, catalog)
    if (known === undefined) this.#grow(accountId, 1)
    return catalog
  }

  /**
   * Reads the formats that were created since the newest one that is known. A call during a refresh joins it, and may
   * so get what was read before the call.
   */
  async refresh(books: Queryable, accountId: string): Promise<void> {
    let refreshing = this.#refreshing.get(accountId)
    if (refreshing === undefined) {
      refreshing = this.readAll(books, accountId).finally(() => this.#refreshing.delete(accountId))
      this.#refreshing.set(accountId, refreshing)
    }
    await refreshing
  }

  /**
   * All of an account's formats as of a moment after the call. In a transaction that has locked or held the account's
   * catalog, or has sent the statement that does so, no others appear until it ends.
   */
  async readAll(books: Queryable, accountId: string): Promise<Catalog> {
    const catalog = this.get(accountId)
    const from = catalog.newest
    const rows = await readFormatsFrom(books, accountId, from)
    if (from !== nilId && rows[0]?.id !== from) {
      // The database was restored to an earlier state while this process ran.
      if (this.#known.get(accountId) === catalog) this.#evict(accountId)
      return await this.readAll(books, accountId)
    }
    const pacer = new Pacer()
    for (const { id, pattern, characters } of rows) {
      // Another call may have just read the same.
      if (id <= catalog.newest) continue
      catalog.formats.add(id, pattern, characters)
      catalog.codes.add(id, pattern, characters)
      catalog.plainCodes.addPlain(id, pattern, characters)
      catalog.newest = id
      // It may have been evicted since.
      if (this.#known.get(accountId) === catalog) this.#grow(accountId, 1)
      if (pacer.isDue()) await pacer.yield()
    }
    return catalog
  }

  /** Counts what was added to an account, and evicts others until there is room. */
  #grow(accountId: string, by: number): void {
    this.#size += by
    for (const oldest of this.#known.keys()) {
      if (this.#size <= this.#maxKept || oldest === accountId) return
      this.#evict(oldest)
    }
  }

  #evict(accountId: string): void {
    const catalog = this.#known.get(accountId)
    if (catalog !== undefined) this.#size -= 1 + catalog.formats.size
    this.#known.delete(accountId)
  }
}

interface FormatRow {
  id: string
  pattern: string
  characters: string
}

/** The account's formats from this one on, oldest first. */
export async function readFormatsFrom(books: Queryable, accountId: string, id: string): Promise<FormatRow[]> {
  return await books.rows<FormatRow>({
    name: 'read-formats-from',
    text: 'SELECT id, pattern, characters FROM format WHERE account_id = $1 AND id >= $2 ORDER BY id',
    values: [accountId, id],
  })
}

/*
 * The lock of an account's catalog, which is its formats and the names of its formats and pools, is the account's row. Both
 * functions resolve to whether the account has codes that differ only in case, spaces and dashes (see code/identity.ts).
 */

type AccountTransaction = Queryable & { readonly accountId: string }

/** Locks the catalog until the transaction ends: no other one creates a format, sets a name, or adds uploaded codes. */
export async function lockCatalog(tx: AccountTransaction): Promise<boolean> {
  return await lockAccount(tx, 'NO KEY UPDATE')
}

/** Keeps the catalog as it is until the transaction ends: no format appears. Several transactions can hold it. */
export async function holdCatalog(tx: AccountTransaction): Promise<boolean> {
  return await lockAccount(tx, 'SHARE')
}

async function lockAccount(tx: AccountTransaction, mode: 'NO KEY UPDATE' | 'SHARE'): Promise<boolean> {
  // A statement that locks a row and reads no other table returns the row as it is once the lock is held.
  const [row] = await tx.rows<{ case_sensitive: boolean }>({
    name: `lock-account-for-${mode}`,
    text: `SELECT case_sensitive FROM account WHERE id = $1 FOR ${mode}`,
    values: [tx.accountId],
  })
  return row?.case_sensitive === true
}
