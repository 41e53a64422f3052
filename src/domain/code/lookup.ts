import { Lanes } from '../../async/lanes.ts'
import type { CodeSpace } from '../../codespace/codespace.ts'
import { readingsOf } from '../../codespace/loose-form.ts'
import { maxTypedLength, type Reading } from '../../codespace/typed-code-reader.ts'
import type { Books } from '../books/books.ts'
import type { Catalog } from '../books/catalog.ts'
import type { Code } from './code.ts'
import { findCodes } from './find-codes.ts'
import { distanceFrom, type LookUp, nearestCode } from './nearest-code.ts'

// One statement looks up all of a group. A larger group delays the look-ups behind it by more than it saves them.
const maxGroup = 100

// While the database works on one group, the next ones need not wait for its answer.
const maxStatements = 3

/**
 * Finds codes by what a person types. Look-ups of an account that arrive while as many statements of it as there may be
 * are in flight are served together by the next one; one that comes alone is served at once.
 */
export class LookUps {
  readonly #books: Books
  readonly #lanes: Lanes<[accountId: string], string, Code | undefined>

  constructor(books: Books) {
    this.#books = books
    this.#lanes = new Lanes({
      maxGroups: Number.POSITIVE_INFINITY,
      maxGroupsOfKey: maxStatements,
      maxItems: maxGroup,
      serve: ([accountId], group) => this.#serve(accountId, group.close()),
    })
  }

  /**
   * The code in one of the account's pools that a person means by `text`, whether it was generated or uploaded. The
   * nearest one is meant: first a code that is written exactly so; then one that differs in case, spaces and dashes alone;
   * then either of these without the quotation marks, brackets and full stop around it; then one that differs in characters
   * that people mix up, or in punctuation and accents; then one that differs in both. Nothing when there is none, or
   * several are equally near.
   */
  async find(accountId: string, text: string): Promise<Code | undefined> {
    // PostgreSQL has no NUL, and half a surrogate pair would reach it as another character.
    if (text.length > maxTypedLength || text.includes('\0') || !text.isWellFormed()) return undefined
    // As codes are written: without space around them, and composed.
    const written = text.trim().normalize('NFC')
    // No code is as long, even of characters each of which stands for many.
    if (written === '' || written.normalize('NFKC').length > 5 * maxTypedLength) return undefined
    return await this.#lanes.add([accountId], written)
  }

  async #serve(
    accountId: string,
    texts: readonly string[],
  ): Promise<(Code | undefined | Promise<undefined>)[]> {
    for (;;) {
      const catalog = this.#books.catalogs.get(accountId)
      // As of now: it may grow before the answer is here.
      const { newest } = catalog
      // A format that is broken fails the look-ups that could be of its codes, and no others.
      const read = await Promise.allSettled(texts.map((text) => this.#read(accountId, catalog, text)))
      const lookUps = read.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      const found = await findCodes(this.#books, accountId, lookUps)
      // Otherwise there are formats that were not considered: one of their codes may be meant, or put another in doubt.
      if (found.newestFormat === newest)
        return read.map((outcome) =>
          outcome.status === 'fulfilled' ? nearestCode(outcome.value, found) : Promise.reject(outcome.reason),
        )
      await this.#books.catalogs.refresh(this.#books, accountId)
    }
  }

  /** Finds the codes that a text may stand for among all that the account's formats can produce. */
  async #read(accountId: string, { formats }: Catalog, text: string): Promise<LookUp> {
    const spaceOf = (formatId: string) => this.#books.codeSpaces.get(this.#books, accountId, formatId)
    const readings = readingsOf(text)
    const distanceTo = distanceFrom(text, readings)
    const generated = new Map<string, LookUp['generated'][number]>()
    const add = (formatId: string, space: CodeSpace, reading: Reading | undefined) => {
      if (reading === undefined) return
      const { code } = reading
      const index = space.indexOf(code)
      if (index === undefined)
        throw new Error(`The format ${formatId} does not have the code it was read as.`)
      generated.set(`${formatId} ${code}`, { code: { formatId, index, code }, distance: distanceTo(code) })
    }
    for (const reading of readings)
      for (const formatId of formats.find(reading)) {
        const space = await spaceOf(formatId)
        add(formatId, space, space.readTyped(reading))
      }
    for (const reading of readings)
      for (const formatId of formats.findLoosely(reading)) {
        const space = await spaceOf(formatId)
        // Where it can be read as it is, the format's own characters decide.
        if (readings.every((one) => space.readTyped(one) === undefined))
          add(formatId, space, space.readLoosely(reading))
      }
    return { text, readings, distanceTo, generated: [...generated.values()] }
  }
}
