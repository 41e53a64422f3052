import { PatternIndex } from '../codespace/pattern-index.ts'
import type { Queryable } from '../database/transaction.ts'

/** The nil UUID, which nothing has as its id and which comes before all others. */
export const nobody = '00000000-0000-0000-0000-000000000000'

// A format takes a few hundred bytes here. An account that has more is known nevertheless, but no other beside it.
const kept = 100_000

/** What is known of the formats of an account: which of them a typed text may be a code of. */
export interface Catalog {
  readonly formats: PatternIndex
  /** The newest format that is known, by its id; the nil UUID when there is none. */
  newest: string
}

/**
 * The formats of the accounts in which codes were looked up lately. What a format's codes look like never changes, no
 * format is ever removed, and the ids of an account's formats ascend in the order in which they are committed
 * (see createFormat): so who knows an account's newest format knows them all.
 */
export class Catalogs {
  readonly #known = new Map<string, Catalog>()
  #size = 0

  /** The account's formats as far as they are known: possibly none. */
  get(accountId: string): Catalog {
    const known = this.#known.get(accountId) ?? newCatalog()
    // To the young end: the first of a Map is the one that was used least lately.
    this.#known.delete(accountId)
    this.#known.set(accountId, known)
    return known
  }

  /** Reads the formats that were created since the newest one that is known. One reader of an account at a time. */
  async refresh(books: Queryable, accountId: string): Promise<void> {
    const catalog = this.get(accountId)
    const rows = await readFormatsFrom(books, accountId, catalog.newest)
    if (catalog.newest === nobody) this.#learn(catalog, rows)
    else if (rows[0]?.id === catalog.newest) this.#learn(catalog, rows.slice(1))
    else {
      // The database no longer has what it had: it went back to an earlier state while this process ran.
      this.#forget(accountId)
      await this.refresh(books, accountId)
    }
    for (const oldest of this.#known.keys()) {
      if (this.#size <= kept || oldest === accountId) break
      this.#forget(oldest)
    }
  }

  #learn(catalog: Catalog, rows: readonly FormatRow[]): void {
    for (const { id, pattern, characters } of rows) {
      catalog.formats.add(id, pattern, characters)
      catalog.newest = id
      this.#size += 1
    }
  }

  #forget(accountId: string): void {
    this.#size -= this.#known.get(accountId)?.formats.size ?? 0
    this.#known.delete(accountId)
  }
}

function newCatalog(): Catalog {
  return { formats: new PatternIndex(), newest: nobody }
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
