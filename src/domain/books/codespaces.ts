import { CodeSpace } from '../../codespace/codespace.ts'
import { Pattern } from '../../codespace/pattern.ts'
import type { Queryable } from '../../database/transaction.ts'

// A code space is a few kilobytes; an account with more formats than this reads some of them again now and then.
const kept = 1_000

/**
 * The code spaces of formats that were used lately. What makes a code space never changes, so one that was opened
 * once stays true for good.
 */
export class CodeSpaces {
  readonly #open = new Map<string, CodeSpace>()

  /** Rejects when the format does not exist, or when its key, version and pattern no longer belong together. */
  async get(books: Queryable, accountId: string, formatId: string): Promise<CodeSpace> {
    const known = this.#open.get(formatId)
    if (known !== undefined) {
      // To the young end: the first of a Map is the one that was used least lately.
      this.#open.delete(formatId)
      this.#open.set(formatId, known)
      return known
    }
    const [row] = await books.rows<FormatKeyRow>({
      name: 'open-code-space',
      text: 'SELECT pattern, characters, version, key, first_code FROM format WHERE account_id = $1 AND id = $2',
      values: [accountId, formatId],
    })
    if (row === undefined) throw new Error(`The format ${formatId} does not exist.`)
    const space = CodeSpace.open({
      pattern: Pattern.parse(row.pattern, row.characters),
      key: row.key,
      version: row.version,
    })
    if (space.codeAt(0n) !== row.first_code)
      throw new Error(
        `The format ${formatId} no longer yields the code it was created with. Its pattern, key or version was changed.`,
      )
    this.#open.set(formatId, space)
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= kept) break
      this.#open.delete(oldest)
    }
    return space
  }
}

interface FormatKeyRow {
  pattern: string
  characters: string
  version: number
  key: Uint8Array
  first_code: string
}
