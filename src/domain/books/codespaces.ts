import { LRUCache } from 'lru-cache'
import { CodeSpace } from '../../codespace/codespace.ts'
import { Pattern } from '../../codespace/pattern.ts'
import type { Queryable } from '../../database/transaction.ts'

// A code space takes a few kilobytes. An account with more formats than this reads some of them again now and then.
const maxOpen = 1_000

/** The code spaces of the formats used most recently. What makes a code space never changes, so they never expire. */
export class CodeSpaces {
  readonly #open = new LRUCache<string, CodeSpace>({ max: maxOpen })

  /** Rejects when the format does not exist, or when its key, version and pattern no longer belong together. */
  async get(books: Queryable, accountId: string, formatId: string): Promise<CodeSpace> {
    const open = this.#open.get(formatId)
    if (open !== undefined) return open
    const space = await openCodeSpace(books, accountId, formatId)
    this.#open.set(formatId, space)
    return space
  }
}

async function openCodeSpace(books: Queryable, accountId: string, formatId: string): Promise<CodeSpace> {
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
      `The format ${formatId} no longer yields the code that it was created with: its pattern, key or version was changed.`,
    )
  return space
}

interface FormatKeyRow {
  pattern: string
  characters: string
  version: number
  key: Uint8Array
  first_code: string
}
