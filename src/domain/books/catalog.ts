import { setImmediate } from 'node:timers/promises'
import { CodeIndex } from '../../codespace/code-index.ts'
import { PatternIndex } from '../../codespace/pattern-index.ts'
import type { Queryable } from '../../database/transaction.ts'

/** The nil UUID, which nothing has as its id and which comes before all others. */
export const nobody = '00000000-0000-0000-0000-000000000000'

// Each takes a few hundred bytes. An account that has more formats is known nevertheless, but no other beside it.
const maxKept = 100_000

// A few milliseconds' worth.
const addedAtOnce = 1_000

/** What is known of the formats of an account: which of them a typed text may be a code of, and which one a code is of. */
export interface Catalog {
  readonly formats: PatternIndex
  readonly codes: CodeIndex
  /** The same for plain forms: which formats may have a code that differs in case, spaces and dashes alone. */
  readonly plainCodes: CodeIndex
  /** The newest format that is known, by its id; the nil UUID when there is none. */
  newest: string
}

/**
 * The formats of the accounts in which codes were looked up or uploaded lately. What a format's codes look like never changes, no
 * format is ever removed, and the ids of an account's formats ascend in the order in which they are committed
 * (see createFormat): so who knows an account's newest format knows them all.
 */
export class Catalogs {
  readonly #kept: number
  readonly #known = new Map<string, Catalog>()
  readonly #refreshing = new Map<string, Promise<Catalog>>()
  /** Accounts and formats that are known. */
  #size = 0

  /** Keeps so many accounts and formats, together: those that were used lately. */
  constructor(kept = maxKept) {
    this.#kept = kept
  }

  /** The account's formats as far as they are known: possibly none. */
  get(accountId: string): Catalog {
    const known = this.#known.get(accountId)
    const catalog = known ?? {
      formats: new PatternIndex(),
      codes: new CodeIndex(),
      plainCodes: new CodeIndex(),
      newest: nobody,
    }
    // To the young end: the first of a Map is the one that was used least lately.
    this.#known.delete(accountId)
    this.#known.set(accountId, catalog)
    if (known === undefined) this.#grow(accountId, 1)
    return catalog
  }

  /**
   * Reads the formats that were created since the newest one that is known. Who asks for it while it is done gets what
   * is read then, which may be from before it asked.
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
   * All of an account's formats as of a moment after this was called. In a transaction that has kept the account's
   * catalog as it is, or has sent the statement that does so, these are all that there will be until it ends.
   */
  async readAll(books: Queryable, accountId: string): Promise<Catalog> {
    const catalog = this.get(accountId)
    const from = catalog.newest
    const rows = await readFormatsFrom(books, accountId, from)
    if (from !== nobody && rows[0]?.id !== from) {
      // The database no longer has what it had: it went back to an earlier state while this process ran.
      if (this.#known.get(accountId) === catalog) this.#forget(accountId)
      return await this.readAll(books, accountId)
    }
    let added = 0
    for (const { id, pattern, characters } of rows) {
      // Others may have read the same meanwhile.
      if (id <= catalog.newest) continue
      catalog.formats.add(id, pattern, characters)
      catalog.codes.add(id, pattern, characters)
      catalog.plainCodes.addPlain(id, pattern, characters)
      catalog.newest = id
      // Unless it was forgotten meanwhile, for the sake of others.
      if (this.#known.get(accountId) === catalog) this.#grow(accountId, 1)
      // Of very many formats, others need not wait for all.
      added += 1
      if (added % addedAtOnce === 0) await setImmediate()
    }
    return catalog
  }

  /** Counts what has become known of an account, and forgets others until there is room. */
  #grow(accountId: string, by: number): void {
    this.#size += by
    for (const oldest of this.#known.keys()) {
      if (this.#size <= this.#kept || oldest === accountId) return
      this.#forget(oldest)
    }
  }

  #forget(accountId: string): void {
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
