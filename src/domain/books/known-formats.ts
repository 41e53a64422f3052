import { Pacer } from '../../async/pacer.ts'
import { CodeIndex } from '../../codespace/code-index.ts'
import { PatternIndex } from '../../codespace/pattern-index.ts'
import type { Queryable } from '../../database/transaction.ts'
import { nilId } from '../../nil-id.ts'

// Each account and each format takes a few hundred bytes.
const maxKept = 100_000

/** The known formats of an account: which of them a typed text may be a code of, and which one has a code. */
export interface KnownFormats {
  readonly formats: PatternIndex
  readonly codes: CodeIndex
  /** The same for plain forms: which formats may have a code that differs only in case, spaces and dashes. */
  readonly plainCodes: CodeIndex
  /** The id of the newest format that is known; the nil UUID when there is none. */
  newest: string
}

/**
 * The known formats of the accounts in which codes were looked up or uploaded most recently. What the codes of a format look
 * like never changes, no format is ever removed, and the ids of an account's formats ascend in the order in which they
 * are committed (see createFormat): so all formats up to the newest known one are known.
 *
 * A separate LRU, as an entry grows while it is kept, and the one in use is kept however large it is.
 */
export class KnownFormatsCache {
  readonly #maxKept: number
  /** The first is the one used least recently. */
  readonly #known = new Map<string, KnownFormats>()
  readonly #refreshing = new Map<string, Promise<KnownFormats>>()
  /** Accounts and formats that are known. */
  #size = 0

  constructor(max = maxKept) {
    this.#maxKept = max
  }

  /** The account's known formats: possibly none. */
  get(accountId: string): KnownFormats {
    const kept = this.#known.get(accountId)
    const known = kept ?? {
      formats: new PatternIndex(),
      codes: new CodeIndex(),
      plainCodes: new CodeIndex(),
      newest: nilId,
    }
    this.#known.delete(accountId)
    this.#known.set(accountId, known)
    if (kept === undefined) this.#grow(accountId, 1)
    return known
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
  async readAll(books: Queryable, accountId: string): Promise<KnownFormats> {
    const known = this.get(accountId)
    const from = known.newest
    const rows = await readFormatsFrom(books, accountId, from)
    if (from !== nilId && rows[0]?.id !== from) {
      // The database was restored to an earlier state while this process ran.
      if (this.#known.get(accountId) === known) this.#evict(accountId)
      return await this.readAll(books, accountId)
    }
    const pacer = new Pacer()
    for (const { id, pattern, characters } of rows) {
      // Another call may have just read the same.
      if (id <= known.newest) continue
      known.formats.add(id, pattern, characters)
      known.codes.add(id, pattern, characters)
      known.plainCodes.addPlain(id, pattern, characters)
      known.newest = id
      // It may have been evicted since.
      if (this.#known.get(accountId) === known) this.#grow(accountId, 1)
      if (pacer.isDue()) await pacer.yield()
    }
    return known
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
    const known = this.#known.get(accountId)
    if (known !== undefined) this.#size -= 1 + known.formats.size
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
